package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * An amount of money in the currency of the configuration, as a whole number of its millionth
 * millionths, so that sums are exact however many tokens they are of. Not negative.
 *
 * @param pico 10<sup>-12</sup> of the currency
 */
public record Cost(long pico) implements Comparable<Cost> {
  /** Nothing. */
  public static final Cost NONE = new Cost(0);

  private static final int DIGITS = 12;

  public Cost {
    require(pico >= 0, "pico", pico, ">= 0");
  }

  /** The sum of both; the most that can be counted where it is more. */
  public Cost plus(Cost other) {
    long sum = pico + other.pico;
    return new Cost(sum < 0 ? Long.MAX_VALUE : sum);
  }

  /** As a number of the currency, for meters. */
  public double amount() {
    return pico / 1e12;
  }

  /** As a number of the currency, exact: {@code 0.00123}. */
  public String text() {
    BigDecimal exact = BigDecimal.valueOf(pico, DIGITS).stripTrailingZeros();
    return (exact.scale() < 0 ? exact.setScale(0, RoundingMode.UNNECESSARY) : exact)
        .toPlainString();
  }

  @Override
  public int compareTo(Cost other) {
    return Long.compare(pico, other.pico);
  }

  @Override
  public String toString() {
    return text();
  }
}
