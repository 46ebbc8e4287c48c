package io.penstock.load;

import static io.penstock.load.Streams.DONE;
import static io.penstock.load.Streams.bytes;
import static io.penstock.load.Streams.content;
import static io.penstock.load.Streams.finish;
import static io.penstock.load.Streams.frame;
import static io.penstock.load.Streams.role;
import static io.penstock.load.Streams.usage;
import static io.penstock.load.Streams.whole;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class StreamCheckerTest {
  private static final String FINISH_AND_DONE = finish() + usage(7, 1) + DONE;

  private static Verdict judge(String stream) {
    StreamChecker checker = new StreamChecker(true);
    byte[] bytes = bytes(stream);
    checker.feed(bytes, 0, bytes.length);
    return checker.end();
  }

  @Test
  void acceptsAWholeStream() {
    assertThat(judge(whole(3))).isEqualTo(new Verdict(Ending.OK, "", 3, 7, 3));
  }

  @Test
  void acceptsWhatServersDoDifferently() {
    String crlf = whole(2).replace("\n", "\r\n");
    String noSpace = whole(2).replace("data: ", "data:");
    String commented = ": ping\n\n" + whole(2).replace(DONE, ": ping\n\n" + DONE);
    String fields = whole(2).replace("data: {", "event: message\nid: 4\nretry: 10\ndata: {");
    String text =
        frame("{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}") + usage(7, 1) + DONE;
    String tools =
        frame("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}") + FINISH_AND_DONE;
    String running =
        frame(
                "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1,\"total_tokens\":8}}")
            + FINISH_AND_DONE;
    String manyLines = content("a").replace("\"choices\"", "\ndata: \"choices\"") + FINISH_AND_DONE;
    String nullUsage =
        content("a").replace("\"choices\"", "\"usage\":null,\"error\":null,\"choices\"")
            + FINISH_AND_DONE;
    for (String stream :
        List.of(crlf, noSpace, commented, fields, text, tools, running, manyLines, nullUsage)) {
      assertThat(judge(stream).ending()).as(stream).isEqualTo(Ending.OK);
    }
  }

  static Stream<Arguments> notWhole() {
    return Stream.of(
        bad("", Ending.TRUNCATED, "before any content"),
        bad(role(), Ending.TRUNCATED, "before any content"),
        bad(role() + content("a"), Ending.TRUNCATED, "without [DONE]"),
        bad(content("a") + finish() + usage(7, 1), Ending.TRUNCATED, "without [DONE]"),
        bad(
            content("a") + finish() + usage(7, 1) + "data: [DONE]\n",
            Ending.TRUNCATED,
            "without [DONE]"),
        bad(role() + finish() + usage(7, 1) + DONE, Ending.MALFORMED, "no content"),
        bad(content("a") + usage(7, 1) + DONE, Ending.MALFORMED, "no finish_reason"),
        bad(content("a") + finish() + DONE, Ending.MALFORMED, "no usage"),
        bad(
            content("a") + finish() + usage(7, 0) + DONE,
            Ending.MALFORMED,
            "usage does not add up"),
        bad(
            content("a") + finish() + usage(7, 1).replace(":8,", ":9,") + DONE,
            Ending.MALFORMED,
            "usage does not add up"),
        bad(
            content("a") + usage(7, 5) + FINISH_AND_DONE,
            Ending.MALFORMED,
            "usage does not add up"),
        bad(
            content("a") + usage(6, 1) + FINISH_AND_DONE,
            Ending.MALFORMED,
            "usage does not add up"),
        bad(
            finish() + content("a") + usage(7, 1) + DONE,
            Ending.MALFORMED,
            "content after finish_reason"),
        bad(content("a") + content("b").replace("c1", "c2"), Ending.MALFORMED, "id changed"),
        bad(whole(1) + "\n", Ending.MALFORMED, "bytes after [DONE]"),
        bad(whole(1) + DONE, Ending.MALFORMED, "bytes after [DONE]"),
        bad(frame("{\"choices\":[}"), Ending.MALFORMED, "frame is not a JSON object"),
        bad(frame("[]"), Ending.MALFORMED, "frame is not a JSON object"),
        bad(frame("{\"choices\":[]} {}"), Ending.MALFORMED, "frame is not a JSON object"),
        bad(frame("hello"), Ending.MALFORMED, "frame is not a JSON object"),
        bad(frame("{\"id\":\"c1\"}"), Ending.MALFORMED, "frame without choices"),
        bad(frame("{\"choices\":{}}"), Ending.MALFORMED, "frame without choices"),
        bad("<html>\n\n", Ending.MALFORMED, "not an event-stream field"),
        bad(
            "data: {\"choices\":[]}\n{\"choices\":[]}\n\n",
            Ending.MALFORMED,
            "not an event-stream field"),
        bad(
            content("a")
                + frame(
                    "{\"error\":{\"message\":\"x\",\"type\":\"upstream_error\",\"code\":\"bad_gateway\"}}"),
            Ending.ERROR_FRAME,
            "bad_gateway"),
        bad(
            frame("{\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"code\":null}}") + DONE,
            Ending.ERROR_FRAME,
            "server_error"),
        bad(frame("{\"error\":{\"code\":500,\"more\":{\"a\":[1]}}}"), Ending.ERROR_FRAME, "500"),
        bad(frame("{\"error\":\"out of memory\"}"), Ending.ERROR_FRAME, "error"),
        bad(frame("{\"object\":\"error\",\"message\":\"x\"}"), Ending.ERROR_FRAME, "error"),
        bad("event: error\ndata: oops\n\n", Ending.ERROR_FRAME, "event: error"));
  }

  private static Arguments bad(String stream, Ending ending, String detail) {
    return Arguments.of(stream, ending, detail);
  }

  @ParameterizedTest(name = "{1}: {2}")
  @MethodSource("notWhole")
  void saysWhatIsWrong(String stream, Ending ending, String detail) {
    Verdict verdict = judge(stream);

    assertThat(verdict.ending()).isEqualTo(ending);
    assertThat(verdict.detail()).isEqualTo(detail);
  }

  @Test
  void usageIsNotRequiredWhereItWasNotAskedFor() {
    StreamChecker checker = new StreamChecker(false);
    byte[] stream = bytes(content("a") + finish() + DONE);
    checker.feed(stream, 0, stream.length);

    assertThat(checker.end().ending()).isEqualTo(Ending.OK);
  }

  @Test
  void refusesAFrameThatNeverEnds() {
    StreamChecker checker = new StreamChecker(true);
    byte[] half = new byte[StreamChecker.FRAME_BYTES_MAX / 2];
    Arrays.fill(half, (byte) 'x');
    checker.feed(half, 0, half.length);
    checker.feed(half, 0, half.length);
    assertThat(checker.isFailed()).isFalse();

    checker.feed(half, 0, 1);

    assertThat(checker.isFailed()).isTrue();
    assertThat(checker.end().detail()).isEqualTo("frame over 4194304 bytes");
  }

  @Test
  void theSameVerdictWhereverTheStreamIsSplit() {
    List<String> streams =
        Stream.concat(
                Stream.of(whole(3), whole(2).replace("\n", "\r\n")),
                notWhole().map(a -> (String) a.get()[0]))
            .toList();
    for (String stream : streams) {
      byte[] bytes = bytes(stream);
      Verdict atOnce = judge(stream);
      for (int cut = 0; cut <= bytes.length; cut++) {
        StreamChecker checker = new StreamChecker(true);
        int contents = checker.feed(bytes, 0, cut) + checker.feed(bytes, cut, bytes.length - cut);

        assertThat(checker.end()).as("cut at %d of %s", cut, stream).isEqualTo(atOnce);
        assertThat(contents).isEqualTo(atOnce.contents());
      }
    }
  }

  @Property(tries = 200)
  void theSameVerdictHoweverTheStreamIsSplit(
      @ForAll @IntRange(min = 1, max = 12) int contents, @ForAll long seed) {
    byte[] bytes = bytes(whole(contents));
    Random random = new Random(seed);
    StreamChecker checker = new StreamChecker(true);
    int seen = 0;
    for (int from = 0; from < bytes.length; ) {
      int length = Math.min(bytes.length - from, 1 + random.nextInt(40));
      seen += checker.feed(bytes, from, length);
      from += length;
    }

    assertThat(checker.end()).isEqualTo(new Verdict(Ending.OK, "", contents, 7, contents));
    assertThat(seen).isEqualTo(contents);
  }

  @Test
  void truncatedAnywhereIsNeverOk() {
    for (String stream : List.of(whole(3), whole(2).replace("\n", "\r\n"))) {
      byte[] bytes = bytes(stream);
      for (int length = 0; length < bytes.length; length++) {
        StreamChecker checker = new StreamChecker(true);
        checker.feed(bytes, 0, length);

        assertThat(checker.end().ending()).as("first %d bytes", length).isEqualTo(Ending.TRUNCATED);
      }
    }
  }
}
