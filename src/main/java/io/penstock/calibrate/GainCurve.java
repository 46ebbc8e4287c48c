package io.penstock.calibrate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * What routing yields when the prompts that a score puts highest go to the better model, over all
 * shares of calls to it. The measures are RouteLLM's (Ong et al., 2024): PGR, the part of the gap
 * in quality between the two models that is recovered; APGR, its mean over the shares; CPT(x), the
 * least share of calls to the better model with a PGR of at least x. A router that knows nothing
 * has an APGR of 0.5 and a CPT(x) of x.
 */
final class GainCurve {
  private final double[] weak;
  private final double[] strong;

  /** The samples by descending score. */
  private final int[] order;

  /**
   * @param scores of the samples, in their order; the higher, the sooner it goes to the better
   *     model
   */
  GainCurve(List<Sample> samples, double[] scores) {
    weak = samples.stream().mapToDouble(Sample::weak).toArray();
    strong = samples.stream().mapToDouble(Sample::strong).toArray();
    order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -scores[i]))
            .mapToInt(i -> i)
            .toArray();
  }

  /** The figures of one curve. */
  record Figures(double apgr, double cpt50, double cpt80) {}

  /** A figure with the bounds within which it lies in so many of a hundred resamples. */
  record Interval(double value, double low, double high) {}

  /** Of the samples as they are. */
  Figures figures() {
    return figures(once());
  }

  private int[] once() {
    int[] once = new int[order.length];
    Arrays.fill(once, 1);
    return once;
  }

  /**
   * PGR where this share of the calls goes to the better model.
   *
   * @param share 0..1
   */
  double pgr(double share) {
    double gap = gap(once());
    double gain = 0;
    for (int k = 0; k < Math.round(share * order.length); k++) {
      gain += strong[order[k]] - weak[order[k]];
    }
    return gain / gap;
  }

  private double gap(int[] counts) {
    double gap = 0;
    for (int i = 0; i < order.length; i++) {
      gap += counts[i] * (strong[i] - weak[i]);
    }
    return gap;
  }

  /**
   * @param counts how often each sample counts
   */
  private Figures figures(int[] counts) {
    double gap = gap(counts);
    int calls = Arrays.stream(counts).sum();
    double gain = 0;
    double area = 0;
    double cpt50 = 1;
    double cpt80 = 1;
    int taken = 0;
    for (int i : order) {
      double before = gain / gap;
      gain += counts[i] * (strong[i] - weak[i]);
      taken += counts[i];
      area += counts[i] * (before + gain / gap) / 2;
      double share = (double) taken / calls;
      cpt50 = gain / gap >= 0.5 ? Math.min(cpt50, share) : cpt50;
      cpt80 = gain / gap >= 0.8 ? Math.min(cpt80, share) : cpt80;
    }
    return new Figures(area / calls, cpt50, cpt80);
  }

  /**
   * The figures with their intervals: percentiles 2.5 and 97.5 of resamples of the samples with
   * replacement (Efron's bootstrap), those without a gap left out.
   *
   * @return of APGR, CPT(50 %), CPT(80 %)
   */
  List<Interval> intervals(int resamples, Random random) {
    double[][] drawn = new double[3][resamples];
    int kept = 0;
    for (int r = 0; r < resamples; r++) {
      int[] counts = new int[order.length];
      for (int i = 0; i < counts.length; i++) {
        counts[random.nextInt(counts.length)]++;
      }
      if (gap(counts) > 0) {
        Figures of = figures(counts);
        drawn[0][kept] = of.apgr();
        drawn[1][kept] = of.cpt50();
        drawn[2][kept] = of.cpt80();
        kept++;
      }
    }
    Figures own = figures();
    return List.of(
        interval(own.apgr(), drawn[0], kept),
        interval(own.cpt50(), drawn[1], kept),
        interval(own.cpt80(), drawn[2], kept));
  }

  private static Interval interval(double value, double[] drawn, int kept) {
    if (kept == 0) {
      return new Interval(value, Double.NaN, Double.NaN);
    }
    double[] sorted = Arrays.copyOf(drawn, kept);
    Arrays.sort(sorted);
    return new Interval(
        value, sorted[(int) (0.025 * (kept - 1))], sorted[(int) (0.975 * (kept - 1))]);
  }

  /** The samples by descending score; not to be written to. */
  int[] order() {
    return order;
  }
}
