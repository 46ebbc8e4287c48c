package io.penstock.ingress;

import io.penstock.inference.TierName;
import io.penstock.inference.TierWish;
import io.penstock.openai.Checked;
import io.penstock.openai.Checked.Rejected;
import io.penstock.openai.Checked.Valid;
import io.penstock.openai.RequestHeaders;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a request's headers say about the tier that is to serve it.
 *
 * @param complexity empty where it is to be estimated
 * @param latencyBudgetMillis 0 where there is none; so {@code maxCost} and {@code minQuality}
 */
record TierHeaders(
    Optional<TierName> tier,
    Optional<Double> complexity,
    int latencyBudgetMillis,
    double maxCost,
    double minQuality) {
  static final TierHeaders NOTHING = new TierHeaders(Optional.empty(), Optional.empty(), 0, 0, 0);

  /** Reads them; null stands for one that is not there. */
  static Checked<TierHeaders> read(
      @Nullable String namedTier,
      @Nullable String latencyBudget,
      @Nullable String maxCost,
      @Nullable String minQuality,
      @Nullable String namedComplexity) {
    Checked<Optional<TierName>> tier = RequestHeaders.tier(namedTier);
    Checked<Integer> budget = RequestHeaders.latencyBudget(latencyBudget);
    Checked<Double> cost = RequestHeaders.maxCost(maxCost);
    Checked<Optional<Double>> quality = RequestHeaders.minQuality(minQuality);
    Checked<Optional<Double>> complexity = RequestHeaders.complexity(namedComplexity);
    Optional<Rejected<TierHeaders>> no = Checked.rejection(tier, budget, cost, quality, complexity);
    if (no.isPresent()) {
      return no.get();
    }
    return new Valid<>(
        new TierHeaders(
            tier.value(),
            complexity.value(),
            budget.value(),
            cost.value(),
            quality.value().orElse(0.0)));
  }

  /** With a complexity where they name none. */
  TierWish wish(double estimated) {
    return new TierWish(
        tier, complexity.orElse(estimated), latencyBudgetMillis, maxCost, minQuality);
  }
}
