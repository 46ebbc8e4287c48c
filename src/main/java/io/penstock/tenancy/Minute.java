package io.penstock.tenancy;

import java.util.ArrayList;
import java.util.List;

/**
 * What was used in the last minute, second by second. Pure.
 *
 * <p>A second counts as a whole until all of it is more than a minute ago, so the sum is never less
 * than what was used in the 60 seconds before, and at most what was used in 61.
 */
final class Minute {
  static final int SECONDS = 60;
  private static final int SLOTS = SECONDS + 1;
  private static final long SECOND_MILLIS = 1_000;

  private final long[] slots = new long[SLOTS];
  private long second = Long.MIN_VALUE; // of the newest slot
  private long sum;

  private void advance(long nowMillis) {
    long now = Math.floorDiv(nowMillis, SECOND_MILLIS);
    if (second == Long.MIN_VALUE || now - second >= SLOTS) {
      java.util.Arrays.fill(slots, 0);
      sum = 0;
      second = now;
      return;
    }
    while (second < now) {
      second++;
      int slot = slot(second);
      sum -= slots[slot];
      slots[slot] = 0;
    }
  }

  private static int slot(long second) {
    return (int) Math.floorMod(second, (long) SLOTS);
  }

  /** Something is used now. */
  void add(long nowMillis, long amount) {
    advance(nowMillis);
    slots[slot(second)] += amount;
    sum += amount;
  }

  /** Something was used so many seconds ago. */
  void addAged(long nowMillis, int secondsAgo, long amount) {
    advance(nowMillis);
    if (secondsAgo < SLOTS) {
      slots[slot(second - secondsAgo)] += amount;
      sum += amount;
    }
  }

  /** All of the last minute. */
  long sum(long nowMillis) {
    advance(nowMillis);
    return sum;
  }

  /** Each second's, the present one first; without the empty ones at the end. */
  List<Long> seconds(long nowMillis) {
    advance(nowMillis);
    List<Long> all = new ArrayList<>(SLOTS);
    long left = sum;
    for (int ago = 0; ago < SLOTS && left != 0; ago++) {
      long amount = slots[slot(second - ago)];
      all.add(amount);
      left -= amount;
    }
    return all;
  }

  /** How long until so much of it no longer counts; until all of it when there is not so much. */
  long untilGone(long nowMillis, long amount) {
    advance(nowMillis);
    long gone = 0;
    long lastUsed = -1;
    for (int ago = SLOTS - 1; ago >= 0 && gone < amount; ago--) {
      long used = slots[slot(second - ago)];
      gone += used;
      if (used > 0) {
        lastUsed = second - ago;
      }
    }
    return lastUsed < 0 ? 0 : Math.max(1, (lastUsed + SLOTS) * SECOND_MILLIS - nowMillis);
  }
}
