package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.inference.TokenUsage;
import io.penstock.openai.SseFrame.Kind;
import io.penstock.openai.UsageStrip.Sight;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SseScannerTest {
  private static final String CONTENT = "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}";

  private static List<SseFrame> frames(String stream) {
    List<SseFrame> frames = new ArrayList<>();
    byte[] bytes = stream.getBytes(UTF_8);
    new SseScanner(frame -> frames.add(frame.copy())).feed(bytes, 0, bytes.length);
    return frames;
  }

  private static SseFrame only(String stream) {
    List<SseFrame> frames = frames(stream);
    assertThat(frames).hasSize(1);
    return frames.get(0);
  }

  private static String withoutUsage(SseFrame frame) {
    return frame.hasUsageMember() ? new String(frame.withoutUsage(), UTF_8) : text(frame);
  }

  private static String text(SseFrame frame) {
    return new String(frame.slice().toByteArray(), UTF_8);
  }

  /** All that a frame says, with the usage member as text, so that frames of two runs compare. */
  private static String say(SseFrame frame) {
    String member =
        frame
            .usageMember()
            .map(span -> JsonText.decode(frame.bytes(), span.offset(), span.end()))
            .orElse("-");
    return frame.kind()
        + "|"
        + frame.finish()
        + "|"
        + frame.usage()
        + "|"
        + member
        + "|"
        + text(frame);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "CONTENT    ~ {'choices':[{'index':0,'delta':{'content':'Hi'},'finish_reason':null}]}",
        "CONTENT    ~ {'choices':[{'delta':{'reasoning_content':'hm'}}]}",
        "CONTENT    ~ {'choices':[{'delta':{'reasoning':'hm'}}]}",
        "CONTENT    ~ {'choices':[{'delta':{'refusal':'no'}}]}",
        "CONTENT    ~ {'choices':[{'delta':{'tool_calls':[{'index':0}]}}]}",
        "CONTENT    ~ {'choices':[{'delta':{},'finish_reason':'stop'}]}",
        "CONTENT    ~ {'choices':[{'delta':{}},{'delta':{'content':'b'}}]}",
        "CONTENT    ~ {'choices':[{'text':'Hi'}]}",
        "CONTENT    ~ {'choices':[{'delta':{'content':'a'}}],'usage':{'prompt_tokens':1}}",
        "CONTENT    ~ {'choices':[{'delta':{'content':'a'}}],'error':null}",
        "EMPTY      ~ {'choices':[{'delta':{'role':'assistant','content':''},'finish_reason':null}]}",
        "EMPTY      ~ {'choices':[{'delta':{'role':'assistant','content':null,'tool_calls':[ ]}}]}",
        "EMPTY      ~ {'choices':[{'delta':{'role':'assistant'}}],'usage':{'prompt_tokens':1}}",
        "EMPTY      ~ {'choices':[{'text':''}]}",
        "EMPTY      ~ {'choices':[]}",
        "EMPTY      ~ {'choices':[],'usage':null}",
        "EMPTY      ~ {}",
        "EMPTY      ~ {'choices':null,'x':{'error':1,'usage':{}}}",
        "USAGE_ONLY ~ {'choices':[],'usage':{'prompt_tokens':1,'completion_tokens':2}}",
        "USAGE_ONLY ~ {'usage':{}}",
        "ERROR      ~ {'error':{'message':'out of memory','code':500}}",
        "ERROR      ~ {'error':'out of memory','choices':[{'text':'x'}]}",
        "ERROR      ~ {'object':'error','message':'out of memory'}",
        "MALFORMED  ~ {'choices':[{'delta':{'cont",
        "MALFORMED  ~ {'choices':[]}}",
        "MALFORMED  ~ [1]",
        "MALFORMED  ~ 'text'",
        "MALFORMED  ~ [DONE",
        "DONE       ~ [DONE]",
      })
  void classifies(Kind kind, String data) {
    String json = data.replace('\'', '"');
    assertThat(only("data: " + json + "\n\n").kind()).isEqualTo(kind);
    assertThat(only("data:" + json + "\r\n\r\n").kind()).isEqualTo(kind);
    assertThat(only("event: message\nid: 7\ndata: " + json + "\n\n").kind()).isEqualTo(kind);
    assertThat(only(": note\ndata: " + json + "\nretry: 5\n\n").kind()).isEqualTo(kind);
  }

  @Test
  void knowsFramesWithoutData() {
    assertThat(only(": ping\n\n").kind()).isEqualTo(Kind.COMMENT);
    assertThat(only("event: ping\n\n").kind()).isEqualTo(Kind.COMMENT);
    assertThat(only("data\n\n").kind()).isEqualTo(Kind.MALFORMED);
    assertThat(only("data:\n\n").kind()).isEqualTo(Kind.MALFORMED);
    assertThat(frames("\n\n\r\n\n")).isEmpty();
  }

  @Test
  void knowsTheErrorsOfEnginesThatNameThemInAField() {
    assertThat(only("error: {\"code\":500}\n\n").kind()).isEqualTo(Kind.ERROR);
    assertThat(only("event: error\ndata: {\"message\":\"x\"}\n\n").kind()).isEqualTo(Kind.ERROR);
    assertThat(only("event: error\ndata: oops\n\n").kind()).isEqualTo(Kind.ERROR);
  }

  @Test
  void readsUsage() {
    SseFrame frame =
        only(
            "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{\\\"prompt_tokens\\\":9}\"}}],"
                + "\"deep\":{\"usage\":{\"prompt_tokens\":8}},"
                + "\"usage\":{\"prompt_tokens\":12,\"total_tokens\":15,\"completion_tokens\":3,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n");
    assertThat(frame.usage()).isEqualTo(new TokenUsage(12, 3, 4));
  }

  @Test
  void countsThatAreNoneAreZero() {
    SseFrame frame =
        only(
            "data: {\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1.5,"
                + "\"prompt_tokens_details\":null}}\n\n");
    assertThat(frame.usage()).isEqualTo(TokenUsage.NONE);
  }

  @Test
  void saysWhetherAChoiceFinished() {
    assertThat(
            only("data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}]}\n\n")
                .finish())
        .isTrue();
    assertThat(only("data: " + CONTENT + "\n\n").finish()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{'a':1,'usage':null}               ~ {'a':1}",
        "{'a':1 , 'usage' : {'x':[1]} }     ~ {'a':1 }",
        "{'usage':null,'a':1}               ~ {'a':1}",
        "{ 'usage':{} , 'a':1}              ~ { 'a':1}",
        "{'usage':null}                     ~ {}",
        "{'a':1,'usage':{},'b':{'usage':2}} ~ {'a':1,'b':{'usage':2}}",
        "{'a':{'usage':1}}                  ~ {'a':{'usage':1}}",
        "{'a':'usage'}                      ~ {'a':'usage'}",
      })
  void takesUsageOutWithItsComma(String data, String left) {
    SseFrame frame = only("id: 1\ndata: " + data.replace('\'', '"') + "\n\n");
    assertThat(withoutUsage(frame)).isEqualTo("id: 1\ndata: " + left.replace('\'', '"') + "\n\n");
  }

  @Property(tries = 5000)
  void takingUsageOutEqualsTakingItOutOfTheTree(@ForAll long seed) {
    RandomJson json = new RandomJson(seed);
    String object = json.object(3).replaceAll("[\n\r]", " ");
    String usage =
        json.pick("null", "{\"prompt_tokens\":3}", json.value(2)).replaceAll("[\n\r]", " ");
    String member = " \"usage\" : " + usage;
    String inner = object.substring(1, object.length() - 1);
    String whole =
        inner.isBlank()
            ? "{" + member + "}"
            : json.oneIn(2) ? "{" + inner + "," + member + "}" : "{" + member + " ," + inner + "}";
    SseFrame frame = only("data: " + whole + "\n\n");
    String left = withoutUsage(frame);
    JsonNode expected = RandomJson.tree(whole.getBytes(UTF_8));
    ((ObjectNode) expected).remove("usage");
    assertThat(RandomJson.tree(left.substring(6).strip().getBytes(UTF_8))).isEqualTo(expected);
  }

  @Test
  void framesThatLieWholeInAChunkAreNotCopied() {
    byte[] chunk = ("data: " + CONTENT + "\n\n: ping\n\ndata: [DONE]\n\n").getBytes(UTF_8);
    List<SseFrame> frames = new ArrayList<>();
    new SseScanner(frame -> frames.add(frame.copy())).feed(chunk, 0, chunk.length);
    int at = 0;
    for (SseFrame each : frames) {
      assertThat(each.bytes()).isSameAs(chunk);
      assertThat(each.offset()).isEqualTo(at);
      at += each.length();
    }
    assertThat(at).isEqualTo(chunk.length);
  }

  @Test
  void aCopyOutlivesTheFramesAfterIt() {
    List<SseFrame> seen = new ArrayList<>();
    List<String> said = new ArrayList<>();
    SseScanner scanner =
        new SseScanner(
            frame -> {
              seen.add(frame.copy());
              said.add(say(frame));
            });
    byte[] chunk =
        ("data: {\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":1}}\n\n"
                + "data: [DONE]\n\n: x\n\n")
            .getBytes(UTF_8);
    scanner.feed(chunk, 0, chunk.length);
    assertThat(seen.stream().map(SseScannerTest::say)).containsExactlyElementsOf(said);
  }

  @Test
  void bringsDataOfSeveralLinesIntoOne() {
    SseFrame frame = only("data: {\"choices\":\nevent: e\r\ndata: [],\ndata: \"usage\":{}}\n\n");
    assertThat(text(frame)).isEqualTo("event: e\r\ndata: {\"choices\": [], \"usage\":{}} \n\n");
    assertThat(frame.kind()).isEqualTo(Kind.USAGE_ONLY);
    assertThat(withoutUsage(frame)).isEqualTo("event: e\r\ndata: {\"choices\": []} \n\n");
    assertThat(only("data: {\"a\":\"b\ndata: c\"}\n\n").kind()).isEqualTo(Kind.MALFORMED);
  }

  @Property(tries = 1000)
  void givesTheSameFramesForEverySplit(@ForAll long seed) {
    RandomJson json = new RandomJson(seed);
    byte[] stream = randomStream(json);
    List<String> whole = scan(stream, List.of(), 300);
    assertThat(scan(stream, everyByte(stream.length), 300)).isEqualTo(whole);
    List<Integer> cuts = new ArrayList<>();
    for (int at = json.below(40); at < stream.length; at += json.below(60)) {
      cuts.add(at);
    }
    assertThat(scan(stream, cuts, 300)).isEqualTo(whole);
  }

  @Test
  void givesTheSameFramesForEachSinglePlaceOfASplit() {
    String stream =
        "\r\n: a\r\n\r\ndata: "
            + CONTENT
            + "\n\n\n\ndata: {\"usage\":null}\r\n\r\nevent: x\ndata: y\n\n"
            + "data: {\"a\":\ndata: 1}\n\ndata: [DONE]\n\n";
    byte[] bytes = stream.getBytes(UTF_8);
    List<String> whole = scan(bytes, List.of(), 1000);
    assertThat(whole).hasSize(6 + 1);
    for (int cut = 0; cut <= bytes.length; cut++) {
      assertThat(scan(bytes, List.of(cut), 1000)).as("cut at %d", cut).isEqualTo(whole);
    }
  }

  private static List<Integer> everyByte(int length) {
    List<Integer> cuts = new ArrayList<>();
    for (int i = 1; i < length; i++) {
      cuts.add(i);
    }
    return cuts;
  }

  /** The frames of a stream that arrives cut at these places, and whether it ended between two. */
  private static List<String> scan(byte[] stream, List<Integer> cuts, int maxFrameBytes) {
    List<String> said = new ArrayList<>();
    SseScanner scanner = new SseScanner(frame -> said.add(say(frame)), maxFrameBytes);
    int from = 0;
    for (int cut : cuts) {
      scanner.feed(stream, from, cut - from);
      from = cut;
    }
    scanner.feed(stream, from, stream.length - from);
    said.add("end " + scanner.end());
    return said;
  }

  private static byte[] randomStream(RandomJson json) {
    StringBuilder stream = new StringBuilder();
    for (int i = 1 + json.below(6); i > 0; i--) {
      String newline = json.pick("\n", "\r\n");
      for (int line = 1 + json.below(2); line > 0; line--) {
        stream
            .append(json.pick("data: ", "data:", "data: ", ": ", "event: ", "x"))
            .append(json.pick("[DONE]", "error", CONTENT, json.object(3).replaceAll("[\n\r]", " ")))
            .append(newline);
      }
      stream.append(newline).append(json.pick("", "", "", "\n", "\r\n"));
    }
    byte[] whole = stream.toString().getBytes(UTF_8);
    return json.oneIn(3) ? json.damaged(whole) : whole;
  }

  @Test
  void aFrameOverTheBoundIsTheLast() {
    byte[] stream = (": ok\n\ndata: " + "x".repeat(100) + "\n\n: after\n\n").getBytes(UTF_8);
    for (List<Integer> cuts : List.of(List.<Integer>of(), everyByte(stream.length))) {
      List<String> said = scan(stream, cuts, 50);
      assertThat(said)
          .containsExactly(
              "COMMENT|false|null|-|: ok\n\n",
              "TOO_LARGE|false|null|-|data: " + "x".repeat(44),
              "end false");
    }
  }

  @Test
  void takesAFrameOfAMebibyteInSmallChunks() {
    String big =
        "data: {\"choices\":[{\"delta\":{\"content\":\"" + "é".repeat(1 << 19) + "\"}}]}\n\n";
    byte[] bytes = big.getBytes(UTF_8);
    List<SseFrame> frames = new ArrayList<>();
    SseScanner scanner = new SseScanner(frame -> frames.add(frame.copy()));
    for (int at = 0; at < bytes.length; at += 1000) {
      scanner.feed(bytes, at, Math.min(1000, bytes.length - at));
    }
    assertThat(frames).hasSize(1);
    assertThat(frames.get(0).kind()).isEqualTo(Kind.CONTENT);
    assertThat(frames.get(0).slice().toByteArray()).isEqualTo(bytes);
    assertThat(scanner.pendingBytes()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "data: [DONE]            ~ true  ~ DONE",
        "data: [DONE]\\n         ~ true  ~ DONE",
        "data: [DONE]\\r\\n      ~ true  ~ DONE",
        "data: {}                ~ true  ~ EMPTY",
        "data: {\"choices\":[    ~ false ~ -",
        "da                      ~ false ~ -",
        ": ping\\n               ~ true  ~ COMMENT",
        "\\r                     ~ true  ~ -",
        "data: {}\\n\\n\\r       ~ true  ~ EMPTY",
      })
  void saysWhetherTheStreamEndedInsideAFrame(String stream, boolean between, String kind) {
    List<SseFrame> frames = new ArrayList<>();
    SseScanner scanner = new SseScanner(frame -> frames.add(frame.copy()));
    byte[] bytes = stream.replace("\\n", "\n").replace("\\r", "\r").getBytes(UTF_8);
    scanner.feed(bytes, 0, bytes.length);
    assertThat(scanner.end()).isEqualTo(between);
    assertThat(frames.stream().map(frame -> frame.kind().name()).findFirst())
        .isEqualTo(Optional.of(kind).filter(name -> !name.equals("-")));
  }

  @Test
  void showsTheClientOnlyTheUsageThatItAskedFor() {
    SseFrame content =
        only("data: {\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":1}}\n\n");
    SseFrame last = only("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n");
    SseFrame plain = only("data: " + CONTENT + "\n\n");
    UsageStrip none = new UsageStrip(UsageReporting.NONE, UsageReporting.CONTINUOUS);
    assertThat(none.sightOf(content)).isEqualTo(Sight.WITHOUT_USAGE);
    assertThat(none.sightOf(last)).isEqualTo(Sight.NOTHING);
    assertThat(none.sightOf(plain)).isEqualTo(Sight.WHOLE);
    UsageStrip some = new UsageStrip(UsageReporting.FINAL, UsageReporting.CONTINUOUS);
    assertThat(some.sightOf(content)).isEqualTo(Sight.WITHOUT_USAGE);
    assertThat(some.sightOf(plain)).isEqualTo(Sight.WHOLE);
    assertThat(some.sightOf(last)).isEqualTo(Sight.WHOLE);
    UsageStrip asTheEngineSays = new UsageStrip(UsageReporting.FINAL, UsageReporting.FINAL);
    assertThat(asTheEngineSays.sightOf(content)).isEqualTo(Sight.WHOLE);
    UsageStrip all = new UsageStrip(UsageReporting.CONTINUOUS, UsageReporting.CONTINUOUS);
    assertThat(all.sightOf(content)).isEqualTo(Sight.WHOLE);
    assertThat(all.sightOf(last)).isEqualTo(Sight.WHOLE);
  }
}
