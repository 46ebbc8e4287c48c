package io.penstock.calibrate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What routing yields when the prompts that a score puts highest go to the better model, over all
 * shares of calls to it. The measures are RouteLLM's (Ong et al., 2024): PGR, the part of the gap
 * in quality between the two models that is recovered; APGR, its mean over the shares; CPT(x), the
 * least share of calls to the better model with a PGR of at least x. A router that knows nothing
 * has an APGR of 0.5 and a CPT(x) of x.
 */
final class GainCurve {
  /** What each sample wins by the better model. */
  private final double[] gains;

  /** The samples by descending score. */
  private final int[] order;

  /**
   * @param scores of the samples, in their order; the higher, the sooner it goes to the better
   *     model
   */
  GainCurve(List<Sample> samples, double[] scores) {
    gains = samples.stream().mapToDouble(each -> each.strong() - each.weak()).toArray();
    order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -scores[i]))
            .mapToInt(i -> i)
            .toArray();
  }

  /** The figures of one curve. */
  record Figures(double apgr, double cpt50, double cpt80) {}

  /** Of the samples as they are. */
  Figures figures() {
    int[] once = new int[order.length];
    Arrays.fill(once, 1);
    return figures(once);
  }

  /**
   * PGR where this share of the calls goes to the better model.
   *
   * @param share 0..1
   */
  double pgr(double share) {
    double gain = 0;
    for (int k = 0; k < Math.round(share * order.length); k++) {
      gain += gains[order[k]];
    }
    return gain / Arrays.stream(gains).sum();
  }

  /**
   * Of a resample; NaN where it has no gap.
   *
   * @param counts how often each sample counts
   */
  Figures figures(int[] counts) {
    double gap = 0;
    int calls = 0;
    for (int i = 0; i < counts.length; i++) {
      gap += counts[i] * gains[i];
      calls += counts[i];
    }
    if (gap <= 0) {
      return new Figures(Double.NaN, Double.NaN, Double.NaN);
    }
    double gain = 0;
    double area = 0;
    double cpt50 = 1;
    double cpt80 = 1;
    int taken = 0;
    for (int i : order) {
      double before = gain / gap;
      gain += counts[i] * gains[i];
      taken += counts[i];
      area += counts[i] * (before + gain / gap) / 2;
      double share = (double) taken / calls;
      cpt50 = gain / gap >= 0.5 ? Math.min(cpt50, share) : cpt50;
      cpt80 = gain / gap >= 0.8 ? Math.min(cpt80, share) : cpt80;
    }
    return new Figures(area / calls, cpt50, cpt80);
  }

  /** The samples by descending score; not to be written to. */
  int[] order() {
    return order;
  }
}
