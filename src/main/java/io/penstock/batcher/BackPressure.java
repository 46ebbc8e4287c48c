package io.penstock.batcher;

/**
 * How many requests at a time a replica takes, learned from its 429 and 503: additive increase,
 * multiplicative decrease (Chiu, Jain: Analysis of the increase and decrease algorithms for
 * congestion avoidance in computer networks, 1989), with what TCP made of it: refusals of one round
 * count once, and the way back is fast up to a knee and slow beyond.
 *
 * <p>The decrease starts from what was running at that moment, not from the limit: an engine that
 * refuses the only request that it has is not helped by a limit of 75 instead of 100. Such a one is
 * left alone for {@link #PAUSE_MILLIS}, and tried again with one request: that is its probe share.
 * {@code Retry-After} pauses it for as long as it says, within bounds. It is never a failure.
 */
final class BackPressure {
  static final double DECREASE = 0.75;
  static final long PAUSE_MILLIS = 1_000;

  /** Longest pause that an engine can ask for. */
  static final long RETRY_AFTER_MAX_MILLIS = 60_000;

  /** After so long without a refusal what was learned is forgotten. */
  static final long FORGET_MILLIS = 60_000;

  /** Successes of a full round beyond the knee add so many slots. */
  private static final double INCREASE = 4;

  private double limit = Double.POSITIVE_INFINITY;
  private double knee;
  private boolean onlyRefusals;
  private long roundEndOrdinal;
  private long pausedUntilMillis = Long.MIN_VALUE;
  private long refusedMillis;

  /** Whether it holds the replica below its limit, or may after a pause. */
  boolean isActive() {
    return limit < Double.POSITIVE_INFINITY;
  }

  boolean isPaused(long nowMillis) {
    return nowMillis < pausedUntilMillis;
  }

  long pausedUntilMillis() {
    return pausedUntilMillis;
  }

  /** Most requests at a time, of at most {@code most}; at least one where that is. */
  int limit(int most) {
    return limit >= most ? most : Math.max(1, (int) limit);
  }

  /**
   * The engine has refused a request.
   *
   * @param ordinal of its grant
   * @param newest ordinal of the newest grant
   * @param live how many ran on it, this one included
   * @param most limit of the replica without back-pressure
   */
  void onRefused(
      long ordinal, long newest, int live, int most, long retryAfterMillis, long nowMillis) {
    refusedMillis = nowMillis;
    if (retryAfterMillis > 0) {
      pause(Math.min(retryAfterMillis, RETRY_AFTER_MAX_MILLIS), nowMillis);
    }
    if (ordinal <= roundEndOrdinal) {
      return;
    }
    roundEndOrdinal = newest;
    double before = Math.min(limit, most);
    double after = Math.min(before, Math.max(1, live)) * DECREASE;
    if (!onlyRefusals) {
      knee = Math.max(after, before / 2);
    }
    onlyRefusals = true;
    limit = Math.max(1, after);
    if (after < 1) {
      pause(PAUSE_MILLIS, nowMillis);
    }
  }

  private void pause(long forMillis, long nowMillis) {
    pausedUntilMillis = Math.max(pausedUntilMillis, nowMillis + forMillis);
  }

  /**
   * The engine has served a request. One that it began before it refused another tells nothing.
   *
   * @param ordinal of its grant
   */
  void onSuccess(long ordinal, int most) {
    if (ordinal <= roundEndOrdinal) {
      return;
    }
    onlyRefusals = false;
    if (!isActive()) {
      return;
    }
    limit += limit < knee ? 1 : INCREASE / Math.max(INCREASE, limit);
    if (limit >= most) {
      limit = Double.POSITIVE_INFINITY;
    }
  }

  /** Lets time pass. */
  void tick(long nowMillis) {
    if (isActive() && !isPaused(nowMillis) && nowMillis - refusedMillis >= FORGET_MILLIS) {
      limit = Double.POSITIVE_INFINITY;
    }
  }

  /** The engine has been away and is back. */
  void reborn() {
    limit = Double.POSITIVE_INFINITY;
    onlyRefusals = false;
    pausedUntilMillis = Long.MIN_VALUE;
  }
}
