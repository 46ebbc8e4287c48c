package io.penstock.adapter.engine;

import java.util.Map;

/** The wanted samples of one metrics page, folded over their labels. */
final class Samples {
  /** Sum and count of the samples of one name; NaN samples do not count. */
  static final class Fold {
    private double sum;
    private int count;

    void add(double value) {
      if (!Double.isNaN(value)) {
        sum += value;
        count++;
      }
    }
  }

  private final Map<String, Fold> folds;

  Samples(Map<String, Fold> folds) {
    this.folds = folds;
  }

  /** The sum over all series of the first of these names that is there; NaN when none is. */
  double sum(String... names) {
    for (String name : names) {
      Fold fold = folds.get(name);
      if (fold != null && fold.count > 0) {
        return fold.sum;
      }
    }
    return Double.NaN;
  }

  /** The mean over all series of the first of these names that is there; NaN when none is. */
  double mean(String... names) {
    for (String name : names) {
      Fold fold = folds.get(name);
      if (fold != null && fold.count > 0) {
        return fold.sum / fold.count;
      }
    }
    return Double.NaN;
  }
}
