package io.penstock.ingress;

import io.penstock.inference.TierName;
import io.penstock.inference.TierWish;
import io.penstock.openai.Checked;
import io.penstock.openai.Checked.Rejected;
import io.penstock.openai.Checked.Valid;
import io.penstock.openai.RequestHeaders;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.util.Optional;

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

  private static final CharSequence TIER = Headers.TIER;
  private static final CharSequence LATENCY_BUDGET = name("x-penstock-latency-budget-ms");
  private static final CharSequence MAX_COST = name("x-penstock-max-cost");
  private static final CharSequence MIN_QUALITY = name("x-penstock-min-quality");
  private static final CharSequence COMPLEXITY = name("x-penstock-complexity");

  /** Their names. */
  static final CharSequence[] ALL = {TIER, LATENCY_BUDGET, MAX_COST, MIN_QUALITY, COMPLEXITY};

  private static CharSequence name(String text) {
    return HttpHeaders.createOptimized(text);
  }

  /** Reads them. */
  static Checked<TierHeaders> read(MultiMap headers) {
    Checked<Optional<TierName>> tier = RequestHeaders.tier(headers.get(TIER));
    Checked<Integer> budget = RequestHeaders.latencyBudget(headers.get(LATENCY_BUDGET));
    Checked<Double> cost = RequestHeaders.maxCost(headers.get(MAX_COST));
    Checked<Optional<Double>> quality = RequestHeaders.minQuality(headers.get(MIN_QUALITY));
    Checked<Optional<Double>> complexity = RequestHeaders.complexity(headers.get(COMPLEXITY));
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
