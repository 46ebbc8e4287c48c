package io.penstock.batcher;

/**
 * How many grants the pool makes for each that one party gets, measured while that party always has
 * something waiting. It holds all that slows the party down: classes above, floors below, other
 * tenants' weights and sizes, and what still arrives; so it says how long a queue takes better than
 * any model of these.
 */
final class Pace {
  /** Grants in a row after which it is known. */
  static final int KNOWN_FROM = 16;

  private static final double ALPHA = 1.0 / 64;
  private static final long NONE = -1;

  private double mean;
  private long samples;
  private long last = NONE;

  /**
   * The party gets a grant.
   *
   * @param ordinal of the grant in the pool
   * @param waitsOn whether it has more waiting
   */
  void granted(long ordinal, boolean waitsOn) {
    if (last != NONE) {
      samples++;
      mean += Math.max(ALPHA, 1.0 / samples) * (ordinal - last - mean);
    }
    if (waitsOn) {
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
