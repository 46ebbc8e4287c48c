package io.penstock.inference;

import static io.penstock.inference.Checks.require;

/**
 * This side's share of every limit while part of the cluster can not be reached and may still be
 * working: the seats of the nodes that are here over all. The shares of all sides never add up to
 * more than the limit, whatever the split: the side with a majority, of which there is at most one,
 * rounds up, every other rounds down, perhaps to nothing.
 *
 * @param present seats on this side; >= 0
 * @param expected these and the ones of those who are missing; >= 1
 */
public record LimitShare(int present, int expected) {
  /** Nobody is missing. */
  public static final LimitShare WHOLE = new LimitShare(1, 1);

  public LimitShare {
    require(present >= 0, "present", present, ">= 0");
    require(expected >= Math.max(1, present), "expected", expected, ">= 1, >= present");
  }

  /** Whether nobody is missing. */
  public boolean isWhole() {
    return present == expected;
  }

  /** This side's share of a limit. */
  public int of(int limit) {
    long parts = (long) limit * present;
    boolean majority = 2L * present > expected;
    return (int) ((majority ? parts + expected - 1 : parts) / expected);
  }
}
