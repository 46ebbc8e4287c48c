package io.penstock.adapter.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.fake.Pools;
import io.penstock.fake.Ports;
import io.penstock.inference.EngineKind;
import io.penstock.inference.Pool;
import io.penstock.message.Signals;
import io.penstock.prober.EngineProbes;
import io.penstock.prober.Fleets;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Over real sockets. */
@Timeout(300)
class HttpEngineProbesTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(100);

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final EngineProbes probes = new HttpEngineProbes(vertx);
  private final List<String> asked = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) {
    try {
      return future.await(90, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("not within 90 s", e);
    }
  }

  private static void assertFails(Future<?> future, String message) {
    assertThatThrownBy(() -> await(future)).hasMessage(message);
  }

  private EngineProbes.Probe probe(EngineKind kind, int port) {
    return probe(kind, "http://127.0.0.1:" + port, Optional.empty());
  }

  private EngineProbes.Probe probe(EngineKind kind, String url, Optional<String> key) {
    Pool pool = Pools.of("p", "m").engine(kind).engineApiKey(key).make();
    return probes.open(pool, Fleets.replica("r", url));
  }

  private int serve(Handler<HttpServerRequest> handler) {
    HttpServer server =
        vertx
            .createHttpServer()
            .requestHandler(
                request -> {
                  asked.add(request.path());
                  handler.handle(request);
                });
    return await(server.listen(0, "127.0.0.1")).actualPort();
  }

  private int serveRaw(Handler<NetSocket> handler) {
    NetServer server = vertx.createNetServer().connectHandler(handler);
    return await(server.listen(0, "127.0.0.1")).actualPort();
  }

  private static void answer(HttpServerRequest request, int status, String body) {
    request.response().setStatusCode(status).end(body);
  }

  @Test
  void passesAnEngineThatAnswersOk() {
    int port = serve(request -> answer(request, 200, ""));
    await(probe(EngineKind.VLLM, port).check(LONG));
    assertThat(asked).containsExactly("/health");
  }

  @Test
  void failsAnEngineThatIsNotReadyWithItsStatus() {
    int port = serve(request -> answer(request, 503, "{\"error\":\"Loading model\"}"));
    assertFails(probe(EngineKind.LLAMA_CPP, port).check(LONG), "503 Service Unavailable");
  }

  @Test
  void readsWhatAnEngineCanDo() {
    int port =
        serve(
            request ->
                answer(
                    request,
                    200,
                    "{\"paths\":{\"/v1/chat/completions\":{\"post\":{\"requestBody\":{\"schema\":"
                        + "{\"properties\":{\"continue_final_message\":{}}}}}}}}"));
    assertThat(await(probe(EngineKind.VLLM, port).continuesMessages(LONG))).contains(true);
    assertThat(asked).containsExactly("/openapi.json");
    int none = serve(request -> answer(request, 404, "{}"));
    assertThat(await(probe(EngineKind.LLAMA_CPP, none).continuesMessages(LONG))).isEmpty();
    int html = serve(request -> answer(request, 200, "<html>"));
    assertThat(await(probe(EngineKind.OPENAI, html).continuesMessages(LONG))).isEmpty();
  }

  @Test
  void anApiDescriptionThatDoesNotComeIsNoWord() {
    int broken = serve(request -> answer(request, 500, ""));
    assertFails(
        probe(EngineKind.VLLM, broken).continuesMessages(LONG), "500 Internal Server Error");
    int endless = serve(request -> answer(request, 200, "{" + " ".repeat(5 << 20)));
    assertFails(
        probe(EngineKind.VLLM, endless).continuesMessages(LONG), "body larger than 4194304 bytes");
  }

  @Test
  void failsARedirect() {
    int port =
        serve(request -> request.response().putHeader("location", "/x").setStatusCode(302).end());
    assertFails(probe(EngineKind.TGI, port).check(LONG), "302 Found");
    assertThat(asked).containsExactly("/health");
  }

  @Test
  void failsAnEngineThatAcceptsAndSaysNothing() {
    int port = serveRaw(socket -> {});
    assertFails(probe(EngineKind.VLLM, port).check(SHORT), "no answer within 100 ms");
  }

  @Test
  void failsAnEngineWhoseAnswerNeverEnds() {
    int port = serve(request -> request.response().setChunked(true).write("# still thinking\n"));
    assertFails(probe(EngineKind.VLLM, port).check(SHORT), "no answer within 100 ms");
    assertFails(probe(EngineKind.VLLM, port).scrape(SHORT), "no answer within 100 ms");
  }

  @Test
  void failsAPortWhereNobodyListens() {
    assertFails(probe(EngineKind.VLLM, Ports.free()).check(LONG), "connection refused");
  }

  @Test
  void failsAConnectionThatIsClosedWithoutAnAnswerAfterAskingTwice() {
    List<NetSocket> sockets = new CopyOnWriteArrayList<>();
    int port =
        serveRaw(
            socket -> {
              sockets.add(socket);
              socket.handler(bytes -> socket.close());
            });
    assertFails(
        probe(EngineKind.VLLM, port).check(LONG), "connection closed before the answer was whole");
    assertThat(sockets).hasSize(2);
  }

  @Test
  void asksAgainWhenAKeptConnectionHasJustBeenClosed() {
    List<NetSocket> sockets = new CopyOnWriteArrayList<>();
    List<String> questions = new CopyOnWriteArrayList<>();
    int port =
        serveRaw(
            socket -> {
              sockets.add(socket);
              socket.handler(
                  bytes -> {
                    questions.add(bytes.toString());
                    if (questions.size() == 2) {
                      socket.close();
                    } else {
                      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    }
                  });
            });
    EngineProbes.Probe probe = probe(EngineKind.VLLM, port);
    await(probe.check(LONG));
    await(probe.check(LONG));
    assertThat(questions).hasSize(3);
    assertThat(sockets).hasSize(2);
  }

  @Test
  void keepsItsConnections() {
    Set<Integer> ports = ConcurrentHashMap.newKeySet();
    int port =
        serve(
            request -> {
              ports.add(request.remoteAddress().port());
              answer(request, 200, "ok");
            });
    EngineProbes.Probe probe = probe(EngineKind.VLLM, port);
    for (int i = 0; i < 20; i++) {
      await(probe.check(LONG));
    }
    assertThat(asked).hasSize(20);
    // The test may ask again before the connection is back in its pool.
    assertThat(ports).hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void checksAnEngineThatManyPoolsListOverAFewConnections() {
    Set<Integer> ports = ConcurrentHashMap.newKeySet();
    int port =
        serve(
            request -> {
              ports.add(request.remoteAddress().port());
              answer(request, 200, "ok");
            });
    List<Future<Void>> checks = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      checks.add(probe(EngineKind.VLLM, port).check(LONG));
    }
    await(Future.all(checks));
    assertThat(ports).hasSizeLessThanOrEqualTo(4);
  }

  @Test
  void failsAHostThatDoesNotExistAndAUrlThatIsNone() {
    assertFails(
        probe(EngineKind.VLLM, "http://no-such-host.invalid:1", Optional.empty()).check(LONG),
        "its host name can not be resolved");
    assertFails(
        probe(EngineKind.VLLM, "not a url", Optional.empty()).check(LONG), "its url is not one");
  }

  @Test
  void failsAnEngineThatDoesNotSpeakTlsWhereItShould() {
    int port = serveRaw(socket -> socket.handler(bytes -> socket.write("HTTP/1.1 400 What\r\n")));
    assertThatThrownBy(
            () ->
                await(
                    probe(EngineKind.VLLM, "https://localhost:" + port, Optional.empty())
                        .check(LONG)))
        .hasMessageStartingWith("TLS failed: ");
  }

  @Test
  void cutsAHugeHealthBodyOffAndTrustsTheStatus() {
    Buffer megabytes = Buffer.buffer(new byte[8 << 20]);
    int port = serve(request -> request.response().end(megabytes));
    await(probe(EngineKind.VLLM, port).check(LONG));
  }

  @Test
  void failsAHugeMetricsPage() {
    Buffer megabytes = Buffer.buffer(new byte[HttpEngineProbes.METRICS_BYTES_MAX + 1]);
    int port = serve(request -> request.response().end(megabytes));
    assertFails(probe(EngineKind.VLLM, port).scrape(LONG), "body larger than 4194304 bytes");
  }

  @Test
  void asksAGenericEngineForItsModelsWhenItHasNoHealth() {
    int port =
        serve(request -> answer(request, request.path().equals("/v1/models") ? 200 : 404, "{}"));
    await(probe(EngineKind.OPENAI, port).check(LONG));
    assertThat(asked).containsExactly("/health", "/v1/models");
  }

  @Test
  void failsAGenericEngineWithoutEither() {
    int port = serve(request -> answer(request, 404, ""));
    assertFails(probe(EngineKind.OPENAI, port).check(LONG), "404 Not Found");
  }

  @Test
  void believesAGenericEngineThatSaysItIsIll() {
    int port = serve(request -> answer(request, 500, ""));
    assertFails(probe(EngineKind.OPENAI, port).check(LONG), "500 Internal Server Error");
    assertThat(asked).containsExactly("/health");
  }

  @Test
  void sendsThePoolsKey() {
    List<String> keys = new ArrayList<>();
    int port =
        serve(
            request -> {
              keys.add(request.getHeader("authorization"));
              answer(request, 200, "");
            });
    await(probe(EngineKind.VLLM, "http://127.0.0.1:" + port, Optional.of("secret")).check(LONG));
    assertThat(keys).containsExactly("Bearer secret");
  }

  @Test
  void scrapesTwiceAndTellsTheHitsBetween() {
    int port =
        serve(
            request ->
                request
                    .response()
                    .end(
                        Buffer.buffer(
                            EnginePages.page(asked.size() == 1 ? "vllm-1.txt" : "vllm-2.txt"))));
    EngineProbes.Probe probe = probe(EngineKind.VLLM, port);
    assertThat(await(probe.scrape(LONG)))
        .hasValue(new Signals(3, 11, 0.4371584699453552, Double.NaN, 0));
    assertThat(await(probe.scrape(LONG))).hasValue(new Signals(0, 12, 0.5, 0.75, 0));
  }

  @Test
  void hasNoSignalsOfAnEngineWithoutMetrics() {
    for (int status : new int[] {404, 405, 501}) {
      int port = serve(request -> answer(request, status, ""));
      assertThat(await(probe(EngineKind.LLAMA_CPP, port).scrape(LONG))).isEmpty();
    }
  }

  @Test
  void failsAScrapeThatTheEngineRefuses() {
    int port = serve(request -> answer(request, 401, ""));
    assertFails(probe(EngineKind.VLLM, port).scrape(LONG), "401 Unauthorized");
  }

  @Test
  void findsTheMetricsOfTensorRtLlmAtEitherPath() {
    int port =
        serve(
            request -> {
              if (request.path().equals("/metrics")) {
                request.response().end(Buffer.buffer(EnginePages.page("tensorrt-llm.txt")));
              } else {
                answer(request, 404, "");
              }
            });
    assertThat(await(probe(EngineKind.TENSORRT_LLM, port).scrape(LONG)))
        .hasValue(new Signals(4, 18, 0.71875, 0.3125, 0));
    assertThat(asked).containsExactly("/prometheus/metrics", "/metrics");
  }

  @Test
  void addsTheSlotsOfLlamaCpp() {
    int port =
        serve(
            request ->
                request
                    .response()
                    .end(
                        Buffer.buffer(
                            EnginePages.page(
                                request.path().equals("/slots")
                                    ? "llama-cpp-slots.json"
                                    : "llama-cpp.txt"))));
    assertThat(await(probe(EngineKind.LLAMA_CPP, port).scrape(LONG)))
        .hasValue(new Signals(5, 3, 0.75, Double.NaN, 0));
  }

  @Test
  void doesWithoutSlotsAndDoesNotAskForThemAgain() {
    int port =
        serve(
            request -> {
              if (request.path().equals("/slots")) {
                answer(request, 501, "");
              } else {
                request.response().end(Buffer.buffer(EnginePages.page("llama-cpp.txt")));
              }
            });
    EngineProbes.Probe probe = probe(EngineKind.LLAMA_CPP, port);
    Signals expected = new Signals(5, 3, Double.NaN, Double.NaN, 0);
    assertThat(await(probe.scrape(LONG))).hasValue(expected);
    assertThat(await(probe.scrape(LONG))).hasValue(expected);
    assertThat(asked).containsExactly("/metrics", "/slots", "/metrics");
  }

  @Test
  void givesUpWhatIsInFlightWhenClosed() {
    Promise<Void> closed = Promise.promise();
    Promise<Void> arrived = Promise.promise();
    int port =
        serveRaw(
            socket -> {
              socket.handler(bytes -> arrived.tryComplete());
              socket.closeHandler(end -> closed.tryComplete());
            });
    EngineProbes.Probe probe = probe(EngineKind.VLLM, port);
    Future<Void> check = probe.check(LONG);
    await(arrived.future());
    probe.close();
    assertFails(check, "abandoned");
    await(closed.future());
    assertFails(probe.check(LONG), "abandoned");
  }
}
