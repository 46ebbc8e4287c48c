package io.penstock.batcher;

import io.penstock.measure.Ewma;

/**
 * How long a request at some place of the queue will wait. By Little's law a pool whose {@code n}
 * slots are all busy, each for a mean of {@code s}, frees one every {@code s / n}; who has {@code
 * k} in front of it waits {@code (k + 1) * s / n}. The mean is an {@link Ewma} over what releases
 * report. Nothing is said before {@link #SAMPLES_MIN} of them, since refusing on a guess is worse
 * than queueing.
 */
final class WaitForecast {
  /** Grants that must have ended before anything is predicted. */
  static final int SAMPLES_MIN = 32;

  private static final double ALPHA = 0.05;

  private final Ewma serviceMillis = new Ewma(ALPHA);

  /** Takes in how long a grant lived. */
  void ended(long liveMillis) {
    serviceMillis.add((double) Math.max(0, liveMillis));
  }

  /** The wait in milliseconds of a request with {@code ahead} in front of it; -1 when unknown. */
  long waitMillis(int ahead, int slots) {
    if (serviceMillis.samples() < SAMPLES_MIN || slots == 0) {
      return -1;
    }
    return Math.round((ahead + 1.0) * serviceMillis.value() / slots);
  }
}
