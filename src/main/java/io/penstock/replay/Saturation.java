package io.penstock.replay;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.function.DoubleUnaryOperator;

/**
 * The load that just saturates a policy: the highest rate, to three digits, at which a share of the
 * requests is still within the bounds. Found by doubling, or halving, until it lies between two
 * rates, and then by bisection of their ratio.
 */
final class Saturation {
  /** Where the search begins for sessions. */
  static final double FIRST_SESSION_RATE = 0.05;

  private static final int DOUBLINGS_MAX = 20;
  private static final double RATIO_ENOUGH = 1.01;

  private Saturation() {}

  /**
   * @param goodShare of the requests at a rate
   * @throws IllegalArgumentException when the share is not passed within {@link #DOUBLINGS_MAX}
   *     doublings, or not reached within as many halvings
   */
  static double rate(double from, double wanted, DoubleUnaryOperator goodShare) {
    boolean good = goodShare.applyAsDouble(from) >= wanted;
    double last = from;
    for (int i = 0; i < DOUBLINGS_MAX; i++) {
      double next = good ? last * 2 : last / 2;
      if (goodShare.applyAsDouble(next) >= wanted != good) {
        return between(Math.min(last, next), Math.max(last, next), wanted, goodShare);
      }
      last = next;
    }
    throw new IllegalArgumentException(
        "saturate: from "
            + Math.min(from, last)
            + " to "
            + Math.max(from, last)
            + " a second always "
            + (good ? "over " : "under ")
            + wanted
            + " of the requests are good (expected: a rate at which that changes)");
  }

  private static double between(
      double good, double bad, double wanted, DoubleUnaryOperator goodShare) {
    double low = good;
    double high = bad;
    while (high / low > RATIO_ENOUGH) {
      double middle = Math.sqrt(low * high);
      if (goodShare.applyAsDouble(middle) >= wanted) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return new BigDecimal(low).round(new MathContext(3, RoundingMode.DOWN)).doubleValue();
  }
}
