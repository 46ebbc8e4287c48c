package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.json;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.CascadePolicy;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client gets when its draft was rejected and the tier above fails, over real sockets. */
class FailedEscalationTest extends TieredGateway {
  private static final String FAILED = "x-penstock-escalation-failed";

  private static CascadePolicy policy(long heldMax, boolean accepts, boolean serves, String hook) {
    return new CascadePolicy(
        2,
        4_096,
        heldMax,
        0,
        accepts,
        serves,
        hook.isEmpty()
            ? Optional.empty()
            : Optional.of(new CascadePolicy.Hook(hook, Duration.ofSeconds(60))),
        Optional.empty());
  }

  private static CascadePolicy serving(String hook) {
    return policy(HELD_MAX, true, true, hook);
  }

  private static ScriptedEngine.Script failing(String how) {
    return (socket, request) -> {
      if (how.equals("close")) {
        socket.close();
      } else {
        int status = Integer.parseInt(how);
        socket.write(json(status, "{\"error\":{\"message\":\"not now\"}}"));
      }
    };
  }

  private void nothingIsHeld() {
    freed();
    await(() -> gateway.metric("penstock_cascade_draft_bytes", "") == 0, "no draft is held");
  }

  private static String textOfWhole(HttpResponse<String> answer) {
    return new JsonObject(answer.body())
        .getJsonArray("choices")
        .getJsonObject(0)
        .getJsonObject("message")
        .getString("content");
  }

  @ParameterizedTest
  @CsvSource({
    "close, bad_gateway, 3",
    "500, bad_gateway, 3",
    "429, queue_full, 3",
    "503, no_replica, 3",
    "400, engine_refused, 2",
  })
  void theDraftIsServedAndItsHeadersSaySo(String how, String code, int attempts) throws Exception {
    start(Optional.of(serving("")));
    fast.answer(says(NO, 10, 3));
    standard.answer(failing(how));
    quality.answer(failing(how));
    String failed = attempts == 3 ? "quality" : "standard";

    HttpResponse<String> whole = post(WHOLE);
    HttpResponse<String> streamed = post(COUNTED);
    assertThat(textOfWhole(whole)).isEqualTo(NO);
    assertThat(textOf(streamed.body())).isEqualTo(NO);
    assertThat(streamed.body()).endsWith("data: [DONE]\n\n").contains("\"completion_tokens\":3");
    for (HttpResponse<String> answer : List.of(whole, streamed)) {
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(header(answer, FAILED))
          .isEqualTo(
              failed
                  + "; code="
                  + code
                  + "; draft=fast; rejected_by=refusal; quality=0; threshold=0.8");
      assertThat(header(answer, "x-penstock-tier")).isEqualTo("fast");
      assertThat(header(answer, "x-penstock-cascade"))
          .isEqualTo(attempts == 3 ? "fast,standard,quality" : "fast,standard");
      assertThat(header(answer, "x-penstock-model")).isEqualTo("model-fast");
      assertThat(header(answer, "x-penstock-pool")).isEqualTo("fast");
      assertThat(header(answer, "x-penstock-replica")).isEqualTo("fast-0");
      assertThat(header(answer, "x-penstock-attempts")).isEqualTo("" + attempts);
    }
    assertThat(header(whole, "x-penstock-cost")).isEqualTo("0.000016");
    JsonObject line = accessLine();
    assertThat(line.getString("outcome")).isEqualTo("ok");
    assertThat(line.getString("tier")).isEqualTo("fast");
    assertThat(line.getString("model")).isEqualTo("model-fast");
    assertThat(line.getString("escalation_failed")).isEqualTo(code);
    assertThat(line.getString("code")).isNull();
    nothingIsHeld();
    assertThat(gateway.metric("penstock_cascade_drafts_served_total", "code=\"" + code + "\""))
        .isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {WHOLE, STREAM})
  void orTheErrorWhereThatIsConfigured(String body) throws Exception {
    start(Optional.of(policy(HELD_MAX, true, false, "")));
    fast.answer(says(NO, 10, 3));
    standard.answer(failing("503"));
    quality.answer(failing("429"));
    HttpResponse<String> answer = post(body);
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(header(answer, FAILED)).isEmpty();
    nothingIsHeld();
    assertThat(gateway.metric("penstock_cascade_drafts_served_total", "")).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0.3, 0.5, standard", "0.5, 0.3, fast", "0.4, 0.4, standard"})
  void ofSeveralDraftsTheBestIsServedWithTheUsageOfAll(String first, String second, String tier)
      throws Exception {
    String url =
        hook(
            request -> {
              boolean isFast = judged.get(judged.size() - 1).getString("tier").equals("fast");
              request.response().end("{\"quality\": " + (isFast ? first : second) + "}");
            });
    start(Optional.of(serving(url)));
    quality.answer(failing("500"));
    HttpResponse<String> whole = post(WHOLE);
    HttpResponse<String> streamed = post(COUNTED);
    String text = tier.equals("fast") ? YES : BETTER;
    assertThat(textOfWhole(whole)).isEqualTo(text);
    assertThat(textOf(streamed.body())).isEqualTo(text);
    for (HttpResponse<String> answer : List.of(whole, streamed)) {
      assertThat(header(answer, "x-penstock-tier")).isEqualTo(tier);
      assertThat(header(answer, FAILED))
          .isEqualTo(
              "quality; code=bad_gateway; draft="
                  + tier
                  + "; rejected_by=hook; quality="
                  + (tier.equals("fast") ? first : second)
                  + "; threshold=0.8");
      assertThat(answer.body())
          .contains("\"prompt_tokens\":30,\"completion_tokens\":8,\"total_tokens\":38");
    }
    assertThat(accessLine().getInteger("completion_tokens")).isEqualTo(8);
    nothingIsHeld();
  }

  @Test
  void whatNoJudgeHasFoundBadIsBetterThanWhatOneHas() throws Exception {
    String url =
        hook(
            request -> {
              boolean isFast = judged.get(judged.size() - 1).getString("tier").equals("fast");
              request.response().end(isFast ? "rubbish" : "{\"quality\": 0.79}");
            });
    start(Optional.of(policy(HELD_MAX, false, true, url)));
    quality.answer(failing("500"));
    HttpResponse<String> answer = post(WHOLE);
    assertThat(textOfWhole(answer)).isEqualTo(YES);
    assertThat(header(answer, FAILED))
        .isEqualTo("quality; code=bad_gateway; draft=fast; rejected_by=hook_failed; threshold=0.8");
  }

  /** An answer of an engine with this text and end. */
  private static ScriptedEngine.Script ends(String text, String finish) {
    return (socket, request) ->
        socket.write(
            json(
                "{\"choices\":[{\"index\":0,\"message\":{\"content\":"
                    + quoted(text)
                    + "},\"finish_reason\":\""
                    + finish
                    + "\"}]}"));
  }

  @ParameterizedTest
  @CsvSource({
    "'', stop, '', 502",
    "half of it, content_filter, '', 502",
    "half of it, length, '', 502",
    "half of it, length, '\"max_tokens\":3,', 200",
    "no JSON, stop, '\"response_format\":{\"type\":\"json_object\"},', 502",
    "I don't know., stop, '', 200",
  })
  void whatIsNotWholeIsNeverServed(String text, String finish, String asked, int status)
      throws Exception {
    start(Optional.of(serving("")));
    fast.answer(ends(text, finish));
    standard.answer(failing("close"));
    quality.answer(failing("close"));
    HttpResponse<String> answer = post(WHOLE.replace("{\"model\"", "{" + asked + "\"model\""));
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.body().contains("half of it")).isEqualTo(asked.contains("max_tokens"));
    nothingIsHeld();
  }

  @ParameterizedTest
  @ValueSource(strings = {WHOLE, STREAM})
  void theDraftIsThereWhenTheDeadlinePasses(String body) throws Exception {
    start(Optional.of(serving("")));
    fast.answer(says(NO, 10, 3));
    standard.answer((socket, request) -> {});
    HttpResponse<String> answer = post(body, "x-penstock-timeout-ms", "3000");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("sorry");
    assertThat(header(answer, FAILED)).startsWith("standard; code=deadline_exceeded; draft=fast");
    await(() -> standard.closed.get() == 1, "the engine hears of it");
    nothingIsHeld();
  }

  @ParameterizedTest
  @CsvSource({"true, ''", "false, 'fast; code=deadline_exceeded; draft=fast'"})
  void aJudgeThatIsSilentAtTheDeadlineHasFailed(boolean accepts, String failed) throws Exception {
    String url = hook(request -> {});
    start(Optional.of(policy(HELD_MAX, accepts, true, url)));
    HttpResponse<String> answer = post(WHOLE, "x-penstock-timeout-ms", "3000");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(textOfWhole(answer)).isEqualTo(YES);
    assertThat(header(answer, FAILED)).startsWith(failed);
    assertThat(header(answer, FAILED).isEmpty()).isEqualTo(accepts);
    await(() -> judgesLeft.get() == 1, "the hook hears of it");
    assertThat(standard.requests).isEmpty();
    nothingIsHeld();
  }

  /** The head of the answer went with a ping, before anybody knew. */
  @ParameterizedTest
  @CsvSource({"1, fails", "2, fails", "2, answers", "0, answers"})
  void whoHasTheHeadAlreadyIsToldInComments(int slow, String what) {
    setup.pingAfter = Duration.ofMillis(1);
    start(Optional.of(serving("")));
    List<ScriptedEngine> engines = List.of(fast, standard, quality);
    List<String> says = List.of(slow == 0 ? YES : NO, NO, BETTER);
    List<Runnable> waiting = new CopyOnWriteArrayList<>();
    for (int i = 0; i < engines.size(); i++) {
      ScriptedEngine.Script answers = says(says.get(i), 10, 3);
      ScriptedEngine.Script script =
          i >= slow && what.equals("fails") ? (socket, request) -> socket.close() : answers;
      boolean waits = i == slow;
      engines
          .get(i)
          .answer(
              (socket, request) -> {
                if (waits) {
                  waiting.add(() -> script.answer(socket, request));
                } else {
                  script.answer(socket, request);
                }
              });
    }
    NetSocket client = send(STREAM);
    StringBuffer seen = new StringBuffer();
    client.handler(piece -> seen.append(piece.toString()));
    await(() -> seen.indexOf(": ping") >= 0 && waiting.size() == 1, "a ping");
    waiting.get(0).run();
    await(() -> seen.indexOf("[DONE]") >= 0, "the answer");
    String head = seen.substring(0, seen.indexOf("\r\n\r\n"));
    String rest = seen.substring(head.length());
    assertThat(head).as("nobody knew").doesNotContain("x-penstock-tier", "x-penstock-model");
    String tier =
        slow == 0 ? "fast" : what.equals("answers") ? "quality" : slow == 1 ? "fast" : "standard";
    assertThat(rest)
        .contains(": x-penstock-tier: " + tier + "\n", ": x-penstock-model: model-" + tier);
    assertThat(rest.contains(FAILED)).isEqualTo(what.equals("fails"));
    nothingIsHeld();
  }

  @Test
  void whoLeavesWhileTheNextTierIsAskedFreesTheDraft() {
    start(Optional.of(serving("")));
    fast.answer(says(NO, 10, 3));
    standard.answer((socket, request) -> {});
    NetSocket client = send(STREAM);
    await(() -> standard.requests.size() == 1, "the next tier is asked");
    assertThat(gateway.metric("penstock_cascade_draft_bytes", "")).isPositive();
    client.close().await();
    await(() -> standard.closed.get() == 1, "the engine hears of it");
    assertThat(accessLine().getString("outcome")).isEqualTo("cancelled");
    nothingIsHeld();
  }

  /** A frame of so many bytes. */
  private static String frameOf(int bytes) {
    return frame("x".repeat(bytes - frame("").length()));
  }

  /** The room of the one loop is full of a draft that does not end. */
  private NetSocket fill(int bytes) {
    fast.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frameOf(bytes)));
        });
    NetSocket first = send(STREAM);
    await(() -> gateway.metric("penstock_cascade_draft_bytes", "") == bytes, "a full room");
    return first;
  }

  @ParameterizedTest
  @CsvSource({"true, fast", "false, quality"})
  void whereNoDraftCanBeHeldThereIsNoCascade(boolean accepts, String tier) throws Exception {
    start(Optional.of(policy(4_096, accepts, true, "")));
    NetSocket first = fill(4_096);
    fast.answer(says(NO, 10, 3));
    for (String body : List.of(WHOLE, STREAM)) {
      HttpResponse<String> answer = post(body);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(header(answer, "x-penstock-tier")).isEqualTo(tier);
      assertThat(header(answer, "x-penstock-cascade")).isEmpty();
    }
    assertThat(standard.requests).isEmpty();
    assertThat(gateway.metric("penstock_cascade_answers_total", "no_room")).isEqualTo(2);
    first.close().await();
    nothingIsHeld();
    assertThat(header(post(WHOLE), "x-penstock-cascade")).isEqualTo("fast,standard");
  }

  @Test
  void aDraftThatFillsTheRoomIsTheAnswer() throws Exception {
    start(Optional.of(policy(4_096, true, true, "")));
    NetSocket first = fill(2_500);
    fast.answer(says("I don't know. " + "But ".repeat(100), 10, 3));
    HttpResponse<String> answer = post(STREAM);
    assertThat(textOf(answer.body())).startsWith("I don't know. But But");
    assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    assertThat(header(answer, "x-penstock-tier")).isEqualTo("fast");
    assertThat(gateway.metric("penstock_cascade_answers_total", "no_room")).isEqualTo(1);
    assertThat(gateway.metric("penstock_cascade_draft_bytes", "")).isEqualTo(2_500);
    first.close().await();
    nothingIsHeld();
  }

  /** Rejected drafts are kept only while there is room enough for those that wait for a judge. */
  @Test
  void whatMayNeverBeNeededDoesNotCrowdOutWhatIs() throws Exception {
    String url = hook(request -> request.response().end("{\"quality\": 0.1}"));
    start(Optional.of(policy(4_096, true, true, url)));
    NetSocket first = fill(2_100);
    fast.answer(says(YES, 10, 3));
    standard.answer(failing("500"));
    quality.answer(failing("500"));
    assertThat(post(WHOLE).statusCode()).isEqualTo(502);
    first.close().await();
    nothingIsHeld();
    assertThat(post(WHOLE).statusCode()).isEqualTo(200);
  }

  @Test
  void anEnginesOwnErrorUnderACascadeNamesItsTier() throws Exception {
    start(Optional.of(serving("")));
    fast.answer(failing("400"));
    HttpResponse<String> answer = post(WHOLE);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo("fast");
  }
}
