package io.penstock.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.EngineKind;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.ResumeMode;
import io.penstock.openai.BodyScan;
import io.penstock.openai.ResumeRefusal;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.StreamRelay.Verdict;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class StreamResumeTest {
  private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";
  private static final String CHAT = "{\"model\":\"m\",\"stream\":true," + MESSAGES + "}";

  private final UsageReporting none = UsageReporting.NONE;
  private byte[] body = {};
  private StreamRelay relay = new StreamRelay(none, none);

  private StreamResume resume(String request) {
    body = request.getBytes(UTF_8);
    ScannedBody scan =
        BodyScan.scan(Operation.CHAT, body, Optional.empty())
            .fold(
                scanned -> scanned,
                no -> {
                  throw new AssertionError(no.message());
                });
    return new StreamResume(scan, ResumeMode.AUTO, true);
  }

  private static String delta(String delta) {
    return "data: {\"id\":\"x\",\"created\":1,\"choices\":[{\"index\":0,\"delta\":{"
        + delta
        + "},\"finish_reason\":null}]}\n\n";
  }

  private static String text(String escaped) {
    return delta("\"content\":\"" + escaped + "\"");
  }

  private static String finish() {
    return "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  }

  private void send(StreamResume resume, String... frames) {
    for (String frame : frames) {
      relay.feed(Slice.of(frame.getBytes(UTF_8)));
      resume.relayed(relay.drain());
    }
  }

  private static String joined(List<Slice> slices) {
    StringBuilder all = new StringBuilder();
    slices.forEach(each -> all.append(new String(each.toByteArray(), UTF_8)));
    return all.toString();
  }

  private String next(StreamResume resume) {
    assertThat(resume.broke(body, relay)).isEmpty();
    String sent =
        joined(resume.body(EngineKind.VLLM, Optional.empty(), new ModelName("m"), none).slices());
    relay = resume.relay(none, none);
    return sent;
  }

  @Test
  void aPairOfSurrogatesThatCameInTwoFramesIsOneCharacterAgain() {
    StreamResume resume = resume(CHAT);
    send(resume, text("a\\uD83D"), text("\\uDE00"));
    assertThat(next(resume))
        .contains("{\"role\":\"assistant\",\"content\":\"a\\uD83D\\uDE00\"}")
        .contains("\"continue_final_message\":true")
        .contains("\"add_generation_prompt\":false");
  }

  /** No engine takes half a character back. */
  @Test
  void aStreamThatBreaksWithinAPairIsNotResumed() {
    StreamResume resume = resume(CHAT);
    send(resume, text("a"), text("\\uD83D"));
    assertThat(resume.broke(body, relay)).contains(ResumeRefusal.UNKNOWN_PAYLOAD);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"n\":2                                              | CHOICES",
        "\"logprobs\":true                                    | LOGPROBS",
        "\"response_format\":{\"type\":\"json_object\"}       | CONSTRAINED",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\"}} | CONSTRAINED",
        "\"guided_regex\":\"a+\"                              | CONSTRAINED",
        "\"structured_outputs\":{\"regex\":\"a+\"}            | CONSTRAINED",
        "\"tool_choice\":\"required\"                         | CONSTRAINED",
        "\"modalities\":[\"text\",\"audio\"]                  | AUDIO",
      })
  void requestsWhoseAnswersCanNotBeCutInTwo(String member, ResumeRefusal why) {
    StreamResume resume = resume(CHAT.replaceFirst("\\{", "{" + member.replace("$", "") + ","));
    send(resume, text("a"));
    assertThat(resume.broke(body, relay)).contains(why);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\"}}] | TOOL_CALLS",
        "\"reasoning_content\":\"hm\"                               | REASONING",
        "\"content\":\"<think>\"                                    | REASONING",
        "\"audio\":{\"data\":\"AA\"}                                | AUDIO",
        "\"refusal\":\"no\"                                         | UNKNOWN_PAYLOAD",
      })
  void framesThatCanNotBeGoneOnWith(String delta, ResumeRefusal why) {
    StreamResume resume = resume(CHAT);
    send(resume, text("a"), delta(delta));
    assertThat(resume.broke(body, relay)).contains(why);
  }

  @Test
  void aTextWithItsFinishReasonIsNotWrittenAgain() {
    StreamResume resume = resume(CHAT);
    send(resume, text("a"), finish());
    assertThat(resume.broke(body, relay)).contains(ResumeRefusal.FINISHED);
  }

  /**
   * White space at the cut is cut off from what the next engine is sent, and it is allowed the
   * tokens to say it once more. One that does not need them must not say more than the client
   * allows.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void noMoreTokensThanAskedForWhetherOrNotTheBlankIsSaidAgain(boolean again) {
    StreamResume resume = resume(CHAT.replaceFirst("\\{", "{\"max_tokens\":4,"));
    send(resume, text("one"), text(" two "));
    assertThat(next(resume)).contains("\"max_tokens\":3").contains("\"content\":\"one two\"");

    StringBuilder shown = new StringBuilder();
    String[] said =
        again
            ? new String[] {text(" "), text("three "), last("four ")}
            : new String[] {text("three "), text("four "), last("five ")};
    for (String frame : said) {
      relay.feed(Slice.of(frame.getBytes(UTF_8)));
      List<Slice> frames = relay.drain();
      shown.append(joined(frames));
      resume.relayed(frames);
    }

    assertThat(shown).contains("three ", "four ", "\"finish_reason\":\"length\"");
    assertThat(shown).doesNotContain("five");
    assertThat(resume.usage().completionTokens()).isEqualTo(4);
  }

  /** vLLM stops a completion after 16 tokens where nothing else is said. */
  @ParameterizedTest
  @CsvSource({"15,VLLM,false", "16,VLLM,true", "16,LLAMA_CPP,false"})
  void aCompletionWithoutALimitHasTheEnginesOwn(int frames, EngineKind engine, boolean finished) {
    body = "{\"model\":\"m\",\"stream\":true,\"prompt\":\"hi\"}".getBytes(UTF_8);
    ScannedBody scan =
        BodyScan.scan(Operation.COMPLETION, body, Optional.empty())
            .fold(
                scanned -> scanned,
                no -> {
                  throw new AssertionError(no.message());
                });
    StreamResume resume = new StreamResume(scan, ResumeMode.AUTO, true);
    for (int i = 0; i < frames; i++) {
      send(resume, "data: {\"choices\":[{\"index\":0,\"text\":\"w\",\"finish_reason\":null}]}\n\n");
    }
    assertThat(resume.broke(body, relay)).isEmpty();
    assertThat(resume.refusedBy(engine, Optional.empty()))
        .isEqualTo(finished ? Optional.of(ResumeRefusal.FINISHED) : Optional.empty());
  }

  private static String last(String escaped) {
    return text(escaped).replace("\"finish_reason\":null", "\"finish_reason\":\"length\"");
  }

  @Test
  void twoResumesAreEnough() {
    StreamResume resume = resume(CHAT);
    send(resume, text("a"));
    next(resume);
    send(resume, text("b"));
    next(resume);
    send(resume, text("c"));
    assertThat(resume.broke(body, relay)).contains(ResumeRefusal.TOO_MANY);
    assertThat(resume.resumes()).isEqualTo(2);
  }

  /** Past the bound nothing is kept at all, whatever follows. */
  @ParameterizedTest
  @ValueSource(ints = {1, 100, 5_000})
  void whatIsKeptIsBounded(int characters) {
    StreamResume resume = resume(CHAT);
    String frame = text("a".repeat(characters));
    int frames = 0;
    long most = 0;
    while (resume.refusal().isEmpty()) {
      send(resume, frame);
      frames++;
      most = Math.max(most, resume.keptBytes());
    }
    assertThat(resume.refusal()).contains(ResumeRefusal.TOO_LARGE);
    assertThat(most).isLessThanOrEqualTo(RelayLog.MAX_BYTES + RelayLog.COMPARED_MAX_BYTES);
    assertThat((long) frames * frame.length())
        .as("no sooner than said")
        .isGreaterThan(RelayLog.MAX_BYTES - 2 * RelayLog.BLOCK_BYTES);
    send(resume, frame);
    assertThat(resume.keptBytes()).isZero();
    assertThat(resume.broke(body, relay)).contains(ResumeRefusal.TOO_LARGE);
  }

  /** Word by word, in one frame, or with the role first: nothing of it passes. */
  @ParameterizedTest
  @ValueSource(
      strings = {"The| river| rises|.| And", "The river rises. And so", "T|he river| rises."})
  void anAnswerThatBeginsAnewIsFoundOut(String words) {
    StreamResume resume = resume(CHAT);
    send(resume, text("The"), text(" river"), text(" rises."), text("\\n"));
    next(resume);
    relay.feed(Slice.of(delta("\"role\":\"assistant\",\"content\":\"\"").getBytes(UTF_8)));
    for (String word : words.split("\\|")) {
      relay.feed(Slice.of(text(word).getBytes(UTF_8)));
    }
    assertThat(relay.verdict()).isEqualTo(Verdict.RESTARTED);
    assertThat(relay.drain()).isEmpty();
  }

  /** The same characters, otherwise escaped, are the same beginning. */
  @Test
  void escapesDoNotHideARestart() {
    StreamResume resume = resume(CHAT);
    send(resume, text("\u00e9t\\u00e9 \\/ \\\"x\\\""));
    next(resume);
    relay.feed(Slice.of(text("\\u00E9t\u00e9 / \\u0022x\\\"").getBytes(UTF_8)));
    assertThat(relay.verdict()).isEqualTo(Verdict.RESTARTED);
  }

  @Test
  void aLongBeginningIsEnough() {
    StreamResume resume = resume(CHAT);
    String text = "0123456789 ".repeat(20);
    send(resume, text(text));
    next(resume);
    relay.feed(Slice.of(text(text.substring(0, 63)).getBytes(UTF_8)));
    assertThat(relay.verdict()).isEqualTo(Verdict.HOLDING);
    relay.feed(Slice.of(text(text.substring(63, 64)).getBytes(UTF_8)));
    assertThat(relay.verdict()).isEqualTo(Verdict.RESTARTED);
  }

  /** What only begins like the beginning is held until it differs, then passes whole. */
  @Test
  void aContinuationThatResemblesTheBeginningPasses() {
    StreamResume resume = resume(CHAT);
    send(resume, text("The river rises."));
    next(resume);
    relay.feed(Slice.of(text("The").getBytes(UTF_8)));
    relay.feed(Slice.of(text(" river").getBytes(UTF_8)));
    assertThat(relay.drain()).isEmpty();
    relay.feed(Slice.of(text(" falls.").getBytes(UTF_8)));
    assertThat(relay.verdict()).isEqualTo(Verdict.FLOWING);
    assertThat(joined(relay.drain()).split("\"content\"", -1)).hasSize(4);
    relay.feed(Slice.of((finish() + "data: [DONE]\n\n").getBytes(UTF_8)));
    assertThat(relay.verdict()).isEqualTo(Verdict.DONE);
    assertThat(resume.usage().completionTokens()).isEqualTo(1 + 3);
  }

  /** The end decides, too: a restart would have gone on. */
  @Test
  void anEndWhileItIsHeldLetsItPass() {
    StreamResume resume = resume(CHAT);
    send(resume, text("no, no, no"));
    next(resume);
    relay.feed(Slice.of((text("no") + finish() + "data: [DONE]\n\n").getBytes(UTF_8)));
    assertThat(relay.verdict()).isEqualTo(Verdict.DONE);
    assertThat(joined(relay.drain())).contains("\"content\":\"no\"").endsWith("data: [DONE]\n\n");
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void whoIsAskedToGoOn(EngineKind engine) {
    boolean usual = engine == EngineKind.VLLM || engine == EngineKind.SGLANG;
    StreamResume resume = resume(CHAT);
    send(resume, text("a"));
    assertThat(resume.broke(body, relay)).isEmpty();
    assertThat(resume.refusedBy(engine, Optional.empty()).isEmpty()).isEqualTo(usual);
    assertThat(resume.refusedBy(engine, Optional.of(true))).isEmpty();
    assertThat(resume.refusedBy(engine, Optional.of(false))).contains(ResumeRefusal.ENGINE);
  }
}
