package io.penstock.batcher;

import io.penstock.measure.Ewma;

/**
 * How soon one replica's requests get their first token: a moving average of the logarithms, so
 * that it is the typical time and one straggler of a minute does not outweigh fifty answers. Known
 * when a request has ended, since only then its holder reports.
 */
final class Latency {
  /** Fewer requests say nothing. */
  static final int SAMPLES_MIN = 5;

  /** After so long without a sample nothing is known any more. */
  static final long STALE_MILLIS = 60_000;

  private static final double ALPHA = 0.15;

  private Ewma logMillis = new Ewma(ALPHA);
  private long newestMillis;

  void add(long firstTokenMillis, long nowMillis) {
    logMillis.add(Math.log(Math.max(1, firstTokenMillis)));
    newestMillis = nowMillis;
  }

  boolean isKnown(long nowMillis) {
    return logMillis.samples() >= SAMPLES_MIN && nowMillis - newestMillis < STALE_MILLIS;
  }

  /** Logarithm of the typical time in milliseconds. */
  double log() {
    return logMillis.value();
  }

  void forget() {
    logMillis = new Ewma(ALPHA);
  }
}
