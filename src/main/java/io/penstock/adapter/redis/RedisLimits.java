package io.penstock.adapter.redis;

import io.penstock.adapter.guard.Guard;
import io.penstock.adapter.guard.GuardMeters;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.LimitGrant;
import io.penstock.message.LimitKind;
import io.penstock.message.LimitLine;
import io.penstock.tenancy.LimitStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

/**
 * Limits in Redis: one script for each question, so that what is read and what is granted are one.
 * A Redis that is slow or gone is left alone by its {@link Guard}; nobody waits for it longer than
 * the desk that asks. Belongs to one event loop.
 */
public final class RedisLimits implements LimitStore {
  /** The desk waits for less; this is until the guard counts a failure. */
  private static final Guard.Rules RULES =
      new Guard.Rules(3, Duration.ofMillis(50), Duration.ofSeconds(1));

  private static final Script SCRIPT = Script.of("limits.lua");

  private final RedisServer redis;

  /**
   * @param url {@code redis://} or {@code rediss://}
   * @param meters of the stores of all event loops
   */
  public RedisLimits(Vertx vertx, String url, GuardMeters meters) {
    this.redis = new RedisServer(vertx, url, "redis", RULES, meters);
  }

  @Override
  public Future<LimitAnswer> ask(LimitAsk ask) {
    return redis
        .call(() -> SCRIPT.eval(redis, keys(ask), arguments(ask)))
        .map(response -> answer(ask, response));
  }

  /** The braces keep the keys of a tenant on one node of a Redis Cluster. */
  private static List<String> keys(LimitAsk ask) {
    String tenant = "penstock:{" + ask.tenant() + "}:";
    List<String> keys = new ArrayList<>();
    keys.add(tenant + "life");
    for (LimitLine line : ask.lines()) {
      keys.add(tenant + line.kind().name().toLowerCase(Locale.ROOT) + ":" + line.subject());
    }
    return keys;
  }

  private static List<String> arguments(LimitAsk ask) {
    List<String> all = new ArrayList<>();
    all.add(ask.from().node() + "/" + ask.from().lane());
    all.add(Long.toString(ask.epoch()));
    all.add(Long.toString(ask.seq()));
    all.add(Long.toString(ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE)));
    for (LimitLine line : ask.lines()) {
      all.add(line.kind() == LimitKind.CONCURRENT ? "0" : "1");
      all.add(Long.toString(line.limit()));
      all.add(Long.toString(line.used()));
      all.add(Long.toString(line.holding()));
      all.add(Long.toString(line.atHand()));
      all.add(Long.toString(line.need()));
      all.add(Long.toString(line.extra()));
      all.add(line.minute().stream().map(String::valueOf).collect(Collectors.joining(",")));
    }
    return all;
  }

  private static LimitAnswer answer(LimitAsk ask, Response response) {
    List<LimitGrant> grants = new ArrayList<>();
    for (int i = 0; i < ask.lines().size(); i++) {
      LimitLine line = ask.lines().get(i);
      Response row = response.get(i + 1);
      grants.add(
          new LimitGrant(
              line.subject(),
              line.kind(),
              row.get(0).toLong(),
              row.get(1).toLong(),
              row.get(2).toLong(),
              row.get(3).toLong(),
              line.kind() == LimitKind.CONCURRENT ? 0 : row.get(4).toLong()));
    }
    return new LimitAnswer(ask.tenant(), response.get(0).toLong(), ask.seq(), false, grants);
  }
}
