package io.penstock.app;

import io.penstock.measure.Backoff;

/**
 * When a verticle that has failed is started afresh: at once, and when it keeps failing after 1, 2,
 * 4 … 30 s, for ever. What has run for {@link #STABLE_MILLIS} has not kept failing. Pure.
 */
final class RestartPlan {
  /** How long it has to run for its failures before to be forgotten. */
  static final long STABLE_MILLIS = 60_000;

  private static final Backoff BACKOFF = new Backoff(1_000, 30_000);

  private int failuresInARow;
  private long upSinceMillis;

  /** It runs. */
  void up(long nowMillis) {
    upSinceMillis = nowMillis;
  }

  /**
   * It has failed while it ran.
   *
   * @return how long to wait before it is started afresh; 0 when that is at once
   */
  long failed(long nowMillis) {
    if (nowMillis - upSinceMillis >= STABLE_MILLIS) {
      failuresInARow = 0;
    }
    return notStarted();
  }

  /** It could not be started, or not without failing at once. */
  long notStarted() {
    failuresInARow++;
    return failuresInARow == 1 ? 0 : BACKOFF.afterMillis(failuresInARow - 1);
  }

  /** How often it has failed without having run well in between. */
  int failuresInARow() {
    return failuresInARow;
  }
}
