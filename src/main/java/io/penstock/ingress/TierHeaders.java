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
    if (tier instanceof Rejected<Optional<TierName>> no) {
      return refused(no);
    }
    Checked<Integer> budget =
        RequestHeaders.latencyBudget(headers.apply("x-penstock-latency-budget-ms"));
    if (budget instanceof Rejected<Integer> no) {
      return refused(no);
    }
    Checked<Double> cost = RequestHeaders.maxCost(headers.apply("x-penstock-max-cost"));
    if (cost instanceof Rejected<Double> no) {
      return refused(no);
    }
    Checked<Optional<Double>> quality =
        RequestHeaders.minQuality(headers.apply("x-penstock-min-quality"));
    if (quality instanceof Rejected<Optional<Double>> no) {
      return refused(no);
    }
    Checked<Optional<Double>> complexity =
        RequestHeaders.complexity(headers.apply("x-penstock-complexity"));
    if (complexity instanceof Rejected<Optional<Double>> no) {
      return refused(no);
    }
    return new Valid<>(
        new TierHeaders(
            value(tier),
            value(complexity),
            value(budget),
            value(cost),
            value(quality).orElse(0.0)));
  }

  /** With a complexity where they name none. */
  TierWish wish(double estimated) {
    return new TierWish(
        tier, complexity.orElse(estimated), latencyBudgetMillis, maxCost, minQuality);
  }

  private static <T> T value(Checked<T> checked) {
    return ((Valid<T>) checked).value();
  }

  private static Checked<TierHeaders> refused(Rejected<?> no) {
    return new Rejected<>(no.fault(), no.param(), no.message());
  }
}
