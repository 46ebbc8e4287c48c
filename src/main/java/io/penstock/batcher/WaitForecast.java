package io.penstock.batcher;

/**
 * How fast the pool's slots come free. By Little's law a pool of {@code n} busy slots ends {@code n
 * / s} requests in a time, where {@code s} is the time of busy slots that passes for each that
 * ends. It is measured so, over the ends of the last {@link #WINDOW_MILLIS}, and not as the mean of
 * how long requests took: at a start, and after each change of load, the short ones end first. Few
 * ends in the window: the last {@link #SAMPLES_MIN} count, however old. Nothing is said before as
 * many, since refusing on a guess is worse than queueing. Pure; constant memory.
 */
final class WaitForecast {
  /** Grants that must have ended before anything is predicted. */
  static final int SAMPLES_MIN = 32;

  static final long WINDOW_MILLIS = 60_000;

  /** Ends that are looked at. */
  private static final int SAMPLES_MAX = 1_024;

  /** Of each end: when it was, and the busy time of all slots up to the end before it. */
  private final long[] endMillis = new long[SAMPLES_MAX];

  private final long[] busyBefore = new long[SAMPLES_MAX];
  private int first;
  private int samples;
  private long busyMillis;
  private long busyAtLastEnd;
  private long lastMillis = Long.MIN_VALUE;

  /**
   * The number of live grants is about to change.
   *
   * @param live before the change
   */
  void advance(int live, long nowMillis) {
    if (lastMillis != Long.MIN_VALUE && nowMillis > lastMillis) {
      busyMillis += live * (nowMillis - lastMillis);
    }
    lastMillis = Math.max(lastMillis, nowMillis);
  }

  /** A grant ends, whose time {@link #advance} has been told. */
  void ended(long nowMillis) {
    if (samples == SAMPLES_MAX) {
      forgetFirst();
    }
    int at = (first + samples) % SAMPLES_MAX;
    endMillis[at] = nowMillis;
    busyBefore[at] = busyAtLastEnd;
    busyAtLastEnd = busyMillis;
    samples++;
    while (samples > SAMPLES_MIN && endMillis[first] < nowMillis - WINDOW_MILLIS) {
      forgetFirst();
    }
  }

  /**
   * A grant is over of which it is not known when, or since when, it ran: as if it had not been.
   *
   * @param liveMillis how long it was counted
   */
  void lost(long liveMillis) {
    busyMillis -= Math.max(0, liveMillis);
  }

  private void forgetFirst() {
    first = (first + 1) % SAMPLES_MAX;
    samples--;
  }

  /** Whether anything is known. */
  boolean isKnown() {
    return samples >= SAMPLES_MIN;
  }

  /**
   * The wait in milliseconds of a request that gets one of the next so many grants; -1 when
   * unknown.
   *
   * @param grants up to its own
   */
  long waitMillis(double grants, int slots) {
    if (!isKnown() || slots == 0) {
      return -1;
    }
    double busyForOne = (double) (busyAtLastEnd - busyBefore[first]) / samples;
    return Math.max(0, Math.round(grants * busyForOne / slots));
  }
}
