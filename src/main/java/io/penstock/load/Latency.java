package io.penstock.load;

import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * A distribution of times, all in milliseconds; all zero when {@code count} is.
 *
 * @param count how many were measured
 */
public record Latency(long count, double mean, double p50, double p90, double p99, double max) {
  private static final long MICROS_MAX = TimeUnit.HOURS.toMicros(24);

  /** A histogram in microseconds with three digits. */
  static Histogram histogram() {
    return new Histogram(1, MICROS_MAX, 3);
  }

  static void record(Histogram histogram, long nanos) {
    histogram.recordValue(Math.min(MICROS_MAX, Math.max(0, nanos / 1_000)));
  }

  static Latency of(Histogram histogram) {
    if (histogram.getTotalCount() == 0) {
      return new Latency(0, 0, 0, 0, 0, 0);
    }
    return new Latency(
        histogram.getTotalCount(),
        histogram.getMean() / 1e3,
        histogram.getValueAtPercentile(50) / 1e3,
        histogram.getValueAtPercentile(90) / 1e3,
        histogram.getValueAtPercentile(99) / 1e3,
        histogram.getMaxValue() / 1e3);
  }
}
