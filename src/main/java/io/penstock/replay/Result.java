package io.penstock.replay;

import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.stream.Collectors;

/**
 * What became of a workload under one policy. Figures are of requests that arrived after the
 * warm-up, but for {@code sent} and {@code ended}, and what is said of replicas.
 *
 * @param rate at which it was sent
 * @param counted requests that arrived after the warm-up
 * @param good of these, those within the bounds
 * @param firstToken from arrival to first token, of those that ended well
 * @param gaps between two tokens of one answer
 * @param meanGaps mean of them, one an answer
 * @param waits in the pool's queue
 * @param promptTokens of requests that ended well, as are the cached ones
 * @param everCachedTokens what a cache without bounds would have had of them
 * @param allOutputTokens of all requests, the warm-up's included
 * @param bucketSeconds width of what a series of loads tells one value of
 * @param goodBucketSeconds the same of {@code goodShares}
 * @param goodShares of requests by when they arrived; NaN where none did
 */
record Result(
    String policy,
    double rate,
    int sent,
    int ended,
    int counted,
    int good,
    Map<Call.End, Integer> ends,
    long retries,
    Spread firstToken,
    Spread gaps,
    Spread meanGaps,
    Spread waits,
    long promptTokens,
    long cachedTokens,
    long everCachedTokens,
    long outputTokens,
    long allOutputTokens,
    double seconds,
    double bucketSeconds,
    double goodBucketSeconds,
    List<Double> goodShares,
    List<OfReplica> replicas) {
  Result {
    ends = Map.copyOf(ends);
    goodShares = List.copyOf(goodShares);
    replicas = List.copyOf(replicas);
  }

  /**
   * One replica's share of it.
   *
   * @param computedTokens of prompts, those that were not cached
   * @param liveSeconds requests times seconds that it had
   * @param live mean number of requests on it, over time
   */
  record OfReplica(
      String id,
      int pool,
      long computedTokens,
      long generatedTokens,
      long preemptions,
      double liveSeconds,
      List<Double> live) {
    OfReplica {
      live = List.copyOf(live);
    }
  }

  double goodShare() {
    return counted == 0 ? 0 : (double) good / counted;
  }

  int of(Call.End end) {
    return ends.getOrDefault(end, 0);
  }

  double hitShare() {
    return promptTokens == 0 ? 0 : (double) cachedTokens / promptTokens;
  }

  /** Of what a cache without bounds would have had; 1 where that is nothing. */
  double hitShareOfInfinite() {
    return everCachedTokens == 0 ? 1 : (double) cachedTokens / everCachedTokens;
  }

  /**
   * Most over mean of the requests that replicas had at a time; of the pool where it is largest.
   */
  double imbalance() {
    Map<Integer, List<OfReplica>> pools =
        replicas.stream().collect(Collectors.groupingBy(OfReplica::pool));
    double largest = 1;
    for (Entry<Integer, List<OfReplica>> each : pools.entrySet()) {
      double mean =
          each.getValue().stream().mapToDouble(OfReplica::liveSeconds).average().orElse(0);
      double most = each.getValue().stream().mapToDouble(OfReplica::liveSeconds).max().orElse(0);
      largest = mean == 0 ? largest : Math.max(largest, most / mean);
    }
    return largest;
  }

  long preemptions() {
    return replicas.stream().mapToLong(OfReplica::preemptions).sum();
  }
}
