package io.penstock.load;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.SelfSignedCertificate;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A server whose base path says how it behaves: {@code http://127.0.0.1:PORT/truncate} stops in
 * mid-stream. It closes connections by FIN, or by RST when it lingers for zero seconds.
 */
final class FakeServer {
  private final Vertx vertx;
  private final HttpServer server;
  private final boolean tls;
  final List<JsonObject> bodies = Collections.synchronizedList(new ArrayList<>());
  final List<String> requestIds = Collections.synchronizedList(new ArrayList<>());
  final List<String> keys = Collections.synchronizedList(new ArrayList<>());
  final List<Long> arrivedNanos = Collections.synchronizedList(new ArrayList<>());
  private final Set<Object> connections = Collections.synchronizedSet(new HashSet<>());
  private final List<Runnable> held = new ArrayList<>(); // touched on its event loop
  private int cancelled;
  private int answered;

  private FakeServer(Vertx vertx, HttpServerOptions options) {
    this.vertx = vertx;
    this.tls = options.isSsl();
    this.server = vertx.createHttpServer(options).requestHandler(this::handle);
  }

  static FakeServer start(Vertx vertx) {
    return start(vertx, new HttpServerOptions());
  }

  /** One that ends connections by RST. */
  static FakeServer resetting(Vertx vertx) {
    return start(vertx, new HttpServerOptions().setSoLinger(0));
  }

  static FakeServer tls(Vertx vertx) {
    SelfSignedCertificate certificate = SelfSignedCertificate.create();
    return start(
        vertx,
        new HttpServerOptions().setSsl(true).setKeyCertOptions(certificate.keyCertOptions()));
  }

  private static FakeServer start(Vertx vertx, HttpServerOptions options) {
    FakeServer fake = new FakeServer(vertx, options);
    Future<HttpServer> listening = fake.server.listen(0, "127.0.0.1");
    listening.toCompletionStage().toCompletableFuture().join();
    return fake;
  }

  URI at(String behaviour) {
    return URI.create(
        (tls ? "https" : "http") + "://127.0.0.1:" + server.actualPort() + "/" + behaviour);
  }

  int connections() {
    return connections.size();
  }

  synchronized int cancelled() {
    return cancelled;
  }

  private synchronized void countCancelled() {
    cancelled++;
  }

  private synchronized int nextAnswer() {
    return answered++;
  }

  private void handle(HttpServerRequest request) {
    long now = System.nanoTime();
    if (request.path().endsWith("/models")) {
      models(request);
      return;
    }
    connections.add(request.connection());
    request
        .body()
        .onSuccess(
            body -> {
              arrivedNanos.add(now);
              bodies.add(new JsonObject(body));
              requestIds.add(request.getHeader("x-request-id"));
              keys.add(String.valueOf(request.getHeader("authorization")));
              request.response().exceptionHandler(e -> countCancelled());
              answer(request, new JsonObject(body), request.path().split("/")[1]);
            });
  }

  private static void models(HttpServerRequest request) {
    switch (request.path().split("/")[1]) {
      case "no-models" -> request.response().end("{\"data\":[]}");
      case "models-401" ->
          request.response().setStatusCode(401).end("{\"error\":{\"code\":\"invalid_api_key\"}}");
      default ->
          request.response().end("{\"data\":[{\"id\":\"first-model\"},{\"id\":\"second\"}]}");
    }
  }

  private void answer(HttpServerRequest request, JsonObject body, String behaviour) {
    HttpServerResponse response = request.response();
    int tokens = body.getInteger("max_tokens");
    switch (behaviour) {
      case "ok" -> stream(response).end(Streams.whole(tokens));
      case "replicas" ->
          stream(response)
              .putHeader("x-penstock-replica", nextAnswer() % 4 == 0 ? "r-a" : "r-b")
              .end(Streams.whole(tokens));
      case "after-20" -> {
        held.add(() -> stream(response).end(Streams.whole(tokens)));
        if (held.size() == 20) {
          held.forEach(Runnable::run);
        }
      }
      case "slow" -> vertx.setTimer(300, t -> stream(response).end(Streams.whole(tokens)));
      case "paced" -> paced(stream(response), tokens, 0);
      case "plain" ->
          response.end(
              "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}");
      case "plain-cut" -> {
        response.putHeader("content-length", "500");
        response.write("{\"choices\":[").onComplete(v -> request.connection().close());
      }
      case "busy" ->
          response
              .setStatusCode(429)
              .putHeader("content-type", "application/json")
              .end("{\"error\":{\"type\":\"rate_limit_error\",\"code\":\"queue_full\"}}");
      case "html" -> response.putHeader("content-type", "text/html").end("<html>");
      case "silent" -> {} // no answer at all
      case "stall" -> stream(response).write(Streams.content("a"));
      case "hang-up" -> request.connection().close();
      case "no-done" -> stream(response).end(Streams.whole(tokens).replace(Streams.DONE, ""));
      case "cut" ->
          stream(response)
              .write(Streams.role() + Streams.content("a"))
              .onComplete(v -> request.connection().close());
      case "cut-after-done" ->
          stream(response)
              .write(Streams.whole(tokens))
              .onComplete(v -> request.connection().close());
      case "error-frame" ->
          stream(response)
              .end(Streams.content("a") + Streams.frame("{\"error\":{\"code\":\"bad_gateway\"}}"));
      case "malformed-then-more" -> {
        stream(response).write(Streams.frame("{oops"));
        endless(response);
      }
      default -> response.setStatusCode(404).end();
    }
  }

  private static HttpServerResponse stream(HttpServerResponse response) {
    return response.setChunked(true).putHeader("content-type", "text/event-stream; charset=utf-8");
  }

  /** 20 ms between the tokens. */
  private void paced(HttpServerResponse response, int tokens, int sent) {
    if (sent == tokens) {
      response.end(Streams.finish() + Streams.usage(7, tokens) + Streams.DONE);
      return;
    }
    response.write(Buffer.buffer(Streams.content("t")));
    vertx.setTimer(20, t -> paced(response, tokens, sent + 1));
  }

  private void endless(HttpServerResponse response) {
    long timer = vertx.setPeriodic(10, t -> response.write(Streams.content("more")));
    response.exceptionHandler(
        e -> {
          vertx.cancelTimer(timer);
          countCancelled();
        });
  }
}
