package io.penstock.prober;

/**
 * How long a replica that keeps falling must prove itself before it is used again. Pure: the caller
 * brings the time.
 *
 * <p>Each fall adds 1 to a figure of merit that decays by half every five minutes and never passes
 * 4, as routers damp routes that flap (RFC 2439, section 4). The rounded figure sets how many
 * checks in a row must succeed: 1, 2, 4, 8. So a single fall costs nothing, a replica that falls at
 * every turn is left alone eight checks long, and after twenty quiet minutes all is forgiven.
 *
 * <p>Rejected: a count of falls in a window, which forgives all at once at the window's edge; a
 * longer probe interval instead of more successes, which finds a recovery late without proving
 * anything.
 */
final class FlapDamping {
  static final long HALF_LIFE_MILLIS = 300_000;
  static final int SUCCESSES_MAX = 8;
  private static final double FIGURE_MAX = 4;

  private double figure;
  private long updatedAtMillis;

  /** The replica has fallen from healthy to unhealthy. */
  void onFall(long nowMillis) {
    figure = Math.min(FIGURE_MAX, figureAt(nowMillis) + 1);
    updatedAtMillis = nowMillis;
  }

  /** Checks in a row that must succeed for it to count as healthy again; 1..8. */
  int successesRequired(long nowMillis) {
    long level = Math.max(1, Math.round(figureAt(nowMillis)));
    return 1 << (level - 1);
  }

  private double figureAt(long nowMillis) {
    return figure * Math.pow(2, -(double) (nowMillis - updatedAtMillis) / HALF_LIFE_MILLIS);
  }
}
