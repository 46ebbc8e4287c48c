package io.penstock.replay;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.Pool;
import io.penstock.inference.RoutingStrategy;
import io.penstock.load.Goodput;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A way of choosing replicas.
 *
 * @param strategy one of Penstock's own; null for one that is only here to be compared with
 */
record Policy(String name, @Nullable RoutingStrategy strategy) {
  static final String OMNISCIENT = "omniscient";
  static final String CACHE_AWARE = "cache_aware";
  static final String WEIGHTED_SCORES = "weighted_scores";

  private static final List<String> OTHERS = List.of(CACHE_AWARE, WEIGHTED_SCORES, OMNISCIENT);

  /** What {@link #of} knows. */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    for (RoutingStrategy each : RoutingStrategy.values()) {
      names.add(each.label());
    }
    names.addAll(OTHERS);
    return names;
  }

  /**
   * The policy of this name.
   *
   * @throws IllegalArgumentException that lists the known names
   */
  static Policy of(String name) {
    if (!names().contains(name)) {
      throw new IllegalArgumentException(
          "policy: '" + name + "' (expected: one of " + String.join(", ", names()) + ")");
    }
    return new Policy(name, RoutingStrategy.of(name).orElse(null));
  }

  /**
   * An owner that chooses so.
   *
   * @param bounds by which requests are measured
   */
  StandalonePool owner(
      Pool pool,
      Survey survey,
      Goodput bounds,
      SplittableRandom random,
      StandalonePool.Listener listener) {
    if (strategy != null) {
      return StandalonePool.of(under(pool, strategy), random::nextDouble, listener);
    }
    StandalonePool.Picker picker =
        switch (name) {
          case CACHE_AWARE -> new CacheAware(survey);
          case WEIGHTED_SCORES -> new WeightedScores(survey, random::nextDouble);
          default -> new Omniscient(survey, bounds);
        };
    return StandalonePool.under(pool, picker, listener);
  }

  private static Pool under(Pool pool, RoutingStrategy strategy) {
    return new Pool(
        pool.name(),
        pool.model(),
        pool.aliases(),
        pool.engine(),
        pool.engineModel(),
        pool.engineApiKey(),
        strategy,
        pool.replicas(),
        pool.maxConcurrent(),
        pool.capabilities(),
        pool.contextTokens(),
        pool.queue(),
        pool.health(),
        pool.failover(),
        pool.breaker(),
        pool.resume(),
        pool.batching(),
        pool.prefixIndexBytes(),
        pool.kvEvents());
  }
}
