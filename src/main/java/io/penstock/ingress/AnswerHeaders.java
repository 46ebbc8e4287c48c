package io.penstock.ingress;

import io.penstock.inference.Cost;
import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.TierName;
import io.penstock.stream.RequestLife;
import io.vertx.core.MultiMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The gateway's own headers on answers. */
final class AnswerHeaders {
  private AnswerHeaders() {}

  /** On a success: who answered. */
  static void who(MultiMap headers, ModelName model, PoolName pool, Attempts attempts) {
    headers.set(Headers.MODEL, model.value());
    headers.set(Headers.POOL, pool.value());
    attempts
        .replica()
        .ifPresent(
            replica -> {
              headers.set(Headers.REPLICA, replica.value());
              headers.set(Headers.QUEUE_MS, Long.toString(attempts.queuedMillis()));
            });
  }

  /** On a success: after how many attempts, and where the time went. */
  static void course(
      MultiMap headers, Caller caller, Attempts attempts, RequestLife life, long sinceStartMillis) {
    headers.set(Headers.REQUEST_ID, caller.requestId());
    headers.set(Headers.ATTEMPTS, Integer.toString(attempts.count()));
    long queueMillis = Math.max(0, life.queueMillis());
    headers.set(
        Headers.SERVER_TIMING,
        "queue;dur="
            + queueMillis
            + ", route;dur="
            + life.routeMillis()
            + ", upstream;dur="
            + Math.max(0, sinceStartMillis - life.routeMillis() - queueMillis));
  }

  /**
   * On a success: which tiers were tried, and what it has cost, where that is known by now.
   *
   * @param tiers empty where the request named a model
   * @param answered the one that answers
   */
  static void tier(
      MultiMap headers,
      List<TierName> tiers,
      Optional<TierName> answered,
      boolean streams,
      Optional<Cost> cost) {
    answered.ifPresent(tier -> headers.set(Headers.TIER, tier.value()));
    if (tiers.size() > 1) {
      headers.set(
          Headers.CASCADE, tiers.stream().map(TierName::value).collect(Collectors.joining(",")));
    }
    if (!streams) {
      cost.ifPresent(known -> headers.set(Headers.COST, known.text()));
    }
  }

  /** Headers as comments of a stream whose own have gone: whoever looks for them finds them. */
  static String asComments(MultiMap headers) {
    StringBuilder text = new StringBuilder();
    headers.forEach(
        (name, value) -> text.append(": ").append(name).append(": ").append(value).append('\n'));
    return text.append('\n').toString();
  }

  /** On an error of ours: how many replicas have had the request. */
  static void error(MultiMap headers, Attempts attempts) {
    if (attempts.count() > 0) {
      headers.set(Headers.ATTEMPTS, Integer.toString(attempts.count()));
    }
  }
}
