package io.penstock.measure;

import static io.penstock.inference.Checks.require;

/**
 * How long to wait before the next try of what keeps failing: twice as long with each failure, up
 * to a bound.
 *
 * @param minMillis after the first failure
 * @param maxMillis never longer
 */
public record Backoff(long minMillis, long maxMillis) {
  public Backoff {
    require(minMillis > 0, "minMillis", minMillis, "> 0");
    require(maxMillis >= minMillis, "maxMillis", maxMillis, ">= " + minMillis);
  }

  /**
   * The wait after so many failures in a row.
   *
   * @param failures at least 1
   */
  public long afterMillis(int failures) {
    require(failures > 0, "failures", failures, "> 0");
    long wait = minMillis;
    for (int i = 1; i < failures && wait < maxMillis; i++) {
      wait = wait > maxMillis / 2 ? maxMillis : 2 * wait;
    }
    return Math.min(maxMillis, wait);
  }
}
