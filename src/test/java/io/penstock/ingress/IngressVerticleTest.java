package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.DONE;
import static io.penstock.ingress.ScriptedEngine.FINISH;
import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.frame;
import static io.penstock.ingress.ScriptedEngine.json;
import static io.penstock.ingress.ScriptedEngine.lastChunk;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.QueueLimits;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The ingress over real sockets, with a real router and batcher and an engine that does as told.
 */
@Timeout(300)
class IngressVerticleTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String STREAM =
      "{\"model\":\"river\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String WHOLE =
      "{\"model\":\"river\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String ANSWER =
      "{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ho\"}}],"
          + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}";

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Gateway.Setup setup = new Gateway.Setup();
  private ScriptedEngine engine;

  @SuppressWarnings("NullAway.Init") // by startGateway
  private Gateway gateway;

  @BeforeEach
  void startEngine() {
    engine = new ScriptedEngine(vertx);
  }

  @AfterEach
  void stop() {
    if (gateway != null) {
      gateway.close();
    }
    vertx.close().await();
  }

  private void startGateway() {
    gateway = new Gateway(engine.url(), setup);
  }

  private HttpRequest.Builder post(String path, String body) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + path))
        .header("content-type", "application/json")
        .timeout(Duration.ofSeconds(120))
        .POST(HttpRequest.BodyPublishers.ofString(body));
  }

  private CompletableFuture<HttpResponse<String>> send(HttpRequest.Builder request) {
    return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(120, TimeUnit.SECONDS);
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static JsonObject error(HttpResponse<String> answer) {
    return new JsonObject(answer.body()).getJsonObject("error");
  }

  /** A client of raw sockets that sends a request and does not read until told. */
  private NetSocket connect(String body) {
    NetSocket socket = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    socket.write(
        "POST "
            + PATH
            + " HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
            + body.length()
            + "\r\n\r\n"
            + body);
    return socket;
  }

  private static void streamWhole(NetSocket socket) {
    socket.write(STREAM_HEAD);
    socket.write(chunk(frame("a"), frame("b")));
    socket.write(chunk(FINISH, DONE));
    socket.write(lastChunk());
  }

  @Test
  void relaysAStream() throws Exception {
    startGateway();
    engine.answer((socket, request) -> streamWhole(socket));
    HttpResponse<String> answer =
        get(
            send(
                post(PATH, STREAM)
                    .header("x-request-id", "mine-1")
                    .header("authorization", "Bearer secret")));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(frame("a") + frame("b") + FINISH + DONE);
    assertThat(answer.headers().firstValue("content-type")).contains("text/event-stream");
    assertThat(answer.headers().firstValue("cache-control")).contains("no-cache");
    assertThat(answer.headers().firstValue("x-accel-buffering")).contains("no");
    assertThat(answer.headers().firstValue("x-request-id")).contains("mine-1");
    assertThat(answer.headers().firstValue("x-penstock-model")).contains("river-8b");
    assertThat(answer.headers().firstValue("x-penstock-pool")).contains("rivers");
    assertThat(answer.headers().firstValue("x-penstock-replica")).contains("rivers-0");
    assertThat(answer.headers().firstValue("x-penstock-attempts")).contains("1");
    assertThat(answer.headers().firstValue("server-timing")).isPresent();
    String request = engine.requests.get(0);
    assertThat(request)
        .contains("\"model\":\"engine/river-8b\"")
        .contains("\"include_usage\":true")
        .contains("\"continuous_usage_stats\":true")
        .containsIgnoringCase("authorization: Bearer engine-key")
        .containsIgnoringCase("x-request-id: mine-1")
        .doesNotContain("secret");
  }

  @Test
  void passesAnAnswerInOnePiece() throws Exception {
    startGateway();
    engine.answer((socket, request) -> socket.write(json(ANSWER)));
    HttpResponse<String> answer = get(send(post(PATH, WHOLE)));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(ANSWER);
    assertThat(answer.headers().firstValue("server")).isEmpty();
    assertThat(engine.requests.get(0)).doesNotContain("stream_options");
    await(() -> gateway.accessLines.size() > 0);
    assertThat(gateway.accessLog())
        .contains("\"outcome\":\"ok\"")
        .contains("\"completion_tokens\":2")
        .contains("\"replica\":\"rivers-0\"");
  }

  @Test
  void anEnginesOwnErrorPassesThrough() throws Exception {
    startGateway();
    engine.answer((socket, request) -> socket.write(json(400, "{\"detail\":\"too long\"}")));
    HttpResponse<String> answer = get(send(post(PATH, WHOLE)));
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(error(answer).getString("message")).contains("too long");
    assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
  }

  @Test
  void aBrokenEngineIsABadGateway() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) ->
            socket.write(json(500, "{\"error\":{\"message\":\"CUDA out of memory\"}}")));
    HttpResponse<String> answer = get(send(post(PATH, STREAM)));
    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(error(answer).getString("code")).isEqualTo("bad_gateway");
    assertThat(error(answer).getString("message"))
        .isEqualTo("replica rivers-0 answered 500: CUDA out of memory");
  }

  @Test
  void aSaturatedEngineSaysWhenToComeBack() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) ->
            socket.write("HTTP/1.1 429 X\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"));
    HttpResponse<String> answer = get(send(post(PATH, WHOLE)));
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValueAsLong("retry-after").orElse(0)).isBetween(7L, 9L);
  }

  @Test
  void aTruncatedStreamEndsWithAnError() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a")));
          socket.write(lastChunk());
        });
    String body = get(send(post(PATH, STREAM))).body();
    assertThat(body)
        .startsWith(frame("a"))
        .doesNotContain("[DONE]")
        .contains("\"code\":\"upstream_truncated\"");
  }

  @Test
  void aResetInMidStreamEndsWithAnError() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) ->
            socket
                .write(STREAM_HEAD)
                .compose(w -> socket.write(chunk(frame("a"))))
                .onComplete(w -> socket.close()));
    String body = get(send(post(PATH, STREAM))).body();
    assertThat(body)
        .startsWith(frame("a"))
        .doesNotContain("[DONE]")
        .contains("\"code\":\"upstream_truncated\"");
  }

  @Test
  void anErrorFrameBeforeTheFirstTokenIsAStatus() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk("data: {\"error\":{\"message\":\"no memory\"}}\n\n"));
          socket.write(lastChunk());
        });
    HttpResponse<String> answer = get(send(post(PATH, STREAM)));
    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(error(answer).getString("message")).contains("no memory");
  }

  @Test
  void aMalformedFrameIsNotPassedOn() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a")));
          vertx.setTimer(
              200,
              later ->
                  socket
                      .write(chunk("data: {oops\n\n", DONE))
                      .onComplete(w -> socket.write(lastChunk())));
        });
    String body = get(send(post(PATH, STREAM))).body();
    assertThat(body)
        .startsWith(frame("a"))
        .doesNotContain("oops")
        .doesNotContain("[DONE]")
        .contains("bad_gateway");
  }

  @Test
  void anEngineThatIsNotThereIsABadGateway() throws Exception {
    gateway = new Gateway("http://127.0.0.1:1", setup);
    HttpResponse<String> answer = get(send(post(PATH, STREAM)));
    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(error(answer).getString("message"))
        .isEqualTo("replica rivers-0 could not be reached")
        .doesNotContain("127.0.0.1");
  }

  @Test
  void aConnectionThatTheEngineHasJustClosedIsReplaced() throws Exception {
    startGateway();
    engine.answer((socket, request) -> socket.write(json(ANSWER)));
    assertThat(get(send(post(PATH, WHOLE))).statusCode()).isEqualTo(200);
    engine.answer(
        (socket, request) -> {
          engine.answer((again, repeated) -> again.write(json(ANSWER)));
          socket.close();
        });
    assertThat(get(send(post(PATH, WHOLE))).statusCode()).isEqualTo(200);
    assertThat(engine.requests).hasSize(3);
  }

  @Test
  void aClientThatLeavesTheQueueIsForgotten() throws Exception {
    setup.maxConcurrent = 1;
    startGateway();
    engine.answer((socket, request) -> {});
    NetSocket running = connect(STREAM);
    await(() -> engine.requests.size() == 1);
    NetSocket waiting = connect(STREAM);
    await(() -> gauge("llm_request_queue_depth") == 1);
    waiting.close();
    await(() -> gauge("llm_request_queue_depth") == 0);
    running.close();
    await(() -> engine.closed.get() == 1);
    await(() -> gauge("penstock_grants") == 0);
    assertThat(engine.requests).hasSize(1);
  }

  private double gauge(String name) {
    String text = gateway.metrics.scrape("").body().toString();
    return text.lines()
        .filter(line -> line.startsWith(name + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void leavingBeforeTheFirstTokenResetsTheEngine() {
    startGateway();
    engine.answer((socket, request) -> {});
    for (String body : new String[] {STREAM, WHOLE}) {
      int before = engine.closed.get();
      NetSocket client = connect(body);
      int requests = engine.requests.size();
      await(() -> engine.requests.size() > requests || engine.requests.size() > before);
      client.close();
      await(() -> engine.closed.get() == before + 1);
    }
    await(() -> gauge("penstock_grants") == 0);
  }

  @Test
  void leavingAStreamResetsTheEngine() {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          long timer = vertx.setPeriodic(5, tick -> socket.write(chunk(frame("a"))));
          socket.endHandler(end -> vertx.cancelTimer(timer));
        });
    NetSocket client = connect(STREAM);
    CompletableFuture<Void> first = new CompletableFuture<>();
    client.handler(piece -> first.complete(null));
    first.orTimeout(60, TimeUnit.SECONDS).join();
    client.close();
    await(() -> engine.closed.get() == 1);
    await(() -> gauge("penstock_grants") == 0);
    await(() -> gauge("penstock_cancelled_total") == 1);
  }

  @Test
  void aSlowClientStopsTheReadingOfItsEngine() {
    startGateway();
    String big = "x".repeat(60_000);
    int frames = 800; // 48 MB, several times what kernels keep for two connections
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          pump(socket, chunk(frame(big)), frames);
        });
    NetSocket client = connect(STREAM);
    client.pause();
    await(() -> sentFrames > 0);
    long before;
    do { // until the engine's socket takes no more
      before = sentFrames;
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
    } while (sentFrames != before);
    assertThat(sentFrames).as("frames of 60 KB that the engine could send").isLessThan(frames / 2);
    client.resume();
    await(() -> sentFrames == frames);
    client.close();
  }

  private volatile long sentFrames;

  private void pump(NetSocket socket, Buffer frame, int left) {
    int rest = left;
    while (rest > 0 && !socket.writeQueueFull()) {
      socket.write(frame.copy());
      sentFrames++;
      rest--;
    }
    int then = rest;
    if (then > 0) {
      socket.drainHandler(drained -> pump(socket, frame, then));
    }
  }

  @Test
  void deadlinesHaveTheirNames() throws Exception {
    setup.maxConcurrent = 1;
    setup.queue =
        new QueueLimits(
            10, 1 << 20, Duration.ofMillis(300), Duration.ofMillis(300), Duration.ofMillis(300));
    setup.deadlines =
        new io.penstock.ingress.IngressConfig.Deadlines(
            Duration.ofSeconds(30),
            Duration.ofSeconds(4), // in which another one waits in vain
            Duration.ofMillis(400),
            Duration.ofSeconds(8));
    startGateway();
    engine.answer((socket, request) -> {});
    CompletableFuture<HttpResponse<String>> running = send(post(PATH, STREAM));
    await(() -> engine.requests.size() == 1);
    HttpResponse<String> queued = get(send(post(PATH, STREAM)));
    assertThat(queued.statusCode()).isEqualTo(429);
    assertThat(error(queued).getString("code")).isEqualTo("queue_timeout");
    assertThat(queued.headers().firstValue("retry-after")).isPresent();
    assertThat(queued.headers().firstValue("retry-after-ms")).isPresent();

    HttpResponse<String> first = get(running);
    assertThat(first.statusCode()).isEqualTo(504);
    assertThat(error(first).getString("code")).isEqualTo("first_token_timeout");

    HttpResponse<String> total = get(send(post(PATH, WHOLE)));
    assertThat(total.statusCode()).isEqualTo(408);
    assertThat(error(total).getString("code")).isEqualTo("deadline_exceeded");

    HttpResponse<String> asked =
        get(send(post(PATH, WHOLE).header("x-penstock-timeout-ms", "200")));
    assertThat(error(asked).getString("message")).contains("within 200 ms");

    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a")));
        });
    String idle = get(send(post(PATH, STREAM))).body();
    assertThat(idle)
        .startsWith(frame("a"))
        .contains("\"code\":\"idle_timeout\"")
        .doesNotContain("[DONE]");
    await(() -> gateway.accessLog().lines().count() == 5);
    assertThat(gateway.accessLog().lines().toList())
        .as("the total deadline is the request's own, the others are slowness")
        .allMatch(
            line ->
                line.contains("\"code\":\"deadline_exceeded\"")
                    ? line.contains("\"outcome\":\"deadline\"")
                    : line.contains("\"outcome\":\"timeout\""));
  }

  /** What a client reads in all when the engine does this once so many pings have been seen. */
  private String afterPings(int pings, Consumer<NetSocket> then) throws Exception {
    setup.pingAfter = Duration.ofMillis(200);
    startGateway();
    CompletableFuture<NetSocket> asked = new CompletableFuture<>();
    engine.answer((socket, request) -> asked.complete(socket));
    HttpResponse<InputStream> answer =
        get(http.sendAsync(post(PATH, STREAM).build(), HttpResponse.BodyHandlers.ofInputStream()));
    assertThat(answer.statusCode()).isEqualTo(200);
    String ping = ": ping\n\n";
    byte[] seen = answer.body().readNBytes(pings * ping.length());
    assertThat(new String(seen, StandardCharsets.UTF_8)).isEqualTo(ping.repeat(pings));
    then.accept(get(asked));
    return new String(answer.body().readAllBytes(), StandardCharsets.UTF_8).replace(ping, "");
  }

  @Test
  void pingsWhileTheFirstTokenIsAwaited() throws Exception {
    assertThat(afterPings(2, IngressVerticleTest::streamWhole))
        .isEqualTo(frame("a") + frame("b") + FINISH + DONE);
  }

  @Test
  void anErrorAfterAPingIsAFrame() throws Exception {
    assertThat(afterPings(1, socket -> socket.write(json(500, "{}"))))
        .contains("\"code\":\"bad_gateway\"")
        .doesNotContain("[DONE]");
  }

  @Test
  void aBodyThatIsTooLargeIsRefusedUnread() throws Exception {
    startGateway();
    NetSocket client = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    StringBuilder read = new StringBuilder();
    CompletableFuture<String> answered = new CompletableFuture<>();
    client.handler(piece -> read.append(piece.toString(StandardCharsets.UTF_8)));
    client.closeHandler(closed -> answered.complete(read.toString()));
    client.write(
        "POST " + PATH + " HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n{\"model\":");
    assertThat(get(answered))
        .startsWith("HTTP/1.1 413")
        .contains(
            "the body has 999999999 bytes (expected: at most 1048576, ingress.max_body_bytes)");
  }

  @Test
  void aChunkedBodyThatGrowsTooLargeIsRefused() throws Exception {
    startGateway();
    HttpResponse<String> answer =
        get(
            send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + PATH))
                    .POST(
                        HttpRequest.BodyPublishers.fromPublisher(
                            HttpRequest.BodyPublishers.ofByteArray(
                                new byte[Gateway.MAX_BODY_BYTES + 1])))));
    assertThat(answer.statusCode()).isEqualTo(413);
    assertThat(error(answer).getString("code")).isEqualTo("body_too_large");
  }

  @Test
  void listsModelsAndTheirAliases() throws Exception {
    startGateway();
    HttpResponse<String> list =
        get(
            send(
                HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + gateway.port + "/v1/models"))));
    assertThat(list.body())
        .contains("\"id\":\"river-8b\"")
        .contains("\"id\":\"river\"")
        .contains("\"context_length\":8192");
    HttpResponse<String> none =
        get(
            send(
                HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + gateway.port + "/v1/models/nope"))));
    assertThat(none.statusCode()).isEqualTo(404);
    assertThat(error(none).getString("message"))
        .isEqualTo("The model 'nope' does not exist. Available models: river-8b.");
  }

  @Test
  void drainRefusesNewWorkAndLetsTheRestFinish() throws Exception {
    startGateway();
    CompletableFuture<NetSocket> asked = new CompletableFuture<>();
    engine.answer(
        (socket, request) -> {
          if (!asked.complete(socket)) {
            streamWhole(socket); // it came before the drain was heard of
          }
        });
    CompletableFuture<HttpResponse<String>> running = send(post(PATH, STREAM));
    get(asked);
    var drained = gateway.ingress.drain();
    await(() -> status() == 503);
    streamWhole(get(asked));
    assertThat(get(running).body()).endsWith(DONE);
    drained.await(60, TimeUnit.SECONDS);
  }

  @Test
  void anEnginesOwnErrorAfterAPingIsAFrame() throws Exception {
    assertThat(afterPings(1, socket -> socket.write(json(400, "{\n\"detail\":\"too long\"}"))))
        .contains("too long")
        .doesNotContain("[DONE]")
        .endsWith("}\n\n");
    await(() -> gauge("penstock_grants") == 0);
    await(() -> gauge("penstock_requests_in_flight") == 0);
  }

  @Test
  void anAnswerInOnePieceAfterAPingIsAnError() throws Exception {
    assertThat(afterPings(1, socket -> socket.write(json(ANSWER))))
        .contains("was asked for a stream and answered in one piece");
    await(() -> gauge("penstock_grants") == 0);
  }

  @Test
  void aPoolThatThisNodeDoesNotHaveIsTold() throws Exception {
    setup.ingressPool = "other";
    startGateway();
    HttpResponse<String> answer = get(send(post(PATH, STREAM)));
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(error(answer).getString("code")).isEqualTo("unknown_pool");
    assertThat(error(answer).getString("message"))
        .contains("Pool 'rivers' is not in this node's configuration");
  }

  @Test
  void anEngineThatDiesOnAFreshConnectionIsNotAskedTwice() throws Exception {
    startGateway();
    engine.answer((socket, request) -> socket.close());
    assertThat(get(send(post(PATH, WHOLE))).statusCode()).isEqualTo(502);
    assertThat(engine.requests).hasSize(1);
  }

  @Test
  void whatAnEngineSaysLosesAddressesAndKeys() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) ->
            socket.write(
                json(
                    500,
                    "{\"error\":{\"message\":\"http://10.1.2.3:8000 refused sk-SECRET123\"}}")));
    assertThat(error(get(send(post(PATH, WHOLE)))).getString("message"))
        .isEqualTo("replica rivers-0 answered 500: (address) refused (key)");
    engine.answer((socket, request) -> socket.write(json(401, "{}")));
    HttpResponse<String> key = get(send(post(PATH, WHOLE)));
    assertThat(key.statusCode()).isEqualTo(502);
    assertThat(error(key).getString("message")).contains("engine_api_key");
  }

  @Test
  void streamsShareAConnectionOneAfterTheOther() throws Exception {
    startGateway();
    engine.answer((socket, request) -> streamWhole(socket));
    for (int i = 0; i < 5; i++) {
      assertThat(get(send(post(PATH, STREAM))).body()).endsWith(DONE);
    }
    assertThat(engine.accepted.get()).isEqualTo(1);
  }

  @Test
  void anErrorBehindTheRoleFrameIsStillAStatus() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(
              chunk(
                  "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
                  "data: {\"error\":{\"message\":\"no memory\"}}\n\n"));
          socket.write(lastChunk());
        });
    HttpResponse<String> answer = get(send(post(PATH, STREAM)));
    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(error(answer).getString("message"))
        .isEqualTo("replica rivers-0 failed in its stream: no memory");
  }

  @Test
  void aStreamThatLacksItsLastLineEndIsWhole() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a"), FINISH, "data: [DONE]\n"));
          socket.write(lastChunk());
        });
    assertThat(get(send(post(PATH, STREAM))).body()).isEqualTo(frame("a") + FINISH + DONE);
  }

  @Test
  void anEndlessErrorIsNotReadToItsEnd() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(
              "HTTP/1.1 500 X\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n");
          pump(socket, chunk("x".repeat(10_000)), 100_000);
        });
    assertThat(get(send(post(PATH, WHOLE))).statusCode()).isEqualTo(502);
    await(() -> engine.closed.get() == 1);
  }

  @Test
  void aConnectionThatBreaksWhileALargeBodyIsWrittenIsReplaced() throws Exception {
    startGateway();
    engine.answer((socket, request) -> socket.write(json(ANSWER)));
    assertThat(get(send(post(PATH, WHOLE))).statusCode()).isEqualTo(200);
    engine.hangUpOnce();
    String large =
        WHOLE.replace("{\"model\"", "{\"padding\":\"" + "x".repeat(900_000) + "\",\"model\"");
    assertThat(get(send(post(PATH, large))).statusCode()).isEqualTo(200);
    assertThat(engine.accepted.get()).isEqualTo(2);
  }

  @Test
  void aRequestThatOutlastsTheDrainIsToldWhy() throws Exception {
    startGateway();
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a")));
        });
    InputStream running =
        get(http.sendAsync(post(PATH, STREAM).build(), HttpResponse.BodyHandlers.ofInputStream()))
            .body();
    byte[] before = running.readNBytes(frame("a").length());
    assertThat(new String(before, StandardCharsets.UTF_8)).isEqualTo(frame("a"));
    gateway.node.vertx().undeploy(gateway.ingress.deploymentID()).await(60, TimeUnit.SECONDS);
    assertThat(new String(running.readAllBytes(), StandardCharsets.UTF_8))
        .contains("\"code\":\"draining\"")
        .doesNotContain("[DONE]");
    await(() -> engine.closed.get() == 1);
  }

  private int status() {
    try {
      return get(send(post(PATH, STREAM))).statusCode();
    } catch (Exception closed) {
      return 0;
    }
  }
}
