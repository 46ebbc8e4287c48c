package io.penstock.tenancy;

import io.penstock.bus.LiveSetting;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the issuer's keys of now: fetches them at once, then regularly, sooner when that has
 * failed, and when somebody shows a token of a key that is not among them. Old ones are kept while
 * no new ones can be had. Lives on its verticle's event loop.
 */
final class JwksWatch {
  /** After a failure. */
  private static final long AGAIN_MILLIS = 5_000;

  /** Least time between two fetches that tokens have caused: anybody can make such tokens. */
  static final long ASKED_MILLIS = 10_000;

  /** Signatures that everybody can check and only the issuer can make; no shared secrets. */
  private static final Set<String> ASYMMETRIC = Set.of("RSA", "EC", "OKP");

  private static final Logger LOG = LoggerFactory.getLogger(JwksWatch.class);

  private final Vertx vertx;
  private final JwksSource source;
  private final LiveSetting<Jwks> current;
  private final Clock clock;
  private Optional<TenancyConfig.Jwt> of = Optional.empty();
  private long timer = -1;
  private boolean isFetching;
  private long fetchedMillis = Long.MIN_VALUE / 2;

  JwksWatch(Vertx vertx, JwksSource source, LiveSetting<Jwks> current, Clock clock) {
    this.vertx = vertx;
    this.source = source;
    this.current = current;
    this.clock = clock;
  }

  /** These are the issuer's from now on. */
  void follow(Optional<TenancyConfig.Jwt> next) {
    if (!next.equals(of)) {
      of = next;
      vertx.cancelTimer(timer);
      current.become(new Jwks(next, List.of(), next.isPresent() ? "they are being fetched" : ""));
      next.ifPresent(this::fetch);
    }
  }

  /** A token was shown that none of the keys has signed. */
  void strangerShown() {
    if (!isFetching && clock.millis() - fetchedMillis >= ASKED_MILLIS) {
      of.ifPresent(this::fetch);
    }
  }

  private void fetch(TenancyConfig.Jwt issuer) {
    vertx.cancelTimer(timer);
    isFetching = true;
    fetchedMillis = clock.millis();
    source
        .fetch(issuer.jwksUrl())
        .map(JwksWatch::usable)
        .onComplete(
            done -> {
              isFetching = false;
              if (!of.equals(Optional.of(issuer))) {
                of.ifPresent(this::fetch); // another issuer was configured meanwhile
                return;
              }
              if (done.succeeded()) {
                current.become(new Jwks(of, done.result(), ""));
              } else {
                failed(issuer, String.valueOf(done.cause().getMessage()));
              }
              long next = done.succeeded() ? issuer.refresh().toMillis() : AGAIN_MILLIS;
              timer = vertx.setTimer(next, due -> of.ifPresent(this::fetch));
            });
  }

  private void failed(TenancyConfig.Jwt issuer, String why) {
    Jwks before = current.now();
    LOG.warn(
        "the keys of {} can not be fetched from {}: {}; {}",
        issuer.issuer(),
        issuer.jwksUrl(),
        why,
        before.keys().isEmpty() ? "its tokens are refused until then" : "the old ones are kept");
    if (before.keys().isEmpty()) {
      current.become(new Jwks(of, List.of(), why));
    }
  }

  private static List<JsonObject> usable(JsonObject set) {
    List<JsonObject> usable = new ArrayList<>();
    JsonArray keys = set.getValue("keys") instanceof JsonArray array ? array : new JsonArray();
    for (Object each : keys) {
      if (each instanceof JsonObject key
          && key.getValue("kty") instanceof String type
          && ASYMMETRIC.contains(type)
          && !"enc".equals(key.getValue("use"))) {
        usable.add(key);
      }
    }
    if (usable.isEmpty()) {
      throw new IllegalArgumentException(
          "there is no key of the types "
              + String.join(", ", ASYMMETRIC.stream().sorted().toList())
              + " in its 'keys'");
    }
    return usable;
  }
}
