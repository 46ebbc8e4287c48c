package io.penstock.replay;

import java.util.ArrayList;
import java.util.List;

/**
 * What happened over time, in buckets of equal width. Where the run is longer than the buckets
 * reach, two become one: so there are always enough for a plot and never more, however long it is.
 */
final class Timeline {
  static final int BUCKETS_MAX = 240;

  /** Shares of good requests need more of them than a bucket has. */
  private static final int SHARES_MAX = 60;

  private static final long FIRST_WIDTH_NANOS = 1_000_000_000L;

  private long widthNanos = FIRST_WIDTH_NANOS;
  private final double[][] liveNanos;
  private final int[] live;
  private final long[] sinceNanos;
  private final double[] arrived = new double[BUCKETS_MAX];
  private final double[] good = new double[BUCKETS_MAX];
  private final double[] all; // liveNanos of the whole run, after the warm-up
  private final long warmupNanos;
  private int used;

  Timeline(int replicas, long warmupNanos) {
    liveNanos = new double[replicas][BUCKETS_MAX];
    live = new int[replicas];
    sinceNanos = new long[replicas];
    all = new double[replicas];
    this.warmupNanos = warmupNanos;
  }

  /** So many more, or fewer, live on a replica from now on. */
  void live(int replica, int change, long nowNanos) {
    long since = sinceNanos[replica];
    int many = live[replica];
    sinceNanos[replica] = nowNanos;
    live[replica] += change;
    if (many == 0) {
      return;
    }
    all[replica] += (double) many * Math.max(0, nowNanos - Math.max(since, warmupNanos));
    int last = bucket(nowNanos); // first: it may change the width
    for (int i = bucket(since); i <= last; i++) {
      long from = Math.max(since, i * widthNanos);
      long to = Math.min(nowNanos, (i + 1) * widthNanos);
      liveNanos[replica][i] += (double) many * (to - from);
    }
  }

  /** A request that arrived then has ended, within the bounds or not. */
  void ended(long arrivedNanos, boolean isGood) {
    int at = bucket(arrivedNanos);
    arrived[at]++;
    good[at] += isGood ? 1 : 0;
  }

  private int bucket(long nanos) {
    while (nanos / widthNanos >= BUCKETS_MAX) {
      widthNanos *= 2;
      halve(arrived);
      halve(good);
      for (double[] each : liveNanos) {
        halve(each);
      }
      used = (used + 1) / 2;
    }
    int at = (int) (nanos / widthNanos);
    used = Math.max(used, at + 1);
    return at;
  }

  private static void halve(double[] values) {
    for (int i = 0; i < BUCKETS_MAX; i++) {
      values[i] = 2 * i + 1 < BUCKETS_MAX ? values[2 * i] + values[2 * i + 1] : 0;
    }
  }

  double widthSeconds() {
    return widthNanos / 1e9;
  }

  /** Mean number of requests that lived on a replica, in each bucket. */
  List<Double> live(int replica) {
    List<Double> means = new ArrayList<>();
    for (int i = 0; i < used; i++) {
      means.add(liveNanos[replica][i] / widthNanos);
    }
    return means;
  }

  /** How many buckets are one to {@link #goodShares}. */
  int goodBuckets() {
    return Math.max(1, (used + SHARES_MAX - 1) / SHARES_MAX);
  }

  /**
   * Of the requests that arrived in each {@link #goodBuckets} buckets the share that was good; NaN
   * where none did.
   */
  List<Double> goodShares() {
    int step = goodBuckets();
    List<Double> shares = new ArrayList<>();
    for (int i = 0; i < used; i += step) {
      double ofAll = 0;
      double ofGood = 0;
      for (int at = i; at < Math.min(used, i + step); at++) {
        ofAll += arrived[at];
        ofGood += good[at];
      }
      shares.add(ofAll == 0 ? Double.NaN : ofGood / ofAll);
    }
    return shares;
  }

  /** Requests times seconds that a replica had after the warm-up. */
  double liveSeconds(int replica) {
    return all[replica] / 1e9;
  }
}
