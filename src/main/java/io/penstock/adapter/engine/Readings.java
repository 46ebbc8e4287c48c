package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.Optional;

/** Small steps from samples to signals that dialects share. */
final class Readings {
  private Readings() {}

  /** Signals of age 0; empty when the engine says neither what waits nor what runs. */
  static Optional<Signals> of(
      double waiting, double running, double kvCacheUsage, double prefixCacheHitRatio) {
    if (Double.isNaN(waiting) && Double.isNaN(running)) {
      return Optional.empty();
    }
    return Optional.of(
        new Signals(
            count(waiting), count(running), share(kvCacheUsage), share(prefixCacheHitRatio), 0));
  }

  /** Share of {@code hits} in {@code queries} since the scrape before; NaN without queries. */
  static double ratioSince(double hits, double queries, double hitsBefore, double queriesBefore) {
    boolean isRestarted = queries < queriesBefore || hits < hitsBefore;
    double newQueries = isRestarted ? queries : queries - queriesBefore;
    double newHits = isRestarted ? hits : hits - hitsBefore;
    return newQueries > 0 ? newHits / newQueries : Double.NaN;
  }

  private static int count(double value) {
    return Double.isNaN(value) ? -1 : (int) Math.max(0, Math.min(Integer.MAX_VALUE, value));
  }

  private static double share(double value) {
    return Double.isNaN(value) ? value : Math.max(0, Math.min(1, value));
  }
}
