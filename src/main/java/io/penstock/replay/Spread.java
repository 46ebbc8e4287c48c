package io.penstock.replay;

import java.util.Arrays;
import org.HdrHistogram.Histogram;

/**
 * A distribution of times in milliseconds; all zero when {@code count} is.
 *
 * @param curve the times at 0, 1, … 100 % of all
 */
@SuppressWarnings("ArrayRecordComponent") // never handed out of the room
record Spread(long count, double mean, double p50, double p90, double p99, double[] curve) {
  private static final int CURVE_STEPS = 100;

  /** Exact. */
  static Spread ofNanos(long[] nanos, int count) {
    long[] sorted = Arrays.copyOf(nanos, count);
    Arrays.sort(sorted);
    double[] curve = new double[CURVE_STEPS + 1];
    if (count == 0) {
      return new Spread(0, 0, 0, 0, 0, curve);
    }
    double sum = 0;
    for (long each : sorted) {
      sum += each;
    }
    for (int i = 0; i <= CURVE_STEPS; i++) {
      curve[i] = at(sorted, i / (double) CURVE_STEPS);
    }
    return new Spread(
        count, sum / count / 1e6, at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99), curve);
  }

  private static double at(long[] sorted, double share) {
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(0, rank - 1)] / 1e6;
  }

  /** Of a histogram in microseconds, to three digits. */
  static Spread of(Histogram micros) {
    double[] curve = new double[CURVE_STEPS + 1];
    if (micros.getTotalCount() == 0) {
      return new Spread(0, 0, 0, 0, 0, curve);
    }
    for (int i = 0; i <= CURVE_STEPS; i++) {
      curve[i] = micros.getValueAtPercentile(i * 100.0 / CURVE_STEPS) / 1e3;
    }
    return new Spread(
        micros.getTotalCount(),
        micros.getMean() / 1e3,
        micros.getValueAtPercentile(50) / 1e3,
        micros.getValueAtPercentile(90) / 1e3,
        micros.getValueAtPercentile(99) / 1e3,
        curve);
  }
}
