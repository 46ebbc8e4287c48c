package io.penstock.batcher;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which replicas are slow beside their peers, by the time to the first token. Robust statistics,
 * since the average of a pool of three moves with its worst member: how far a replica lies above
 * the pool's median, in median absolute deviations (Iglewicz, Hoaglin: How to detect and handle
 * outliers, 1993, where 3.5 of them are an outlier). All in logarithms, so that what counts is "how
 * many times as slow" and the figures need no unit.
 *
 * <p>Of an even number the lower middle one is the median, so that of two replicas the slow one can
 * be told, and never more than half of a pool is slow. The deviation counts for no less than {@link
 * #SIGMA_MIN}: replicas that are equal to the millisecond are not outliers for being 2 ms late.
 *
 * <p>An outlier gets work in inverse proportion to its slowness. From {@link #TRIALS_FROM} times
 * the median on it gets trials only, until it is below {@link #TRIALS_UNTIL}.
 */
final class Outliers {
  static final double DEVIATIONS = 3.5;
  static final double SIGMA_MIN = 0.2;
  static final double SLOW_FROM = 2;
  static final double TRIALS_FROM = 4;
  static final double TRIALS_UNTIL = 3;

  /** Makes the median absolute deviation of a normal distribution its standard deviation. */
  private static final double TO_SIGMA = 1.4826;

  private Outliers() {}

  /** Tells each replica how slow it is beside the others. */
  static void judge(List<Replica> usable, long nowMillis) {
    List<Replica> known = new ArrayList<>();
    for (Replica each : usable) {
      if (each.conduct().latency().isKnown(nowMillis)) {
        known.add(each);
      } else {
        each.conduct().slowness(1);
      }
    }
    double[] logs = known.stream().mapToDouble(each -> each.conduct().latency().log()).toArray();
    double[] times = slowness(logs);
    for (int i = 0; i < times.length; i++) {
      known.get(i).conduct().slowness(times[i]);
    }
  }

  /**
   * How many times as slow as the median each is, 1 for those that are no outliers.
   *
   * @param logs typical times as logarithms
   */
  static double[] slowness(double[] logs) {
    double[] times = new double[logs.length];
    Arrays.fill(times, 1);
    if (logs.length < 2) {
      return times;
    }
    double median = lowerMedian(logs.clone());
    double[] distances = Arrays.stream(logs).map(log -> Math.abs(log - median)).toArray();
    double sigma = Math.max(SIGMA_MIN, TO_SIGMA * lowerMedian(distances));
    for (int i = 0; i < logs.length; i++) {
      double above = logs[i] - median;
      if (above >= DEVIATIONS * sigma && above >= Math.log(SLOW_FROM)) {
        times[i] = Math.exp(above);
      }
    }
    return times;
  }

  private static double lowerMedian(double[] values) {
    Arrays.sort(values);
    return values[(values.length - 1) / 2];
  }
}
