package io.penstock.adapter.redis;

import io.penstock.adapter.guard.Guard;
import io.penstock.adapter.guard.GuardMeters;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.net.URI;
import java.util.function.Supplier;

/** A client of one Redis with a guard before it. Belongs to one event loop. */
final class RedisServer {
  private static final int CONNECTIONS_MAX = 4;
  private static final int WAITING_MAX = 1_024;

  private final Redis redis;
  private final Guard guard;
  private final String address;

  /**
   * @param url {@code redis://} or {@code rediss://}
   * @param use of it; label and log
   */
  RedisServer(Vertx vertx, String url, String use, Guard.Rules rules, GuardMeters meters) {
    this.redis =
        Redis.createClient(
            vertx,
            new RedisOptions()
                .setConnectionString(url)
                .setMaxPoolSize(CONNECTIONS_MAX)
                .setMaxPoolWaiting(WAITING_MAX));
    URI at = URI.create(url);
    this.address = at.getHost() + ":" + at.getPort();
    this.guard = new Guard(vertx, meters, use, address, rules, failure -> true);
  }

  /** Calls it unless it is to be left alone. */
  <T> Future<T> call(Supplier<Future<T>> what) {
    return guard.call(what);
  }

  Future<Response> send(Request request) {
    return redis.send(request);
  }

  /** Where it is, for people: without a password. */
  String address() {
    return address;
  }
}
