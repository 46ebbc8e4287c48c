package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.BatchPolicy;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.penstock.sim.SimStats;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Embeddings of several clients in one call, at one node. */
class BatchingTest {
  private static final Logger LOG = LoggerFactory.getLogger(BatchingTest.class);
  private static final String MODEL = "engine/river-8b";

  private static final double CALL_MICROS = 100_000;

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Gateway.Setup setup = new Gateway.Setup();

  @SuppressWarnings("NullAway.Init") // by start
  private EngineSimulator engine;

  @SuppressWarnings("NullAway.Init") // by start
  private Gateway gateway;

  private void start() {
    start(1);
  }

  private void start(int replicas) {
    start(SimProfile.of("l4-bge-m3"), replicas);
  }

  private void start(SimProfile profile, int replicas) {
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

  private static JsonObject body(List<String> inputs) {
    return new JsonObject()
        .put("model", "river")
        .put("input", inputs.size() == 1 ? inputs.get(0) : new JsonArray(inputs))
        .put("dimensions", 8);
  }

  private CompletableFuture<HttpResponse<String>> ask(JsonObject body) {
    return http.sendAsync(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + "/v1/embeddings"))
            .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static JsonObject ok(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return new JsonObject(response.body());
  }

  /** What the engine says when it is asked itself. */
  private JsonObject direct(List<String> inputs) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(engine.urls().get(0) + "/v1/embeddings"))
            .POST(HttpRequest.BodyPublishers.ofString(body(inputs).put("model", MODEL).encode()))
            .build();
    return ok(http.sendAsync(request, HttpResponse.BodyHandlers.ofString()).join());
  }

  private SimStats stats() {
    return engine.stats(0).await();
  }

  private long received() {
    long sum = 0;
    for (int i = 0; i < engine.ports().size(); i++) {
      sum += engine.stats(i).await().received();
    }
    return sum;
  }

  private long calls() {
    return stats().received() + stats().rejected();
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(100_000);
    }
  }

  /** Keeps the replica at work, so that others gather, until it is answered or left. */
  private NetSocket occupy() {
    long before = received();
    NetSocket socket = send(body(List.of("busy")).put("sim_fault", "silent"));
    StringBuilder said = new StringBuilder();
    socket.handler(said::append);
    await("the replica is at work: " + said, () -> received() == before + 1);
    return socket;
  }

  private NetSocket send(JsonObject body) {
    NetSocket socket = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    Buffer bytes = body.toBuffer();
    socket.write(
        Buffer.buffer(
                "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: "
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

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = 4 + random.nextInt(8); i > 0; i--) {
      text.append("word").append(random.nextInt(40)).append(' ');
    }
    return text.toString();
  }

  private record Run(long calls, double perSecond) {}

  /** 64 clients that ask one after the other, 1 to 4 inputs each time. */
  private Run load(int rounds) {
    long before = calls();
    long start = System.nanoTime();
    List<CompletableFuture<?>> clients = new ArrayList<>();
    for (int client = 0; client < 64; client++) {
      Random random = new Random(client);
      CompletableFuture<?> last = CompletableFuture.completedFuture(null);
      for (int round = 0; round < rounds; round++) {
        List<String> inputs = new ArrayList<>();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
          inputs.add(text(random));
        }
        last =
            last.thenCompose(done -> ask(body(inputs)))
                .thenAccept(
                    response -> {
                      JsonObject answer = ok(response);
                      answers.put(inputs, answer);
                    });
      }
      clients.add(last);
    }
    CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).join();
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Run(calls() - before, 64 * rounds / seconds);
  }

  private final Map<List<String>, JsonObject> answers =
      java.util.Collections.synchronizedMap(new HashMap<>());

  @Test
  void sixtyFourClientsShareCallsAndGetWhatTheyWouldHaveGotAlone() {
    setup.batching = new BatchPolicy(false, 64, Duration.ofMillis(50));
    // Slow beside what the machine needs for a request, so that it is calls that count.
    start(SimProfile.of("l4-bge-m3").withFixedStep(CALL_MICROS), 1);
    Run alone = load(1);
    gateway.close();
    setup.batching = BatchPolicy.DEFAULT;
    gateway = new Gateway(engine.urls(), setup);
    load(2);
    answers.clear();
    Run shared = load(8);

    LOG.info(
        "64 clients: {} calls for 64 requests, {} requests/s alone; {} calls for 512, {} requests/s"
            + " shared",
        alone.calls(),
        Math.round(alone.perSecond()),
        shared.calls(),
        Math.round(shared.perSecond()));
    assertThat(alone.calls()).isEqualTo(64);
    assertThat(shared.calls()).isLessThan(512 / 4);
    int checked = 0;
    for (Map.Entry<List<String>, JsonObject> each : answers.entrySet()) {
      if (checked++ == 100) {
        break;
      }
      JsonObject expected = direct(each.getKey());
      assertThat(each.getValue().getJsonArray("data")).isEqualTo(expected.getJsonArray("data"));
      assertThat(each.getValue().getString("model")).isEqualTo(MODEL);
      int tokens = expected.getJsonObject("usage").getInteger("prompt_tokens");
      assertThat(each.getValue().getJsonObject("usage").getInteger("prompt_tokens"))
          .isBetween(tokens - each.getKey().size() - 2, tokens + each.getKey().size() + 2);
    }
    assertThat(gateway.metric("llm_batch_size_histogram_count", "pool=\"rivers\""))
        .isBetween((double) shared.calls(), 640.0 / 4);
    assertThat(gateway.metric("llm_batch_wait_time_seconds_count", "pool=\"rivers\""))
        .isEqualTo(640);
    assertThat(gateway.metric("llm_batch_size_histogram_bucket", "le=\"64.0\""))
        .isEqualTo(gateway.metric("llm_batch_size_histogram_count", ""));
    untilNothingIsHeld();
  }

  @Test
  void usageIsDividedToTheLastToken() {
    setup.batching = new BatchPolicy(true, 7, Duration.ofSeconds(60));
    start();
    NetSocket busy = occupy();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      asked.add(ask(body(List.of("x".repeat(1 + 5 * i)))));
    }
    long sum = 0;
    for (CompletableFuture<HttpResponse<String>> each : asked) {
      sum += ok(each.join()).getJsonObject("usage").getInteger("total_tokens");
    }
    assertThat(calls()).isEqualTo(2);
    long whole = 0;
    for (int i = 0; i < 7; i++) {
      whole += (1 + 5 * i + 3) / 4;
    }
    assertThat(sum).isEqualTo(whole);
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void onePoisonedInputAmongSixtyFourFailsAlone() {
    setup.batching = new BatchPolicy(true, 64, Duration.ofSeconds(60));
    start();
    NetSocket busy = occupy();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      asked.add(ask(body(List.of(i == 41 ? "poison ".repeat(6_000) : "text " + i))));
    }
    for (int i = 0; i < 64; i++) {
      HttpResponse<String> response = asked.get(i).join();
      if (i == 41) {
        assertThat(response.statusCode()).isEqualTo(400);
        JsonObject error = new JsonObject(response.body()).getJsonObject("error");
        assertThat(error.getString("code")).isEqualTo("context_length_exceeded");
        assertThat(error.getString("param")).isEqualTo("input[0]");
      } else {
        assertThat(ok(response).getJsonArray("data"))
            .isEqualTo(direct(List.of("text " + i)).getJsonArray("data"));
      }
    }
    assertThat(stats().rejected()).as("calls refused: 64, 32, 16, 8, 4, 2, 1").isEqualTo(7);
    busy.close();
    untilNothingIsHeld();
  }

  @Test
  void aClientThatLeavesCostsTheOthersNothingAndTheLastOneEndsTheCall() {
    setup.batching = new BatchPolicy(true, 3, Duration.ofSeconds(60));
    start();
    NetSocket busy = occupy();
    JsonObject slow = body(List.of("a")).put("sim_fault", "stall;ms=3000");
    NetSocket leaves = send(slow);
    CompletableFuture<HttpResponse<String>> second = ask(slow.copy().put("input", "b"));
    CompletableFuture<HttpResponse<String>> third = ask(slow.copy().put("input", "c"));
    await("one call for three", () -> stats().received() == 2);
    await(
        "a size of one and one of three",
        () -> gateway.metric("llm_batch_size_histogram_sum", "") == 1 + 3);
    leaves.close();
    assertThat(ok(second.join()).getJsonArray("data"))
        .isEqualTo(direct(List.of("b")).getJsonArray("data"));
    assertThat(ok(third.join()).getJsonArray("data")).hasSize(1);
    assertThat(stats().cancelled()).isZero();

    long before = stats().received();
    NetSocket one = send(slow.copy().put("sim_fault", "silent"));
    NetSocket two = send(slow.copy().put("sim_fault", "silent"));
    NetSocket three = send(slow.copy().put("sim_fault", "silent"));
    await("one call for three", () -> stats().received() == before + 1);
    one.close();
    two.close();
    await("two have left", () -> gateway.metric("penstock_requests_in_flight", "") == 2);
    assertThat(stats().cancelled()).isZero();
    three.close();
    await("the call is cancelled", () -> stats().cancelled() == 1);
    busy.close();
    untilNothingIsHeld();
  }

  /**
   * A refused call is made again in halves, one after the other: who waits for none holds none up.
   */
  @Test
  void theOtherHalfNeedNotWaitForOneThatAllHaveLeft() {
    setup.batching = new BatchPolicy(true, 4, Duration.ofSeconds(60));
    start();
    gateway.close();
    ScriptedEngine scripted = new ScriptedEngine(vertx);
    List<JsonArray> calls = new CopyOnWriteArrayList<>(); // of several
    scripted.answer(
        (socket, request) -> {
          JsonObject asked = new JsonObject(request.substring(request.indexOf("\r\n\r\n") + 4));
          if (!(asked.getValue("input") instanceof JsonArray inputs)) {
            return; // the busy one
          }
          calls.add(inputs);
          if (calls.size() == 1) {
            socket.write(ScriptedEngine.json(400, "{\"error\":{\"message\":\"too long\"}}"));
          } else if (calls.size() == 3) {
            socket.write(ScriptedEngine.json(VECTORS_OF_TWO));
          }
        });
    gateway = new Gateway(scripted.url(), setup);
    NetSocket busy = send(body(List.of("busy")));
    await("the replica is at work", () -> scripted.requests.size() == 1);
    Map<String, NetSocket> clients = new HashMap<>();
    Map<String, StringBuffer> heard = new HashMap<>();
    for (int i = 0; i < 4; i++) {
      String input = "text " + i;
      NetSocket client = send(body(List.of(input)));
      StringBuffer all = new StringBuffer();
      client.handler(all::append);
      clients.put(input, client);
      heard.put(input, all);
    }
    await("the first half", () -> calls.size() == 2);
    texts(calls.get(1)).forEach(input -> Objects.requireNonNull(clients.remove(input)).close());
    await("the second half", () -> calls.size() == 3);
    await("the first is told to stop", () -> scripted.closed.get() == 1);
    assertThat(clients.keySet()).containsExactlyInAnyOrderElementsOf(texts(calls.get(2)));
    for (String each : clients.keySet()) {
      StringBuffer all = Objects.requireNonNull(heard.get(each));
      await(each, () -> all.indexOf("0.5") > 0);
    }
    busy.close();
    untilNothingIsHeld();
  }

  private static final String VECTORS_OF_TWO =
      "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5]},"
          + "{\"object\":\"embedding\",\"index\":1,\"embedding\":[0.5]}],"
          + "\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}";

  private static List<String> texts(JsonArray inputs) {
    return inputs.stream().map(String.class::cast).toList();
  }

  /** A budget of one retry: the call that failed is one, however many shared it. */
  @Test
  void whenTheCallFailsEachIsTriedAgainAlone() {
    setup.retries = new IngressConfig.Retries(3, 0, 1, Duration.ofMillis(5));
    setup.batching = new BatchPolicy(true, 12, Duration.ofSeconds(60));
    start(2);
    NetSocket busy = occupy();
    NetSocket other = occupy();
    JsonObject fails = body(List.of("a")).put("sim_fault", "status;status=500;once=batch");
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      asked.add(ask(fails.copy().put("input", "text " + i)));
    }
    for (int i = 0; i < 12; i++) {
      HttpResponse<String> response = asked.get(i).join();
      assertThat(ok(response).getJsonArray("data"))
          .isEqualTo(direct(List.of("text " + i)).getJsonArray("data"));
      assertThat(response.headers().firstValue("x-penstock-attempts")).contains("2");
    }
    assertThat(received()).isEqualTo(2 + 1 + 12 + 12);
    busy.close();
    other.close();
    untilNothingIsHeld();
  }

  @Test
  void whenTheEngineHasTooMuchToDoTheyShareTheNextCallToo() {
    setup.batching = new BatchPolicy(true, 12, Duration.ofSeconds(60));
    start(2);
    NetSocket busy = occupy();
    NetSocket other = occupy();
    JsonObject pressed = body(List.of("a")).put("sim_fault", "status;status=429;once=pressed");
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      asked.add(ask(pressed.copy().put("input", "text " + i)));
    }
    for (CompletableFuture<HttpResponse<String>> each : asked) {
      assertThat(ok(each.join()).getJsonArray("data")).hasSize(1);
    }
    assertThat(received()).isEqualTo(2 + 1 + 1);
    busy.close();
    other.close();
    untilNothingIsHeld();
  }

  @Test
  void requestsWithDifferentParametersOrHeadersOfTheirOwnShareNothing() {
    start();
    NetSocket busy = occupy();
    CompletableFuture<HttpResponse<String>> eight = ask(body(List.of("a")));
    CompletableFuture<HttpResponse<String>> nine = ask(body(List.of("a")).put("dimensions", 9));
    CompletableFuture<HttpResponse<String>> own =
        http.sendAsync(
            HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + gateway.port + "/v1/embeddings"))
                .header("x-sim-fault", "status;status=422")
                .POST(HttpRequest.BodyPublishers.ofString(body(List.of("a")).encode()))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(vector(eight)).hasSize(8);
    assertThat(vector(nine)).hasSize(9);
    assertThat(own.join().statusCode()).isEqualTo(422);
    assertThat(calls()).isEqualTo(4);
    busy.close();
    untilNothingIsHeld();
  }

  private static JsonArray vector(CompletableFuture<HttpResponse<String>> asked) {
    return ok(asked.join()).getJsonArray("data").getJsonObject(0).getJsonArray("embedding");
  }
}
