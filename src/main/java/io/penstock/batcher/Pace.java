package io.penstock.batcher;

/**
 * How many grants the pool makes for each that one party gets, measured while that party always has
 * something waiting. It holds all that slows the party down: classes above, floors below, other
 * tenants' weights and sizes, and what still arrives; so it says how long a queue takes better than
 * any model of these. It is a moving average that looks back as far as it is asked to look ahead:
 * over as many grants as there are requests waiting, within bounds.
 */
final class Pace {
  /** Grants in a row after which it is known. */
  static final int KNOWN_FROM = 16;

  private static final int WINDOW_MIN = 64;
  private static final int WINDOW_MAX = 1_024;
  private static final long NONE = -1;

  private double mean;
  private long samples;
  private long last = NONE;

  /**
   * The party gets a grant.
   *
   * @param ordinal of the grant in the pool
   * @param waiting how many more it has waiting
   */
  void granted(long ordinal, int waiting) {
    if (last != NONE) {
      samples++;
      int window = Math.max(WINDOW_MIN, Math.min(WINDOW_MAX, waiting));
      mean += (ordinal - last - mean) / Math.min(samples, window);
    }
    if (waiting > 0) {
      last = ordinal;
    } else {
      pause();
    }
  }

  /** It has nothing waiting any more. */
  void pause() {
    last = NONE;
    samples = 0;
    mean = 0;
  }

  boolean isKnown() {
    return samples >= KNOWN_FROM;
  }

  /** Grants of the pool for one of the party's, its own included; once known. */
  double value() {
    return mean;
  }
}
