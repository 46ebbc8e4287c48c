package io.penstock.ingress;

import io.penstock.measure.Backoff;

/**
 * When to leave alone what keeps failing, so that not every request pays a timeout: after {@link
 * #FAILURES} failures in a row, for a second, then twice as long each time; after each rest a
 * single one tries. Pure.
 */
final class Rest {
  static final int FAILURES = 3;

  private static final Backoff RESTS = new Backoff(1_000, 30_000);

  private int failures;
  private int rests;
  private long untilMillis;
  private boolean tries;

  /** Whether it may be asked now; whoever may tells what came of it, once. */
  boolean mayAsk(long nowMillis) {
    if (rests == 0) {
      return true;
    }
    if (tries || nowMillis < untilMillis) {
      return false;
    }
    tries = true;
    return true;
  }

  void succeeded() {
    failures = 0;
    rests = 0;
    tries = false;
  }

  /** Failures of those that were asked before a rest began do not make it longer. */
  void failed(long nowMillis) {
    if (rests > 0 && !tries) {
      return;
    }
    tries = false;
    failures++;
    if (failures >= FAILURES) {
      rests++;
      untilMillis = nowMillis + RESTS.afterMillis(rests);
    }
  }

  /** Nobody waited for what would have come of it. */
  void dropped() {
    tries = false;
  }
}
