package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.json;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The choice of a tier and cascades, over real sockets. */
class CascadeTest extends TieredGateway {
  @ParameterizedTest
  @CsvSource({
    "0.1, fast, model-fast, 0.000016", // 10 tokens of 0.001, 3 of 0.002 for 1,000
    "0.5, standard, model-standard, 0.0003",
    "0.9, quality, model-quality, 0.0022",
  })
  void aTierIsChosenByComplexity(String complexity, String tier, String model, String cost)
      throws Exception {
    start(Optional.empty());
    HttpResponse<String> answer = post(WHOLE, "x-penstock-complexity", complexity);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo(tier);
    assertThat(header(answer, "x-penstock-model")).isEqualTo(model);
    assertThat(header(answer, "x-penstock-cost")).isEqualTo(cost);
    assertThat(header(answer, "x-penstock-cascade")).isEmpty();
    assertThat(accessLine().getString("tier")).isEqualTo(tier);
    assertThat(accessLine().getDouble("cost")).isEqualTo(Double.parseDouble(cost));
    await(() -> gateway.metric("penstock_cost_total", tier) > 0, "its cost");
    assertThat(gateway.metric("penstock_cost_total", "tier=\"" + tier + "\""))
        .isEqualTo(Double.parseDouble(cost));
  }

  @Test
  void theLengthOfThePromptStandsForComplexity() throws Exception {
    start(Optional.empty());
    assertThat(header(post(WHOLE), "x-penstock-tier")).isEqualTo("fast");
    String longer = WHOLE.replace("Where do", "x".repeat(500));
    assertThat(header(post(longer), "x-penstock-tier")).isEqualTo("standard");
    String longest = WHOLE.replace("Where do", "x".repeat(1_000));
    assertThat(header(post(longest), "x-penstock-tier")).isEqualTo("quality");
    assertThat(
            header(
                post(
                    longest,
                    "x-penstock-latency-budget-ms",
                    "800",
                    "x-penstock-min-quality",
                    "0.5"),
                "x-penstock-tier"))
        .isEqualTo("fast");
    assertThat(header(post(WHOLE, "x-penstock-tier", "quality"), "x-penstock-tier"))
        .isEqualTo("quality");
    assertThat(header(post(longest, "x-penstock-max-cost", "0.01"), "x-penstock-tier"))
        .isEqualTo("standard");
  }

  @Test
  void aModelThatIsNamedHasACostAndNoTier() throws Exception {
    start(Optional.of(policy(true)));
    HttpResponse<String> answer = post(WHOLE.replace("auto", "model-fast"));
    assertThat(header(answer, "x-penstock-tier")).isEmpty();
    assertThat(header(answer, "x-penstock-cost")).isEqualTo("0.000016");
    HttpResponse<String> streamed = post(STREAM);
    assertThat(header(streamed, "x-penstock-cost")).as("not known yet").isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "x-penstock-min-quality, best, a number from 0 to 1",
    "x-penstock-latency-budget-ms, -1, whole milliseconds from 1 to 2147483647",
    "x-penstock-complexity, 2, a number from 0 to 1",
    "x-penstock-tier, huge, 'one of fast, standard, quality'",
  })
  void badHintsAreExactErrors(String name, String value, String expected) throws Exception {
    start(Optional.empty());
    HttpResponse<String> answer = post(WHOLE, name, value);
    assertThat(answer.statusCode()).isEqualTo(400);
    JsonObject error = new JsonObject(answer.body()).getJsonObject("error");
    assertThat(error.getString("param")).isEqualTo(name);
    assertThat(error.getString("message"))
        .isEqualTo(name + ": '" + value + "' (expected: " + expected + ")");
    assertThat(fast.requests).isEmpty();
  }

  @Test
  void theCatalogueHasTheChoice() throws Exception {
    start(Optional.empty());
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + "/v1/models"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    List<String> rows =
        new JsonObject(answer.body())
            .getJsonArray("data").stream()
                .map(JsonObject.class::cast)
                .map(row -> row.getString("id") + " " + row.getString("tier", "-"))
                .toList();
    assertThat(rows)
        .containsExactly(
            "model-fast fast",
            "model-standard standard",
            "model-quality quality",
            "model-judge -",
            "auto -",
            "any -");
  }

  @Test
  void aRefusalGoesUpAndTheSumIsTold() throws Exception {
    start(Optional.of(policy(true)));
    fast.answer(says(NO, 10, 3));
    HttpResponse<String> answer = post(WHOLE);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains(BETTER).doesNotContain("sorry");
    assertThat(header(answer, "x-penstock-tier")).isEqualTo("standard");
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard");
    assertThat(header(answer, "x-penstock-cost")).isEqualTo("0.000316");
    JsonObject usage = new JsonObject(answer.body()).getJsonObject("usage");
    assertThat(usage.getInteger("prompt_tokens")).isEqualTo(30);
    assertThat(usage.getInteger("completion_tokens")).isEqualTo(8);
    assertThat(usage.getInteger("total_tokens")).isEqualTo(38);
    JsonObject line = accessLine();
    assertThat(line.getString("cascade")).isEqualTo("fast,standard");
    assertThat(line.getString("model")).isEqualTo("model-standard");
    assertThat(line.getInteger("prompt_tokens")).isEqualTo(30);
    assertThat(line.getInteger("completion_tokens")).isEqualTo(8);
    freed();
    assertThat(gateway.metric("penstock_cascade_answers_total", "rejected")).isEqualTo(1);
    assertThat(gateway.metric("penstock_cost_total", "fast")).isEqualTo(0.000016);
    assertThat(gateway.metric("penstock_cost_total", "standard")).isEqualTo(0.0003);
  }

  @Test
  void aStreamedRefusalIsNeverSeen() throws Exception {
    start(Optional.of(policy(true)));
    fast.answer(says(NO, 10, 3));
    HttpResponse<String> answer = post(COUNTED);
    assertThat(textOf(answer.body())).isEqualTo(BETTER);
    assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard");
    assertThat(answer.body())
        .contains("\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":8,\"total_tokens\":38");
    assertThat(accessLine().getInteger("completion_tokens")).isEqualTo(8);
    assertThat(accessLine().getDouble("cost")).isEqualTo(3.16e-4);
    freed();
  }

  @Test
  void aGoodDraftIsTheAnswer() throws Exception {
    start(Optional.of(policy(true)));
    HttpResponse<String> whole = post(WHOLE);
    assertThat(whole.body()).contains(YES);
    assertThat(header(whole, "x-penstock-tier")).isEqualTo("fast");
    assertThat(header(whole, "x-penstock-cascade")).isEmpty();
    HttpResponse<String> streamed = post(STREAM);
    assertThat(textOf(streamed.body())).isEqualTo(YES);
    assertThat(streamed.body()).doesNotContain("usage").endsWith("data: [DONE]\n\n");
    assertThat(header(streamed, "x-penstock-tier")).isEqualTo("fast");
    assertThat(standard.requests).isEmpty();
    freed();
    assertThat(gateway.metric("penstock_cascade_answers_total", "accepted")).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {WHOLE, STREAM})
  void theLastTierIsNotJudged(String body) throws Exception {
    start(Optional.of(policy(true)));
    fast.answer(says(NO, 1, 1));
    standard.answer(says(NO, 1, 1));
    quality.answer(says(NO, 1, 1));
    HttpResponse<String> answer = post(body);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("help");
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
    freed();
  }

  @Test
  void jsonThatWasAskedForIsLookedAt() throws Exception {
    start(Optional.of(policy(true)));
    String body =
        WHOLE.replace("{\"model\"", "{\"response_format\":{\"type\":\"json_object\"},\"model\"");
    standard.answer(says("{\"source\": \"mountains\"}", 1, 1));
    HttpResponse<String> answer = post(body);
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard");
  }

  @Test
  void unsureAnswersGoUp() throws Exception {
    start(Optional.of(policy(true)));
    fast.answer(
        (socket, request) ->
            socket.write(
                json(
                    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"maybe\"},\"logprobs\":"
                        + "{\"content\":[{\"token\":\"maybe\",\"logprob\":-2.5}]},"
                        + "\"finish_reason\":\"stop\"}]}")));
    assertThat(header(post(WHOLE), "x-penstock-cascade")).isEqualTo("fast,standard");
  }

  @ParameterizedTest
  @ValueSource(strings = {WHOLE, STREAM})
  void aTierThatFailsGoesUp(String body) throws Exception {
    start(Optional.of(policy(true)));
    fast.answer((socket, request) -> socket.close());
    HttpResponse<String> answer = post(body);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("Rhine");
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard");
    freed();
  }

  @Test
  void aDraftThatBreaksIsBegunAnewAndNothingOfItSeen() throws Exception {
    ScriptedEngine second = new ScriptedEngine(vertx);
    start(Optional.of(policy(true)));
    gateway.close();
    setup.fleet =
        Optional.of(
            TieredFleet.of(
                List.of(
                    List.of(fast.url(), second.url()),
                    List.of(standard.url()),
                    List.of(quality.url())),
                Optional.of(policy(true))));
    gateway = new Gateway(List.of(), setup);
    AtomicInteger calls = new AtomicInteger();
    ScriptedEngine.Script once =
        (socket, request) -> {
          if (calls.incrementAndGet() == 1) {
            socket.write(STREAM_HEAD);
            socket.write(chunk(frame("broken ")));
            vertx.setTimer(30, due -> socket.close());
          } else {
            says(YES, 10, 3).answer(socket, request);
          }
        };
    fast.answer(once);
    second.answer(once);
    HttpResponse<String> answer = post(STREAM);
    assertThat(textOf(answer.body())).isEqualTo(YES);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo("fast");
    assertThat(header(answer, "x-penstock-attempts")).isEqualTo("2");
    freed();
  }

  @Test
  void whatIsTooLongToBeHeldIsTheAnswer() throws Exception {
    start(Optional.of(policy(true)));
    String text = "I don't know. " + "But ".repeat(200);
    fast.answer(says(text, 10, 200));
    HttpResponse<String> answer = post(STREAM);
    assertThat(textOf(answer.body())).isEqualTo(text);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo("fast");
    freed();
    assertThat(gateway.metric("penstock_cascade_answers_total", "unjudged")).isEqualTo(1);
  }

  @Test
  void anEnginesOwnErrorIsTheClients() throws Exception {
    start(Optional.of(policy(true)));
    fast.answer(
        (socket, request) -> socket.write(json(400, "{\"error\":{\"message\":\"no such tool\"}}")));
    HttpResponse<String> answer = post(WHOLE);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("no such tool");
    assertThat(standard.requests).isEmpty();
  }

  @Test
  void aHookJudges() throws Exception {
    String url =
        hook(
            request ->
                request
                    .response()
                    .end(judged.size() == 1 ? "{\"quality\": 0.79}" : "{\"quality\": 0.8}"));
    start(Optional.of(withHook(true, url, 60_000)));
    HttpResponse<String> answer = post(STREAM, "x-request-id", "r-1");
    assertThat(textOf(answer.body())).isEqualTo(BETTER);
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard");
    assertThat(judged).hasSize(2);
    assertThat(judged.get(0))
        .isEqualTo(
            new JsonObject()
                .put("request_id", "r-1")
                .put("tier", "fast")
                .put("model", "model-fast")
                .put("prompt", "Where do rivers rise?")
                .put("answer", YES)
                .put("finish_reason", "stop")
                .put("threshold", 0.8));
  }

  @ParameterizedTest
  @CsvSource({
    "nonsense, true",
    "nonsense, false",
    "status, false",
    "silence, true",
    "silence, false"
  })
  void aHookThatFailsStandsForWhatIsConfigured(String how, boolean accepts) throws Exception {
    String url =
        hook(
            request -> {
              switch (how) {
                case "nonsense" -> request.response().end("{\"quality\": \"good\"}");
                case "status" -> request.response().setStatusCode(500).end("{\"quality\": 1}");
                default -> {}
              }
            });
    start(Optional.of(withHook(accepts, url, how.equals("silence") ? 100 : 60_000)));
    HttpResponse<String> answer = post(WHOLE);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo(accepts ? "fast" : "quality");
    freed();
    assertThat(gateway.metric("penstock_cascade_judgements_total", "failed"))
        .isEqualTo(accepts ? 1 : 2);
  }

  @Test
  void aHookThatIsDownIsLeftAlone() throws Exception {
    start(Optional.of(withHook(true, "http://127.0.0.1:1/judge", 60_000)));
    for (int i = 0; i < 6; i++) {
      assertThat(header(post(WHOLE), "x-penstock-tier")).isEqualTo("fast");
    }
    freed();
    assertThat(gateway.metric("penstock_cascade_answers_total", "unjudged")).isEqualTo(6);
  }

  @ParameterizedTest
  @CsvSource({
    "0.9, true, fast",
    "0.2, true, quality",
    "good, true, fast",
    "good, false, quality",
    "0.9 because it is, false, quality"
  })
  void aModelJudges(String word, boolean accepts, String tier) throws Exception {
    start(Optional.of(withModel(accepts, 60_000)));
    judge.answer(says(word, 50, 1));
    HttpResponse<String> answer = post(WHOLE);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo(tier);
    String asked = judge.requests.get(0);
    JsonObject body = new JsonObject(asked.substring(asked.indexOf("\r\n\r\n") + 4));
    assertThat(body.getString("model")).isEqualTo("model-judge");
    assertThat(body.getJsonArray("messages").getJsonObject(0).getString("content"))
        .isEqualTo("Q: Where do rivers rise? A: " + YES + " ?");
    freed();
    assertThat(gateway.metric("penstock_tokens_total", "judge")).isPositive();
  }

  @Test
  void aModelThatJudgesSlowlyOrNotAtAllHasFailed() throws Exception {
    start(Optional.of(withModel(false, 3_000)));
    judge.answer((socket, request) -> {});
    assertThat(header(post(WHOLE), "x-penstock-tier")).isEqualTo("quality");
    freed();
    await(() -> judge.closed.get() >= 2, "the judge is not kept waiting");
  }

  @ParameterizedTest
  @ValueSource(strings = {WHOLE, STREAM})
  void whoLeavesWhileAHookJudgesIsSettled(String body) throws Exception {
    String url = hook(request -> {});
    start(Optional.of(withHook(true, url, 60_000)));
    NetSocket client = send(body);
    await(() -> judged.size() == 1, "the hook is asked");
    client.close().await();
    await(() -> judgesLeft.get() == 1, "the hook hears of it");
    JsonObject line = accessLine();
    assertThat(line.getString("outcome")).isEqualTo("cancelled");
    assertThat(line.getString("tier")).isEqualTo("fast");
    assertThat(line.getInteger("completion_tokens")).isEqualTo(3);
    assertThat(line.getDouble("cost")).isEqualTo(1.6e-5);
    freed();
    assertThat(gateway.metric("penstock_cancelled_total", "judging")).isEqualTo(1);
    assertThat(standard.requests).isEmpty();
  }

  @Test
  void whoLeavesWhileAModelJudgesIsSettled() {
    start(Optional.of(withModel(true, 60_000)));
    judge.answer((socket, request) -> {});
    NetSocket client = send(STREAM);
    await(() -> judge.requests.size() == 1, "the judge is asked");
    client.close().await();
    await(() -> judge.closed.get() == 1, "the judge hears of it");
    assertThat(accessLine().getString("outcome")).isEqualTo("cancelled");
    freed();
  }

  @Test
  void whoLeavesWhileADraftIsWrittenStopsTheEngine() {
    start(Optional.of(policy(true)));
    fast.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("Riv")));
        });
    NetSocket client = send(STREAM);
    await(() -> fast.requests.size() == 1, "the engine is asked");
    vertx.setTimer(100, due -> client.close());
    await(() -> fast.closed.get() == 1, "the engine hears of it");
    assertThat(accessLine().getString("outcome")).isEqualTo("cancelled");
    freed();
  }
}
