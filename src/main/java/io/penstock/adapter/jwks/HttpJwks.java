package io.penstock.adapter.jwks;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.adapter.guard.Guard;
import io.penstock.adapter.guard.GuardMeters;
import io.penstock.tenancy.JwksSource;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Fetches JWK sets over HTTP. Follows no redirects: whoever is named is believed, nobody else. */
public final class HttpJwks implements JwksSource {
  private static final int BODY_BYTES_MAX = 1 << 20;
  private static final Guard.Rules RULES =
      new Guard.Rules(3, Duration.ofSeconds(5), Duration.ofSeconds(4));

  private final Vertx vertx;
  private final GuardMeters meters;

  // Both are of the event loop that fetches.
  private final Map<String, Guard> guards = new HashMap<>();
  private @Nullable HttpClient client;

  public HttpJwks(Vertx vertx, MeterRegistry meters) {
    this.vertx = vertx;
    this.meters = new GuardMeters(meters);
  }

  @Override
  public Future<JsonObject> fetch(String url) {
    Guard guard =
        guards.computeIfAbsent(
            url, each -> new Guard(vertx, meters, "jwks", each, RULES, failure -> true));
    HttpClient by = client == null ? open() : client;
    return guard.call(() -> fetch(by, url));
  }

  private HttpClient open() {
    HttpClient opened =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setConnectTimeout((int) RULES.timeout().toMillis())
                .setKeepAlive(false));
    client = opened;
    return opened;
  }

  private static Future<JsonObject> fetch(HttpClient client, String url) {
    return client
        .request(
            new RequestOptions()
                .setAbsoluteURI(url)
                .setMethod(HttpMethod.GET)
                .setIdleTimeout(RULES.timeout().toMillis())
                .putHeader("accept", "application/json"))
        .compose(request -> request.send())
        .compose(HttpJwks::read);
  }

  private static Future<JsonObject> read(HttpClientResponse response) {
    if (response.statusCode() != 200) {
      response.exceptionHandler(unread -> {});
      response.request().reset();
      return Future.failedFuture("it answered with status " + response.statusCode());
    }
    Promise<JsonObject> done = Promise.promise();
    Buffer body = Buffer.buffer();
    response
        .handler(
            piece -> {
              if (body.length() + piece.length() > BODY_BYTES_MAX) {
                response.request().reset();
                done.tryFail("its answer is longer than " + BODY_BYTES_MAX + " bytes");
              } else {
                body.appendBuffer(piece);
              }
            })
        .exceptionHandler(done::tryFail)
        .endHandler(
            end -> {
              try {
                done.tryComplete(body.toJsonObject());
              } catch (DecodeException | ClassCastException e) {
                done.tryFail("its answer is no JSON object");
              }
            });
    return done.future();
  }
}
