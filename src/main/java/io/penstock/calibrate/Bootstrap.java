package io.penstock.calibrate;

import io.penstock.calibrate.GainCurve.Figures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * Within what bounds figures lie: percentiles 2.5 and 97.5 of resamples of the samples with
 * replacement (Efron's bootstrap), those without a gap left out. All curves see the same resamples,
 * so that differences between them are of pairs, which says more than two intervals do.
 */
final class Bootstrap {
  /**
   * A figure and its bounds.
   *
   * @param low NaN where there are no resamples; so {@code high}
   */
  record Interval(double value, double low, double high) {}

  private final List<GainCurve> curves;

  /** By curve; of one resample at the same place in each. */
  private final List<List<Figures>> drawn = new ArrayList<>();

  /**
   * @param curves of the same samples
   */
  Bootstrap(List<GainCurve> curves, int resamples, Random random) {
    this.curves = List.copyOf(curves);
    int size = curves.get(0).order().length;
    curves.forEach(each -> drawn.add(new ArrayList<>()));
    for (int r = 0; r < resamples; r++) {
      int[] counts = new int[size];
      for (int i = 0; i < size; i++) {
        counts[random.nextInt(size)]++;
      }
      for (int c = 0; c < curves.size(); c++) {
        Figures of = curves.get(c).figures(counts);
        if (!Double.isNaN(of.apgr())) {
          drawn.get(c).add(of);
        }
      }
    }
  }

  /** A figure of one curve. */
  Interval of(int curve, ToDoubleFunction<Figures> figure) {
    return interval(
        figure.applyAsDouble(curves.get(curve).figures()),
        drawn.get(curve).stream().mapToDouble(figure).toArray());
  }

  /** By how much the APGR of one curve is above that of another. */
  Interval lead(int curve, int above) {
    List<Figures> its = drawn.get(curve);
    List<Figures> others = drawn.get(above);
    double[] leads = new double[its.size()];
    for (int i = 0; i < leads.length; i++) {
      leads[i] = its.get(i).apgr() - others.get(i).apgr();
    }
    return interval(curves.get(curve).figures().apgr() - curves.get(above).figures().apgr(), leads);
  }

  private static Interval interval(double value, double[] drawn) {
    if (drawn.length == 0) {
      return new Interval(value, Double.NaN, Double.NaN);
    }
    double[] sorted = drawn.clone();
    Arrays.sort(sorted);
    int last = sorted.length - 1;
    return new Interval(value, sorted[(int) (0.025 * last)], sorted[(int) (0.975 * last)]);
  }
}
