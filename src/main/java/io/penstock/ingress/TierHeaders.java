package io.penstock.ingress;

import io.penstock.inference.TierName;
import io.penstock.inference.TierWish;
import io.penstock.openai.Checked;
import io.penstock.openai.Checked.Rejected;
import io.penstock.openai.Checked.Valid;
import io.penstock.openai.RequestHeaders;
import java.util.Optional;
import java.util.function.Function;
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

  /** Reads them; the function has a header's value, null where it is not there. */
  static Checked<TierHeaders> read(Function<String, @Nullable String> headers) {
    Checked<Optional<TierName>> tier = RequestHeaders.tier(headers.apply("x-penstock-tier"));
    Checked<Integer> budget =
        RequestHeaders.latencyBudget(headers.apply("x-penstock-latency-budget-ms"));
    Checked<Double> cost = RequestHeaders.maxCost(headers.apply("x-penstock-max-cost"));
    Checked<Optional<Double>> quality =
        RequestHeaders.minQuality(headers.apply("x-penstock-min-quality"));
    Checked<Optional<Double>> complexity =
        RequestHeaders.complexity(headers.apply("x-penstock-complexity"));
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
