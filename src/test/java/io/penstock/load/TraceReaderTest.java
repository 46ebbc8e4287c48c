package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceReaderTest {
  private static final String ARRIVALS =
      "t_s,input_tokens,output_tokens\n0.000000,374,44\n4.314579,396,109\n";
  private static final String MOONCAKE =
      "{\"t\":0.0,\"in\":6758,\"out\":500,\"blk\":[[0,14]]}\n{\"t\":3.0,\"in\":7322,\"out\":490,\"blk\":[[0,1],[14,14]]}\n";

  @TempDir Path folder;

  private Trace read(String name, String content) throws IOException {
    return TraceReader.read(file(name, content), OptionalInt.empty());
  }

  private Path file(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    if (!name.endsWith(".gz")) {
      return Files.writeString(file, content);
    }
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(Streams.bytes(content));
    }
    return file;
  }

  @Test
  void readsArrivalsPlainAndGzipped() throws IOException {
    for (String name : new String[] {"a.csv", "a.csv.gz"}) {
      Trace trace = read(name, ARRIVALS);

      assertThat(trace.requests()).hasSize(2);
      TracedRequest second = trace.requests().get(1);
      assertThat(second.atNanos()).isEqualTo(4_314_579_000L);
      assertThat(second.inputTokens()).isEqualTo(396);
      assertThat(second.outputTokens()).isEqualTo(109);
      assertThat(second.blocks()).isEmpty();
      assertThat(trace.perSession()).isFalse();
    }
  }

  @Test
  void findsColumnsByNameAndLeavesOthersOut() throws IOException {
    Trace trace = read("a.csv", "output_tokens,who,t_s,input_tokens\r\n5,x,1.5,7\r\n\r\n");

    TracedRequest only = trace.requests().get(0);
    assertThat(only.atNanos()).isEqualTo(1_500_000_000L);
    assertThat(only.inputTokens()).isEqualTo(7);
    assertThat(only.outputTokens()).isEqualTo(5);
  }

  @Test
  void readsPrefixBlocksAndInfersTheirSize() throws IOException {
    Trace mooncake = read("m.jsonl.gz", MOONCAKE);

    assertThat(mooncake.requests().get(1).blocks()).containsExactly(0, 1, 14, 14);
    assertThat(mooncake.blockTokens().applyAsInt(3)).isEqualTo(512);
    Trace agentic =
        read(
            "g.jsonl",
            "{\"t\":0,\"in\":84806,\"out\":1,\"s\":3,\"a\":0,\"blk\":[[3000001,155],[3003789,1170]]}");
    assertThat(agentic.blockTokens().applyAsInt(3_000_001)).isEqualTo(64);
    assertThat(agentic.requests().get(0).session()).isEqualTo(3);
  }

  @Test
  void takesTheSizesOfChunksFromTheFileBesideIt() throws IOException {
    file("rag_chunks.csv.gz", "chunk_id,kind,tokens\n8302,sys,163\n14332,passage,298\n");

    Trace trace =
        read(
            "rag.jsonl.gz", "{\"t\":82,\"in\":470,\"out\":9,\"s\":0,\"blk\":[[8302,1],[14332,1]]}");

    assertThat(trace.blockTokens().applyAsInt(14332)).isEqualTo(298);
    assertThatThrownBy(
            () -> read("rag.jsonl.gz", "{\"t\":82,\"in\":470,\"out\":9,\"blk\":[[8302,2]]}"))
        .hasMessageEndingWith(
            "rag_chunks.csv.gz: no chunk_id 8303 (expected: every block of the trace)");
  }

  @Test
  void aSizeThatTheUserGivesWins() throws IOException {
    Trace trace = TraceReader.read(file("m.jsonl", MOONCAKE), OptionalInt.of(100));

    assertThat(trace.blockTokens().applyAsInt(3)).isEqualTo(100);
  }

  @Test
  void seesThatTimesCountFromEachSessionsStart() throws IOException {
    assertThat(
            read(
                    "s.jsonl",
                    "{\"t\":9,\"in\":1,\"out\":1,\"s\":1}\n{\"t\":0,\"in\":1,\"out\":1,\"s\":2}\n")
                .perSession())
        .isTrue();
  }

  @ParameterizedTest(name = "{1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``                                | : no requests (expected: CSV with t_s,input_tokens,output_tokens, or JSON lines with t, in, out)",
        "t,in,out                          | , line 1: column 't_s' missing in 't,in,out' (expected: t_s,input_tokens,output_tokens)",
        "t_s,input_tokens                  | , line 1: column 'output_tokens' missing in 't_s,input_tokens' (expected: t_s,input_tokens,output_tokens)",
        "t_s,input_tokens,output_tokens    | : no requests (expected: CSV with t_s,input_tokens,output_tokens, or JSON lines with t, in, out)",
        "t_s,input_tokens,output_tokens;0,1,x | , line 2: output_tokens: 'x' (expected: a whole number >= 0)",
        "t_s,input_tokens,output_tokens;0,-1,1 | , line 2: input_tokens: '-1' (expected: a whole number >= 0)",
        "t_s,input_tokens,output_tokens;NaN,1,1 | , line 2: t_s: 'NaN' (expected: seconds >= 0)",
        "t_s,input_tokens,output_tokens;-1,1,1 | , line 2: t_s: '-1' (expected: seconds >= 0)",
        "t_s,input_tokens,output_tokens;0,1 | , line 2: 2 columns (expected: at least 3)",
        "t_s,input_tokens,output_tokens;2,1,1;1,1,1 | , line 3: t_s: 1 (expected: not before the line above)",
        "{\"t\":0,\"in\":1}                | , line 1: 'out' missing (expected: t, in, out, and optionally s, blk)",
        "{\"t\":0,\"in\":1,\"out\":1};{     | , line 2: not JSON (expected: {\"t\":…,\"in\":…,\"out\":…})",
        "{\"t\":0,\"in\":1,\"out\":1};[]    | , line 2: START_ARRAY (expected: an object)",
        "{\"t\":\"a\",\"in\":1,\"out\":1}   | , line 1: t: a (expected: a number >= 0)",
        "{\"t\":0,\"in\":1.5,\"out\":1}     | , line 1: in: 1.5 (expected: a whole number >= 0)",
        "{\"t\":0,\"in\":1,\"out\":-2}      | , line 1: out: -2 (expected: a whole number >= 0)",
        "{\"t\":0,\"in\":1,\"out\":1,\"blk\":3} | , line 1: VALUE_NUMBER_INT (expected: blk: [[first,count],…])",
        "{\"t\":0,\"in\":1,\"out\":1,\"blk\":[[1]]} | , line 1: blk: ] (expected: a whole number >= 0)",
        "{\"t\":0,\"in\":1,\"out\":1,\"blk\":[[1,2,3]]} | , line 1: VALUE_NUMBER_INT (expected: blk: [[first,count],…])",
        "{\"t\":5,\"in\":1,\"out\":1};{\"t\":4,\"in\":1,\"out\":1} | , line 2: t: 4.0 (expected: not before the line above)",
        "{\"t\":0,\"in\":2000,\"out\":1,\"blk\":[[1,1]]} | : no common block size fits its 'blk' (expected: --block-tokens N, or the sizes in bad_chunks.csv beside it)",
      })
  void namesTheLineAndWhatIsWrongThere(String content, String message) throws IOException {
    Path file = file("bad.jsonl", content.replace(";", "\n"));

    assertThatThrownBy(() -> TraceReader.read(file, OptionalInt.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("trace " + file + message);
  }

  @Test
  void saysThatAFileIsMissingOrAFolderOrCut() throws IOException {
    Path missing = folder.resolve("none.csv");
    assertThatThrownBy(() -> TraceReader.read(missing, OptionalInt.empty()))
        .hasMessage("trace: " + missing + " (expected: a file that exists)");
    assertThatThrownBy(() -> TraceReader.read(folder, OptionalInt.empty()))
        .hasMessage("trace: " + folder + " (expected: a file, not a folder)");
    Path cut = file("cut.csv.gz", ARRIVALS);
    byte[] whole = Files.readAllBytes(cut);
    Files.write(cut, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> TraceReader.read(cut, OptionalInt.empty()))
        .hasMessageStartingWith("trace " + cut + ": cannot be read: ");
  }
}
