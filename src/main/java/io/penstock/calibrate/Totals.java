package io.penstock.calibrate;

import java.util.List;

/**
 * Sums over samples, each taken once.
 *
 * @param weak the cheaper model's scores; so {@code strong}
 * @param costsKnown whether each sample has a cost for both models
 */
record Totals(
    int count, double weak, double strong, double weakCost, double strongCost, boolean costsKnown) {
  static Totals of(List<Sample> samples) {
    double weak = 0;
    double strong = 0;
    double weakCost = 0;
    double strongCost = 0;
    boolean known = true;
    for (Sample each : samples) {
      weak += each.weak();
      strong += each.strong();
      weakCost += each.weakCost();
      strongCost += each.strongCost();
      known &= each.weakCost() > 0 && each.strongCost() > 0;
    }
    return new Totals(samples.size(), weak, strong, weakCost, strongCost, known);
  }

  double weakMean() {
    return weak / count;
  }

  double strongMean() {
    return strong / count;
  }

  /** What routing can win. */
  double gap() {
    return strong - weak;
  }
}
