package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.BatchPolicy;
import io.penstock.inference.EngineKind;
import io.penstock.inference.ResumeMode;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimFault;
import io.penstock.sim.SimProfile;
import io.penstock.sim.SimStats;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Completions of several clients in one call, at one node, before an engine that takes turns. */
class CompletionsTest {
  private static final Logger LOG = LoggerFactory.getLogger(CompletionsTest.class);
  private static final String MODEL = "engine/river-8b";

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Gateway.Setup setup = patient();

  @SuppressWarnings("NullAway.Init") // by start
  private EngineSimulator engine;

  @SuppressWarnings("NullAway.Init") // by start
  private Gateway gateway;

  /** Who waits for a slow machine is not to be tried again. */
  private static Gateway.Setup patient() {
    Gateway.Setup setup = new Gateway.Setup();
    Duration ample = Duration.ofMinutes(2);
    setup.deadlines = new IngressConfig.Deadlines(ample, ample, ample, ample);
    return setup;
  }

  private void start(int batch) {
    start(1, batch, SimProfile.of("h100-llama-3.1-8b-static"));
  }

  private void start(int replicas, int batch, SimProfile profile) {
    setup.engine = EngineKind.OPENAI;
    setup.maxConcurrent = 100;
    setup.batching = new BatchPolicy(true, batch, Duration.ofSeconds(60)).withCompletions();
    engine =
        EngineSimulator.start(vertx, SimConfig.of(profile).withModel(MODEL).withReplicas(replicas))
            .await();
    gateway = new Gateway(engine.urls(), setup);
  }

  @AfterEach
  void stop() {
    gateway.close();
    engine.stop().await();
    vertx.close().await();
  }

  private static JsonObject body(String prompt, int maxTokens) {
    return new JsonObject()
        .put("model", "river")
        .put("prompt", prompt)
        .put("max_tokens", maxTokens)
        .put("temperature", 0);
  }

  private static JsonObject streamed(JsonObject body, boolean usage) {
    JsonObject streamed = body.copy().put("stream", true);
    return usage
        ? streamed.put("stream_options", new JsonObject().put("include_usage", true))
        : streamed;
  }

  private CompletableFuture<HttpResponse<String>> ask(String base, JsonObject body) {
    return http.sendAsync(
        HttpRequest.newBuilder(URI.create(base + "/v1/completions"))
            .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private CompletableFuture<HttpResponse<String>> ask(JsonObject body) {
    return ask("http://127.0.0.1:" + gateway.port, body);
  }

  private static JsonObject ok(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return new JsonObject(response.body());
  }

  /** What the engine says when it is asked itself. */
  private JsonObject direct(JsonObject body) {
    JsonObject plain = body.copy().put("model", MODEL);
    plain.remove("stream");
    plain.remove("stream_options");
    return ok(ask(engine.urls().get(0), plain).join());
  }

  private static String text(JsonObject answer) {
    return answer.getJsonArray("choices").getJsonObject(0).getString("text");
  }

  private static List<String> frames(String body) {
    return Arrays.stream(body.split("\n\n")).map(each -> each.substring(6)).toList();
  }

  private static String streamedText(String body) {
    StringBuilder text = new StringBuilder();
    for (String frame : frames(body)) {
      if (!frame.equals("[DONE]")) {
        JsonArray choices = new JsonObject(frame).getJsonArray("choices", new JsonArray());
        if (!choices.isEmpty()) {
          assertThat(choices.getJsonObject(0).getInteger("index")).isZero();
          text.append(choices.getJsonObject(0).getString("text"));
        }
      }
    }
    return text.toString();
  }

  private SimStats stats(int replica) {
    return engine.stats(replica).await();
  }

  private long received() {
    long sum = 0;
    for (int i = 0; i < engine.ports().size(); i++) {
      sum += stats(i).received() + stats(i).rejected();
    }
    return sum;
  }

  private static void await(String what, BooleanSupplier condition) {
    await(() -> what, condition);
  }

  private static void await(Supplier<String> what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(100_000);
    }
  }

  /** Keeps a replica at work, so that others gather, until it is left. */
  private NetSocket occupy() {
    long before = received();
    NetSocket socket = send(body("busy", 1).put("sim_fault", "silent"));
    StringBuffer said = new StringBuffer();
    socket.handler(piece -> said.append(piece.toString()));
    await(
        () -> received() - before + " replicas are at work, and the client heard " + said,
        () -> received() == before + 1);
    return socket;
  }

  private NetSocket send(JsonObject body) {
    NetSocket socket = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    Buffer bytes = body.toBuffer();
    socket.write(
        Buffer.buffer(
                "POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: "
                    + bytes.length()
                    + "\r\n\r\n")
            .appendBuffer(bytes));
    return socket;
  }

  private void untilNothingIsHeld() {
    await(
        "nothing is held",
        () ->
            gateway.metric("penstock_grants", "")
                    + gateway.metric("penstock_requests_in_flight", "")
                    + gateway.metric("llm_request_queue_depth", "")
                == 0);
  }

  @Test
  void eachGetsItsOwnTextLengthAndUsageStreamedOrNot() {
    start(8);
    NetSocket busy = occupy();
    List<JsonObject> bodies = new ArrayList<>();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      JsonObject plain = body("river ".repeat(1 + i) + i, 3 + 5 * (i % 4));
      bodies.add(i % 2 == 0 ? plain : streamed(plain, i % 4 == 1));
      asked.add(ask(bodies.get(i)));
    }
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 8; i++) {
      HttpResponse<String> response = asked.get(i).join();
      JsonObject alone = direct(bodies.get(i));
      int tokens = 3 + 5 * (i % 4);
      JsonObject last;
      if (i % 2 == 0) {
        last = ok(response);
        assertThat(text(last)).isEqualTo(text(alone));
        assertThat(last.getJsonArray("choices").getJsonObject(0).getString("finish_reason"))
            .isEqualTo("length");
      } else {
        List<String> frames = frames(response.body());
        assertThat(response.body()).endsWith("data: [DONE]\n\n");
        assertThat(streamedText(response.body())).isEqualTo(text(alone));
        assertThat(frames).hasSize(tokens + (i % 4 == 1 ? 2 : 1));
        assertThat(frames.get(tokens - 1)).contains("\"finish_reason\":\"length\"");
        last = new JsonObject(frames.get(frames.size() - 2));
      }
      ids.add(last.getString("id"));
      if (i % 4 != 3) {
        JsonObject usage = last.getJsonObject("usage");
        assertThat(usage.getInteger("completion_tokens")).isEqualTo(tokens);
        int prompt = alone.getJsonObject("usage").getInteger("prompt_tokens");
        assertThat(usage.getInteger("prompt_tokens")).isBetween(prompt - 1, prompt + 1);
      }
    }
    assertThat(ids).hasSize(8);
    assertThat(received()).as("one call for eight").isEqualTo(1 + 1 + 8);
    assertThat(gateway.metric("llm_batch_size_histogram_sum", "pool=\"rivers\"")).isEqualTo(8);
    assertThat(gateway.metric("llm_batch_wait_time_seconds_count", "pool=\"rivers\"")).isEqualTo(8);
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void theLastThatLeavesEndsTheCall() {
    start(3);
    NetSocket busy = occupy();
    List<NetSocket> clients = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      clients.add(send(streamed(body("long " + i, 2_000), false)));
    }
    await("one call for three", () -> received() == 2);
    await("it runs", () -> stats(0).generatedTokens() > 10);
    clients.get(0).close();
    clients.get(1).close();
    await("two have left", () -> gateway.metric("penstock_requests_in_flight", "") == 2);
    assertThat(stats(0).cancelled()).isZero();
    long left = System.nanoTime();
    clients.get(2).close();
    await("the call is cancelled", () -> stats(0).cancelled() == 1);
    LOG.info("cancelled after {} ms", (System.nanoTime() - left) / 1_000_000);
    assertThat(stats(0).generatedTokens()).as("not to their end").isLessThan(3 * 2_000);
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void whoIsCutFreesTheEngineOnceAllAre() {
    start(2);
    NetSocket busy = occupy();
    CompletableFuture<HttpResponse<String>> small = ask(streamed(body("a", 4), false));
    NetSocket large = send(streamed(body("b", 2_000), false));
    assertThat(small.join().body()).endsWith("data: [DONE]\n\n");
    assertThat(stats(0).cancelled()).isZero();
    large.close();
    await("the call is cancelled", () -> stats(0).cancelled() == 1);
    assertThat(stats(0).generatedTokens()).as("not to its end").isLessThan(2_000);
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void beforeTheFirstTokenEachIsTriedAgainAlone() {
    setup.retries = new IngressConfig.Retries(3, 0, 1, Duration.ofMillis(5));
    start(2, 4, SimProfile.of("instant"));
    NetSocket busy = occupy();
    // It waits longest for a grant when all is even.
    int next = stats(0).received() == 1 ? 0 : 1;
    NetSocket other = occupy();
    engine.arm(next, SimFault.of(SimFault.Kind.RESET), 1, 1).await();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      JsonObject plain = body("text " + i, 6);
      asked.add(ask(i % 2 == 0 ? plain : streamed(plain, true)));
    }
    await("the call has failed", () -> stats(next).faulted() == 1);
    for (int i = 0; i < 4; i++) {
      HttpResponse<String> response = asked.get(i).join();
      String said = i % 2 == 0 ? text(ok(response)) : streamedText(response.body());
      assertThat(said).isEqualTo(text(direct(body("text " + i, 6))));
      assertThat(response.headers().firstValue("x-penstock-attempts")).contains("2");
    }
    busy.close();
    other.close();
    untilNothingIsHeld();
    await(
        "a line of each",
        () ->
            gateway.accessLog().lines().filter(each -> each.contains("\"outcome\":\"ok\"")).count()
                == 4);
  }

  @Test
  void afterTheFirstTokenEachEndsHonestly() {
    setup.resume = ResumeMode.OFF;
    start(3);
    NetSocket busy = occupy();
    engine.arm(0, SimFault.of(SimFault.Kind.EOF).withAfter(60), 1, 1).await();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      asked.add(ask(streamed(body("text " + i, i == 0 ? 2 : 50), false)));
    }
    HttpResponse<String> whole = asked.get(0).join();
    assertThat(whole.body()).endsWith("data: [DONE]\n\n");
    for (int i = 1; i < 3; i++) {
      String told = asked.get(i).join().body();
      assertThat(told).doesNotContain("data: [DONE]").contains("\"code\":\"upstream_truncated\"");
      assertThat(text(direct(body("text " + i, 50)))).startsWith(streamedText(told));
    }
    busy.close();
    untilNothingIsHeld();
    await("a line of each", () -> gateway.accessLog().lines().count() == 4);
  }

  /** The connection did not break: the engine ended the stream that the gateway had asked for. */
  @Test
  void whoWaitsForAnAnswerInOnePieceIsToldThatTheEngineEndedIt() {
    setup.retries = new IngressConfig.Retries(1, 0, 1, Duration.ofMillis(5));
    start(2);
    NetSocket busy = occupy();
    engine.arm(0, SimFault.of(SimFault.Kind.EOF).withAfter(60), 1, 1).await();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      asked.add(ask(body("text " + i, 50)));
    }
    for (CompletableFuture<HttpResponse<String>> each : asked) {
      HttpResponse<String> response = each.join();
      assertThat(response.statusCode()).isEqualTo(502);
      assertThat(response.body())
          .contains("ended its answer before it was complete")
          .contains("\"code\":\"upstream_truncated\"");
    }
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void streamsThatBreakGoOnElsewhere() {
    start(2, 3, SimProfile.of("instant"));
    NetSocket busy = occupy();
    // It waits longest for a grant when all is even.
    int next = stats(0).received() == 1 ? 0 : 1;
    NetSocket other = occupy();
    engine.arm(next, SimFault.of(SimFault.Kind.RESET).withAfter(30), 1, 1).await();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      asked.add(ask(streamed(body("text " + i, 40), true)));
    }
    await("the call has failed", () -> stats(next).faulted() == 1);
    for (int i = 0; i < 3; i++) {
      String told = asked.get(i).join().body();
      assertThat(told).endsWith("data: [DONE]\n\n");
      assertThat(streamedText(told)).isEqualTo(text(direct(body("text " + i, 40))));
    }
    busy.close();
    other.close();
    untilNothingIsHeld();
  }

  @Test
  void aRefusedPromptFailsAloneInItsOwnWords() {
    start(3); // the others, which wait for nobody
    NetSocket busy = occupy();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      asked.add(ask(body(i == 2 ? "" : "text " + i, 5)));
    }
    for (int i = 0; i < 4; i++) {
      HttpResponse<String> response = asked.get(i).join();
      if (i == 2) {
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(new JsonObject(response.body()).getJsonObject("error").getString("param"))
            .isEqualTo("prompt");
      } else {
        assertThat(text(ok(response))).isEqualTo(text(direct(body("text " + i, 5))));
      }
    }
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void aClientThatDoesNotReadIsCutAndTheOthersGoOn() {
    setup.contextTokens = 65_536;
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ofSeconds(8), // in which who reads has read
            Duration.ofSeconds(120));
    start(1, 2, SimProfile.of("instant").withMaxModelLength(65_536));
    NetSocket busy = occupy();
    NetSocket slow =
        vertx
            .createNetClient(new NetClientOptions().setReceiveBufferSize(16 << 10))
            .connect(gateway.port, "127.0.0.1")
            .await();
    slow.pause();
    Buffer asks = streamed(body("slow", 40_000), false).toBuffer(); // more than sockets hold
    slow.write(
        Buffer.buffer(
                "POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: "
                    + asks.length()
                    + "\r\n\r\n")
            .appendBuffer(asks));
    CompletableFuture<HttpResponse<String>> other = ask(streamed(body("other", 40_000), false));
    String told = other.join().body();
    assertThat(told).endsWith("data: [DONE]\n\n");
    assertThat(streamedText(told)).isEqualTo(text(direct(body("other", 40_000))));
    assertThat(received()).isEqualTo(1 + 1 + 1);
    StringBuffer all = new StringBuffer();
    slow.handler(piece -> all.append(piece.toString()));
    slow.resume();
    await("its own error", () -> all.indexOf("\"code\":\"client_too_slow\"") > 0);
    assertThat(all.toString()).doesNotContain("data: [DONE]");
    busy.close();
    untilNothingIsHeld();
  }

  private record Run(long calls, double perSecond) {}

  /** 32 clients that ask one after the other, every second one for a stream. */
  private Run load(int rounds) {
    long before = received();
    long start = System.nanoTime();
    List<CompletableFuture<?>> clients = new ArrayList<>();
    for (int client = 0; client < 32; client++) {
      JsonObject plain = body("client " + client, 8 + client % 4 * 8);
      JsonObject asked = client % 2 == 0 ? plain : streamed(plain, true);
      CompletableFuture<?> last = CompletableFuture.completedFuture(null);
      for (int round = 0; round < rounds; round++) {
        last =
            last.thenCompose(done -> ask(asked))
                .thenAccept(response -> assertThat(response.statusCode()).isEqualTo(200));
      }
      clients.add(last);
    }
    CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).join();
    return new Run(received() - before, 32 * rounds / ((System.nanoTime() - start) / 1e9));
  }

  @Test
  void thirtyTwoClientsShareTheTurnsOfAnEngineWithoutAScheduler() {
    start(32);
    gateway.close();
    setup.maxConcurrent = 1;
    setup.batching = new BatchPolicy(true, 32, Duration.ofMillis(50));
    gateway = new Gateway(engine.urls(), setup);
    Run alone = load(1);
    gateway.close();
    setup.batching = setup.batching.withCompletions();
    gateway = new Gateway(engine.urls(), setup);
    Run shared = load(4);
    LOG.info(
        "32 clients, 8 to 32 tokens each: {} calls for 32 requests, {} requests/s alone; {} calls"
            + " for 128 requests, {} requests/s shared",
        alone.calls(),
        Math.round(alone.perSecond() * 10) / 10.0,
        shared.calls(),
        Math.round(shared.perSecond() * 10) / 10.0);
    assertThat(alone.calls()).isEqualTo(32);
    assertThat(shared.calls()).isLessThan(128 / 4);
    untilNothingIsHeld();
  }
}
