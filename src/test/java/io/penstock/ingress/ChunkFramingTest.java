package io.penstock.ingress;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChunkFramingTest {
  private static final String LAST = "0;last=1\r\n";
  private static final String AFTER = "x-trailer: 1\r\n\r\nHTTP/1.1 200 OK\r\n";

  /** Everything that comes of a body that is cut at these offsets, and then the rest. */
  private static String unframed(byte[] sent, int... cuts) {
    ChunkFraming framing = new ChunkFraming();
    StringBuilder content = new StringBuilder();
    int from = 0;
    for (int i = 0; i <= cuts.length && !framing.isOver(); i++) {
      int to = i < cuts.length ? cuts[i] : sent.length;
      framing.feed(Arrays.copyOfRange(sent, from, to));
      assertThat(framing.malformation()).isNull();
      content.append(
          new String(framing.bytes(), framing.contentFrom(), framing.contentLength(), ISO_8859_1));
      from = to;
    }
    assertThat(framing.isOver()).isTrue();
    byte[] last = framing.bytes();
    return content
        + "|"
        + new String(last, framing.rest(), framing.restLength(), ISO_8859_1)
        + new String(sent, from, sent.length - from, ISO_8859_1);
  }

  private static byte[] framed(List<byte[]> chunks, Random random) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] chunk : chunks) {
      if (chunk.length > 0) {
        String length = Integer.toHexString(chunk.length);
        length = random.nextBoolean() ? length.toUpperCase() : "00" + length;
        String extension = random.nextInt(4) == 0 ? " ;name=\"value\"" : "";
        out.writeBytes((length + extension + "\r\n").getBytes(ISO_8859_1));
        out.writeBytes(chunk);
        out.writeBytes("\r\n".getBytes(ISO_8859_1));
      }
    }
    out.writeBytes((LAST + AFTER).getBytes(ISO_8859_1));
    return out.toByteArray();
  }

  @Property
  void whateverTheCutsTheContentIsTheSame(
      @ForAll @Size(max = 6) List<byte[]> chunks, @ForAll long seed) {
    Random random = new Random(seed);
    byte[] sent = framed(chunks, random);
    int[] cuts = random.ints(random.nextInt(12), 0, sent.length + 1).sorted().distinct().toArray();
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    chunks.forEach(content::writeBytes);
    assertThat(unframed(sent, cuts)).isEqualTo(content.toString(ISO_8859_1) + "|" + AFTER);
  }

  @Test
  void eachByteMayComeAlone() {
    byte[] sent = framed(List.of("one".getBytes(), new byte[300], "two".getBytes()), new Random(1));
    int[] all = new int[sent.length - 1];
    Arrays.setAll(all, i -> i + 1);
    assertThat(unframed(sent, all)).isEqualTo("one" + "\0".repeat(300) + "two|" + AFTER);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "3_abc3_def_0__ | no line end after a chunk",
        "3_abc^x | no line end after a chunk",
        "_3_abc_ | something else than a chunk's length",
        "g_abc_ | something else than a chunk's length",
        "-1_abc_ | something else than a chunk's length",
        "3g_abc_ | something else than a chunk's length",
        "3-_abc_ | something else than a chunk's length",
        "3~abc_ | something else than a chunk's length",
        "da: {}_ | something else than a chunk's length",
        "3 g_abc_ | something else than a chunk's length",
        "3;g~abc_ | a chunk's length without a line end",
        "3^x | a chunk's length without a line end",
        "80000000_ | a chunk of more than 2 GiB",
        "fffffffffffffffffffff | a chunk of more than 2 GiB"
      })
  void whatIsNotTheCodingIsSaid(String sent, String expected) {
    byte[] bytes =
        sent.replace("_", "\r\n").replace("~", "\n").replace("^", "\r").getBytes(ISO_8859_1);
    ChunkFraming framing = new ChunkFraming();
    for (int i = 0; i < bytes.length && framing.malformation() == null; i++) {
      framing.feed(Arrays.copyOfRange(bytes, i, i + 1));
    }
    assertThat(framing.malformation()).isEqualTo(expected);
    assertThat(framing.isOver()).isFalse();
    ChunkFraming whole = new ChunkFraming();
    whole.feed(bytes);
    assertThat(whole.malformation()).isEqualTo(expected);
  }

  @Test
  void extensionsHaveABound() {
    byte[] line = new byte[5_000];
    Arrays.fill(line, (byte) ' ');
    line[0] = '3';
    line[1] = ';';
    ChunkFraming framing = new ChunkFraming();
    framing.feed(Arrays.copyOf(line, 1_000));
    assertThat(framing.malformation()).isNull();
    framing.feed(Arrays.copyOfRange(line, 1_000, 5_000));
    assertThat(framing.malformation()).contains("4096 bytes of extensions");
  }
}
