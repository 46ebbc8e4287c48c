package io.penstock.replay;

import io.penstock.load.Goodput;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Counts what becomes of the requests of one run. Those that arrive in the warm-up only count as
 * sent.
 */
final class Tally {
  private static final long GAP_MICROS_MAX = TimeUnit.HOURS.toMicros(24);

  private final Goodput bounds;
  private final long warmupNanos;
  private final Map<Call.End, Integer> ends = new EnumMap<>(Call.End.class);
  private long[] firstTokens = new long[1024];
  private int firstTokenCount;
  private long[] waits = new long[1024];
  private int waitCount;
  private final Histogram gaps = new Histogram(1, GAP_MICROS_MAX, 3);
  private final Histogram means = new Histogram(1, GAP_MICROS_MAX, 3);
  private int sent;
  private int counted;
  private int good;
  private int ended;
  private long promptTokens;
  private long cachedTokens;
  private long everCachedTokens;
  private long outputTokens;
  private long allOutputTokens;
  private long retries;
  private long lastNanos;

  Tally(Goodput bounds, long warmupNanos) {
    this.bounds = bounds;
    this.warmupNanos = warmupNanos;
  }

  void sent() {
    sent++;
  }

  void retried() {
    retries++;
  }

  /** So many tokens of an answer came one after the other with this gap before each. */
  void gaps(Call call, long gapNanos, int count) {
    if (call.arrivedNanos >= warmupNanos && count > 0) {
      gaps.recordValueWithCount(micros(gapNanos), count);
    }
  }

  private static long micros(long nanos) {
    return Math.min(GAP_MICROS_MAX, Math.max(0, nanos / 1_000));
  }

  /** It has ended; says whether it was good. */
  boolean ended(Call call, long atNanos) {
    ended++;
    lastNanos = Math.max(lastNanos, atNanos);
    allOutputTokens += call.received;
    boolean ok = call.end == Call.End.OK;
    boolean isGood =
        ok
            && bounds.keeps(
                call.firstTokenNanos - call.arrivedNanos,
                call.meanGapNanos(),
                call.lastTokenNanos - call.arrivedNanos);
    if (call.arrivedNanos < warmupNanos) {
      return isGood;
    }
    counted++;
    good += isGood ? 1 : 0;
    ends.merge(call.end, 1, Integer::sum);
    outputTokens += call.received;
    if (ok) {
      firstTokens = add(firstTokens, firstTokenCount++, call.firstTokenNanos - call.arrivedNanos);
      waits = add(waits, waitCount++, call.queuedNanos);
      promptTokens += call.promptTokens;
      cachedTokens += call.cachedTokens;
      everCachedTokens += call.everCached;
      if (call.outputTokens > 1) {
        means.recordValue(micros(call.meanGapNanos()));
      }
    }
    return isGood;
  }

  private static long[] add(long[] to, int at, long value) {
    long[] room = at == to.length ? Arrays.copyOf(to, 2 * at) : to;
    room[at] = value;
    return room;
  }

  /** All figures of the run. */
  Result result(String policy, double rate, List<VirtualReplica> replicas, Timeline timeline) {
    return new Result(
        policy,
        rate,
        sent,
        ended,
        counted,
        good,
        ends,
        retries,
        Spread.ofNanos(firstTokens, firstTokenCount),
        Spread.of(gaps),
        Spread.of(means),
        Spread.ofNanos(waits, waitCount),
        promptTokens,
        cachedTokens,
        everCachedTokens,
        outputTokens,
        allOutputTokens,
        lastNanos / 1e9,
        timeline.widthSeconds(),
        timeline.widthSeconds() * timeline.goodBuckets(),
        timeline.goodShares(),
        replicas.stream()
            .map(
                each ->
                    new Result.OfReplica(
                        each.id().value(),
                        each.pool,
                        each.computedTokens(),
                        each.generatedTokens(),
                        each.preemptions(),
                        timeline.liveSeconds(each.index),
                        timeline.live(each.index)))
            .toList());
  }
}
