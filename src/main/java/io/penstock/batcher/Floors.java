package io.penstock.batcher;

import io.penstock.inference.Priority;

/**
 * The share of the pool's grants that a class gets while it waits, whatever waits in the classes
 * above: of ten grants one for {@code default}, of fifty one for {@code bulk}. Each grant that is
 * made while a class waits adds the class's share to what it is owed, and a grant to it takes one
 * off. Who is owed a whole grant is next. What is owed is at most {@link #OWED_MAX} and never below
 * nothing, and a class that does not wait is owed nothing, so a share is neither saved up nor paid
 * back: of any stretch of grants that a class waits through it gets its share, less two at most.
 */
final class Floors {
  static final double DEFAULT_SHARE = 0.10;
  static final double BULK_SHARE = 0.02;

  /** Where a class waits that no free replica can serve, for which the others do not go hungry. */
  private static final double OWED_MAX = 2;

  private static final double EPSILON = 1e-9;

  private final double[] owed = new double[Priority.values().length];

  /** The share of a class; 0 where it has none. */
  static double share(Priority priority) {
    return switch (priority) {
      case INTERACTIVE -> 0;
      case DEFAULT -> DEFAULT_SHARE;
      case BULK -> BULK_SHARE;
    };
  }

  /** Whether the class is to have the next grant. */
  boolean isOwed(Priority priority) {
    return owed[priority.ordinal()] >= 1 - EPSILON;
  }

  /**
   * A grant is made.
   *
   * @param to whose it is
   * @param isWaiting whether the class {@code of} has something waiting apart from that grant
   */
  void granted(Priority of, boolean to, boolean isWaiting) {
    int i = of.ordinal();
    double now = owed[i] + share(of) - (to ? 1 : 0);
    owed[i] = isWaiting ? Math.max(0, Math.min(OWED_MAX, now)) : 0;
  }
}
