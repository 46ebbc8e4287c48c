package io.penstock.tiers;

import io.penstock.inference.ModelName;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierStrategy;
import io.penstock.inference.TierWish;
import io.penstock.inference.TokenPrice;
import java.util.List;
import java.util.Optional;

/** The guide's example. */
final class Tiers {
  static final Tier FAST = tier("fast", 500, 0.001, 0.7, "standard");
  static final Tier STANDARD = tier("standard", 2_000, 0.01, 0.9, "quality");
  static final Tier QUALITY = tier("quality", 5_000, 0.05, 1.0, "");

  private Tiers() {}

  static Tier tier(String level, int latencyMillis, double cost, double quality, String above) {
    return new Tier(
        new TierName(level),
        new ModelName("model-" + level),
        latencyMillis,
        cost,
        new TokenPrice(cost, cost),
        quality,
        above.isEmpty() ? Optional.empty() : Optional.of(new TierName(above)));
  }

  static TierPolicy policy(TierStrategy strategy, List<Tier> tiers) {
    return new TierPolicy(
        List.of(new ModelName("auto")),
        tiers,
        new TierName("standard"),
        strategy,
        0.8,
        5_000,
        0.7,
        Optional.empty(),
        Optional.empty());
  }

  static TierWish wish(double complexity, int budgetMillis, double maxCost, double minQuality) {
    return new TierWish(Optional.empty(), complexity, budgetMillis, maxCost, minQuality);
  }
}
