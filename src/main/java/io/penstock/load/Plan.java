package io.penstock.load;

import io.penstock.load.LoadConfig.Pace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What arrives when. Deterministic by seed.
 *
 * <p>With the trace's own pace each row arrives once, at its time less the start, divided by the
 * speed. Poisson arrivals and closed loops take the rows' lengths in order and begin again at the
 * end, with a lap number, so that a second lap shares no prefix with the first.
 */
final class Plan {
  private final List<TracedRequest> rows;
  private final LongSupplier times;
  private final boolean laps;
  private final long requestsMax;
  private final long endNanos;
  private long index;

  private Plan(
      List<TracedRequest> rows, LongSupplier times, boolean laps, LoadConfig.Limits limits) {
    this.rows = rows;
    this.times = times;
    this.laps = laps;
    this.requestsMax = limits.requests().orElse(Long.MAX_VALUE);
    this.endNanos = limits.duration().map(Duration::toNanos).orElse(Long.MAX_VALUE);
  }

  /**
   * The plan of a run.
   *
   * @throws IllegalArgumentException when the trace has nothing after the start, or counts its
   *     times by session and no session rate is given
   */
  static Plan of(LoadConfig config, @Nullable Trace trace) {
    SplittableRandom random = new SplittableRandom(config.seed());
    long start = config.workload().start().toNanos();
    Pace pace = config.pace();
    if (pace instanceof Pace.AsTraced traced && trace != null) {
      List<TracedRequest> rows = atOwnTimes(trace, traced, start, random);
      return new Plan(rows, new OwnTimes(rows), false, config.limits());
    }
    List<TracedRequest> rows =
        trace == null ? List.of(fixed(config.workload())) : from(trace, start);
    return new Plan(
        rows,
        pace instanceof Pace.Poisson poisson
            ? new PoissonTimes(poisson.perSecond(), random)
            : () -> 0L,
        true,
        config.limits());
  }

  /** The next arrival; null when there is none. */
  @Nullable Planned next() {
    if (index >= requestsMax || (!laps && index >= rows.size())) {
      return null;
    }
    long at = times.getAsLong();
    if (at >= endNanos) {
      index = requestsMax;
      return null;
    }
    Planned next =
        new Planned(index, at, rows.get((int) (index % rows.size())), (int) (index / rows.size()));
    index++;
    return next;
  }

  private static TracedRequest fixed(LoadConfig.Workload workload) {
    return new TracedRequest(
        0, -1, workload.inputTokens(), workload.outputTokens(), TracedRequest.NO_BLOCKS);
  }

  private static List<TracedRequest> from(Trace trace, long startNanos) {
    return notEmpty(
        trace,
        startNanos,
        trace.requests().stream().filter(r -> r.atNanos() >= startNanos).toList());
  }

  private static List<TracedRequest> atOwnTimes(
      Trace trace, Pace.AsTraced pace, long startNanos, SplittableRandom random) {
    Map<Long, Long> sessionStarts = sessionStarts(trace, pace, random);
    List<TracedRequest> rows = new ArrayList<>();
    for (TracedRequest row : trace.requests()) {
      long at = row.atNanos() + sessionStarts.getOrDefault(row.session(), 0L) - startNanos;
      if (at >= 0) {
        rows.add(
            new TracedRequest(
                (long) (at / pace.speed()),
                row.session(),
                row.inputTokens(),
                row.outputTokens(),
                row.thinkNanos(),
                row.blocks()));
      }
    }
    rows.sort(Comparator.comparingLong(TracedRequest::atNanos));
    return notEmpty(trace, startNanos, rows);
  }

  /** When each session starts, in the trace's time; empty for traces with one clock. */
  private static Map<Long, Long> sessionStarts(
      Trace trace, Pace.AsTraced pace, SplittableRandom random) {
    OptionalDouble rate = pace.sessionRate();
    if (rate.isPresent() != trace.perSession()) {
      throw new IllegalArgumentException(
          trace.perSession()
              ? "session-rate: missing (expected: --session-rate R, since the times of "
                  + trace.name()
                  + " count from each session's start; or --rate, or --concurrency)"
              : "session-rate: "
                  + rate.getAsDouble()
                  + " (expected: only for traces whose times count from each session's start)");
    }
    Map<Long, Long> starts = new HashMap<>();
    if (trace.perSession()) {
      PoissonTimes times = new PoissonTimes(rate.getAsDouble() / pace.speed(), random);
      trace.requests().forEach(r -> starts.computeIfAbsent(r.session(), s -> times.getAsLong()));
    }
    return starts;
  }

  private static List<TracedRequest> notEmpty(
      Trace trace, long startNanos, List<TracedRequest> rows) {
    if (rows.isEmpty()) {
      throw new IllegalArgumentException(
          "start: "
              + Durations.print(Duration.ofNanos(startNanos))
              + " (expected: before the last request of "
              + trace.name()
              + ")");
    }
    return rows;
  }

  private static final class OwnTimes implements LongSupplier {
    private final List<TracedRequest> rows;
    private int next;

    OwnTimes(List<TracedRequest> rows) {
      this.rows = rows;
    }

    @Override
    public long getAsLong() {
      return rows.get(next++).atNanos();
    }
  }

  /** Arrival times with exponential gaps. */
  private static final class PoissonTimes implements LongSupplier {
    private final double meanGapNanos;
    private final SplittableRandom random;
    private double at;

    PoissonTimes(double perSecond, SplittableRandom random) {
      this.meanGapNanos = 1e9 / perSecond;
      this.random = random;
    }

    @Override
    public long getAsLong() {
      at -= Math.log1p(-random.nextDouble()) * meanGapNanos;
      return (long) at;
    }
  }
}
