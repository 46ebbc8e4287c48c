package io.penstock.stream;

/**
 * How many retries one loop may spend: a share of the requests that it took in the last {@value
 * #WINDOW_SECONDS} s, and a floor for when there are few. Where a pool fails as a whole, retries
 * then add no more than this share to the load that broke it, however many attempts each request
 * may have. Pure; the caller brings the time.
 *
 * <p>Two rings of one-second buckets, so that an event costs O(1) and the window slides by whole
 * seconds. The idea is Finagle's retry budget (a share of the requests plus a minimum, over a
 * window); a token bucket was not taken since its burst outlives the requests that earned it.
 */
public final class RetryBudget {
  static final int WINDOW_SECONDS = 10;

  private int percent;
  private int floor;
  private final int[] requests = new int[WINDOW_SECONDS];
  private final int[] retries = new int[WINDOW_SECONDS];
  private long second;
  private int requestsInWindow;
  private int retriesInWindow;

  /**
   * @param percent of the requests in the window
   * @param floor retries in the window that are allowed in any case
   */
  public RetryBudget(int percent, int floor, long nowMillis) {
    this.percent = percent;
    this.floor = floor;
    this.second = Math.floorDiv(nowMillis, 1_000);
  }

  /** Goes by other shares from now on; what was earned and spent counts. */
  public void rules(int newPercent, int newFloor) {
    percent = newPercent;
    floor = newFloor;
  }

  /**
   * One loop's share of a node's floor: all of them add up to it, but nobody gets nothing of
   * something.
   */
  public static int shareOfFloor(int nodeFloor, int loop, int loops) {
    return nodeFloor == 0 ? 0 : Math.max(1, (nodeFloor + loops - 1 - loop) / loops);
  }

  /** A request has come in. */
  public void earn(long nowMillis) {
    slide(nowMillis);
    requests[at(second)]++;
    requestsInWindow++;
  }

  /** Takes one retry out; false when none is left. */
  public boolean spend(long nowMillis) {
    slide(nowMillis);
    if (retriesInWindow >= Math.max(floor, (long) requestsInWindow * percent / 100)) {
      return false;
    }
    retries[at(second)]++;
    retriesInWindow++;
    return true;
  }

  private void slide(long nowMillis) {
    long now = Math.floorDiv(nowMillis, 1_000);
    for (long gone = 0; second < now && gone < WINDOW_SECONDS; gone++) {
      second++;
      int oldest = at(second);
      requestsInWindow -= requests[oldest];
      retriesInWindow -= retries[oldest];
      requests[oldest] = 0;
      retries[oldest] = 0;
    }
    second = Math.max(second, now);
  }

  private static int at(long second) {
    return (int) Math.floorMod(second, WINDOW_SECONDS);
  }
}
