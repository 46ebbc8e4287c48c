package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.Optional;

/**
 * What a client wants of the tier that serves it; 0 where it said nothing of a number.
 *
 * @param tier the one that it names
 * @param complexity of its task, 0..1, by its own word or by the estimator
 * @param latencyBudgetMillis a tier's latency target may be so long
 * @param maxCost of 1,000 tokens
 * @param minQuality 0..1
 */
public record TierWish(
    Optional<TierName> tier,
    double complexity,
    int latencyBudgetMillis,
    double maxCost,
    double minQuality) {
  /** Of whom nothing is known: neither simple nor complex. */
  public static final TierWish NONE = new TierWish(Optional.empty(), 0.5, 0, 0, 0);

  public TierWish {
    require(complexity >= 0 && complexity <= 1, "complexity", complexity, "0..1");
    require(latencyBudgetMillis >= 0, "latencyBudgetMillis", latencyBudgetMillis, ">= 0");
    require(maxCost >= 0, "maxCost", maxCost, ">= 0");
    require(minQuality >= 0 && minQuality <= 1, "minQuality", minQuality, "0..1");
  }
}
