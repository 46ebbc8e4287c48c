package io.penstock.tiers;

import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierWish;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Chooses a tier as the guide's {@code TierRouter} and {@code CostOptimizedRouter} do. Pure.
 *
 * <p>{@code select_tier}: of the tiers within the latency budget, the limit on cost and the minimum
 * of quality, a simple task (complexity below 0.3) gets the fastest, a complex one (above 0.7) the
 * best, any other the default tier, or the first where that is not among them. Where none is within
 * all three, the default tier; where that can not serve it, the first that can.
 *
 * <p>{@code cost_optimized}: of the tiers within latency budget and limit on cost, the cheapest
 * whose effective quality, {@code quality * (1 - 0.2 * complexity)}, is at least the minimum; where
 * none is, the best of them. Where no tier is within budget and limit, the same among all.
 */
public final class TierSelection {
  static final double SIMPLE_BELOW = 0.3;
  static final double COMPLEX_ABOVE = 0.7;

  /** What complexity takes from a tier's quality at most. */
  private static final double COMPLEXITY_LOSS = 0.2;

  private TierSelection() {}

  /**
   * The tier for a request.
   *
   * @param candidates tiers of the policy, in its order, that can serve it; not empty
   */
  public static Tier choose(TierPolicy policy, List<Tier> candidates, TierWish wish) {
    return switch (policy.strategy()) {
      case SELECT_TIER -> selectTier(policy, candidates, wish);
      case COST_OPTIMIZED -> cheapest(policy, candidates, wish);
    };
  }

  private static Tier selectTier(TierPolicy policy, List<Tier> candidates, TierWish wish) {
    List<Tier> within =
        matching(affordable(policy, candidates, wish), t -> t.qualityScore() >= wish.minQuality());
    if (within.isEmpty()) {
      return defaultOf(policy, candidates);
    }
    if (wish.complexity() < SIMPLE_BELOW) {
      return least(within, Comparator.comparingInt(Tier::latencyTargetMillis));
    }
    if (wish.complexity() > COMPLEX_ABOVE) {
      return best(within);
    }
    return defaultOf(policy, within);
  }

  private static Tier cheapest(TierPolicy policy, List<Tier> candidates, TierWish wish) {
    double least = wish.minQuality() > 0 ? wish.minQuality() : policy.minQuality();
    List<Tier> affordable = affordable(policy, candidates, wish);
    List<Tier> of = affordable.isEmpty() ? candidates : affordable;
    List<Tier> enough = matching(of, tier -> effectiveQuality(tier, wish.complexity()) >= least);
    return enough.isEmpty()
        ? best(of)
        : least(enough, Comparator.comparingDouble(Tier::costPer1kTokens));
  }

  /** What is left of a tier's quality on a task of this complexity. */
  static double effectiveQuality(Tier tier, double complexity) {
    return tier.qualityScore() * (1 - complexity * COMPLEXITY_LOSS);
  }

  private static List<Tier> affordable(TierPolicy policy, List<Tier> tiers, TierWish wish) {
    int budget =
        wish.latencyBudgetMillis() > 0 ? wish.latencyBudgetMillis() : policy.latencyBudgetMillis();
    return matching(
        tiers,
        tier ->
            tier.latencyTargetMillis() <= budget
                && (wish.maxCost() == 0 || tier.costPer1kTokens() <= wish.maxCost()));
  }

  private static Tier defaultOf(TierPolicy policy, List<Tier> among) {
    return among.stream()
        .filter(tier -> tier.level().equals(policy.defaultTier()))
        .findFirst()
        .orElse(among.get(0));
  }

  /**
   * The tiers to which a cascade may go up from one, in order: the chain of {@code fallback}s,
   * those left out that can not serve the request.
   *
   * @param candidates those that can
   * @param most how many at most
   */
  public static List<Tier> above(TierPolicy policy, List<Tier> candidates, Tier from, int most) {
    List<Tier> chain = new ArrayList<>();
    Optional<TierName> next = from.fallback();
    for (int steps = 0; next.isPresent() && steps < policy.tiers().size(); steps++) {
      Optional<Tier> tier = policy.tier(next.get());
      tier.filter(candidates::contains).filter(each -> chain.size() < most).ifPresent(chain::add);
      next = tier.flatMap(Tier::fallback);
    }
    return chain;
  }

  private static Tier best(List<Tier> of) {
    return least(of, Comparator.comparingDouble(tier -> -tier.qualityScore()));
  }

  /** The first of those that are least. */
  private static Tier least(List<Tier> of, Comparator<Tier> by) {
    return of.stream().min(by).orElseThrow();
  }

  private static List<Tier> matching(List<Tier> of, Predicate<Tier> keep) {
    return of.stream().filter(keep).toList();
  }
}
