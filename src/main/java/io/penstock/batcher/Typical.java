package io.penstock.batcher;

import java.util.Arrays;
import java.util.List;

/**
 * How fast the typical replica of a pool reads: the medians of what is known of each. A replica of
 * which nothing is known is taken for it.
 */
final class Typical {
  /** Before anything is known: 20,000 tokens a second, and a step of 10 ms. */
  static final double BASE_MILLIS = 10;

  static final double PER_TOKEN_MILLIS = 0.05;

  /** Fewer samples of a replica say nothing of it. */
  static final int SAMPLES_MIN = 5;

  /** Samples of the pool until it is looked at again. */
  static final int REVIEW_EVERY = 64;

  private double baseMillis = BASE_MILLIS;
  private double perTokenMillis = PER_TOKEN_MILLIS;
  private int sinceReview = REVIEW_EVERY - 8;

  double baseMillis() {
    return baseMillis;
  }

  double perTokenMillis() {
    return perTokenMillis;
  }

  /** Some replica has given a sample; says whether it is time to {@link #review}. */
  boolean isDue() {
    if (++sinceReview < REVIEW_EVERY) {
      return false;
    }
    sinceReview = 0;
    return true;
  }

  /** Looks at all replicas of the pool. */
  void review(List<Tempo> tempos) {
    double[] bases = new double[tempos.size()];
    double[] perTokens = new double[tempos.size()];
    int known = 0;
    for (Tempo each : tempos) {
      if (each.samples() >= SAMPLES_MIN) {
        bases[known] = each.baseMillis();
        perTokens[known] = each.perTokenMillis();
        known++;
      }
    }
    if (known > 0) {
      baseMillis = median(bases, known);
      perTokenMillis = median(perTokens, known);
    }
  }

  private static double median(double[] values, int count) {
    Arrays.sort(values, 0, count);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
  }
}
