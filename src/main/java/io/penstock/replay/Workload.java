package io.penstock.replay;

import static io.penstock.inference.Checks.require;

import io.penstock.load.Durations;
import io.penstock.load.Trace;
import io.penstock.load.TracedRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/**
 * A trace, ready to be sent at any rate. What does not depend on the rate is worked out once: the
 * order of requests, their sessions, and how much of each prompt a cache without bounds would have.
 *
 * <p>Where all arrivals of a trace are whole multiples of a second or more apart, these are ticks
 * of whoever recorded it: arrivals are spread evenly over the tick, by the seed.
 */
final class Workload {
  private static final long SECOND = 1_000_000_000L;

  /** Fewer different times tell no ticks from chance. */
  private static final int TICKS_MIN = 20;

  private static final long JITTER_MILLIS = 5;

  /**
   * How much of it is sent.
   *
   * @param requests no more than so many; a trace that has fewer begins again
   * @param duration nothing after this time; a trace that is over before begins again
   */
  record Extent(OptionalInt requests, Optional<Duration> duration) {
    Extent {
      requests.ifPresent(n -> require(n >= 1, "requests", n, ">= 1"));
      duration.ifPresent(
          d -> require(!d.isZero() && !d.isNegative(), "duration", Durations.print(d), "over 0"));
    }

    boolean isBounded() {
      return requests.isPresent() || duration.isPresent();
    }
  }

  private final Trace trace;
  private final Prompts prompts;
  private final int blockTokens;
  private final Extent extent;
  private final long seed;

  /** Rows in the order in which they arrive; of traces with one clock. */
  private final int[] order;

  /** When each of {@link #order} arrives at the trace's own rate. */
  private final long[] atNanos;

  private final double spanSeconds;
  private final List<int[]> sessions;
  private final int[] everCached;

  /**
   * @param kvBlockTokens of the engines; what fits the trace where it is empty
   */
  Workload(Trace trace, OptionalInt kvBlockTokens, Extent extent, long seed) {
    this.trace = trace;
    this.blockTokens = kvBlockTokens.orElseGet(() -> Prompts.blockTokensOf(trace));
    this.prompts = new Prompts(trace, blockTokens);
    this.extent = extent;
    this.seed = seed;
    List<TracedRequest> rows = trace.requests();
    SplittableRandom random = new SplittableRandom(seed);
    long tick = trace.perSession() ? 0 : tick(rows);
    long[] times = new long[rows.size()];
    for (int i = 0; i < times.length; i++) {
      long within = (long) (random.nextDouble() * tick);
      times[i] = rows.get(i).atNanos() + within;
    }
    order = sorted(times);
    atNanos = Arrays.stream(order).mapToLong(row -> times[row]).toArray();
    long first = atNanos[0];
    Arrays.setAll(atNanos, i -> atNanos[i] - first);
    long last = atNanos[atNanos.length - 1];
    spanSeconds = Math.max(tick, last + last / Math.max(1, times.length - 1)) / 1e9;
    sessions = trace.perSession() ? sessions(rows, random) : List.of();
    everCached = everCached(rows);
  }

  /**
   * The time between a recorder's ticks, in nanoseconds: of whom all arrivals are whole multiples
   * apart, but for {@link #JITTER_MILLIS}. 0 where there are none.
   */
  private static long tick(List<TracedRequest> rows) {
    long[] times =
        rows.stream().mapToLong(each -> Math.round(each.atNanos() / 1e6)).distinct().toArray();
    long shortest = Long.MAX_VALUE;
    for (int i = 1; i < times.length; i++) {
      shortest = Math.min(shortest, times[i] - times[i - 1]);
    }
    if (times.length < TICKS_MIN || shortest < SECOND / 1_000_000 - JITTER_MILLIS) {
      return 0;
    }
    long tick = Math.round(shortest / 10.0) * 10;
    for (int i = 1; i < times.length; i++) {
      long over = (times[i] - times[i - 1]) % tick;
      if (Math.min(over, tick - over) > JITTER_MILLIS) {
        return 0;
      }
    }
    return tick * 1_000_000L;
  }

  private static int[] sorted(long[] times) {
    Integer[] boxed = new Integer[times.length];
    Arrays.setAll(boxed, i -> i);
    Arrays.sort(boxed, (a, b) -> Long.compare(times[a], times[b])); // stable
    return Arrays.stream(boxed).mapToInt(Integer::intValue).toArray();
  }

  private static List<int[]> sessions(List<TracedRequest> rows, SplittableRandom random) {
    Map<Long, List<Integer>> bySession = new LinkedHashMap<>();
    for (int i = 0; i < rows.size(); i++) {
      bySession.computeIfAbsent(rows.get(i).session(), s -> new ArrayList<>()).add(i);
    }
    List<int[]> sessions = new ArrayList<>();
    for (List<Integer> each : bySession.values()) {
      sessions.add(each.stream().mapToInt(Integer::intValue).toArray());
    }
    for (int i = sessions.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int[] swapped = sessions.get(i);
      sessions.set(i, sessions.get(j));
      sessions.set(j, swapped);
    }
    return sessions;
  }

  private int[] everCached(List<TracedRequest> rows) {
    int[] tokens = new int[rows.size()];
    LongTable seen = new LongTable(Integer.MAX_VALUE);
    int[] inOrder =
        sessions.isEmpty() ? order : sessions.stream().flatMapToInt(Arrays::stream).toArray();
    for (int row : inOrder) {
      long[] hashes = prompts.hashes(rows.get(row), 0);
      tokens[row] = prompts.cachedTokens(seen.prefix(hashes), promptTokens(row));
      seen.use(hashes);
    }
    return tokens;
  }

  private int promptTokens(int row) {
    return Math.max(1, trace.requests().get(row).inputTokens());
  }

  String name() {
    return trace.name();
  }

  /** Tokens of a block of the engines' caches. */
  int blockTokens() {
    return blockTokens;
  }

  /** Whether requests follow the answers before them, so that a rate is of sessions. */
  boolean isOfSessions() {
    return !sessions.isEmpty();
  }

  int rows() {
    return order.length;
  }

  int sessionCount() {
    return sessions.size();
  }

  /** Requests a second at the trace's own pace; of traces with one clock. */
  double tracedRate() {
    return order.length / Math.max(1e-9, spanSeconds);
  }

  /**
   * All of it, at a rate.
   *
   * @param rate sessions a second that start, by a Poisson process; or requests a second, in the
   *     trace's own rhythm
   */
  Source source(double rate) {
    return new Source(this, rate, new SplittableRandom(seed ^ 0x5eed));
  }

  /** Row at a place of the order, and when it arrives at the trace's own rate. */
  int rowAt(int place) {
    return order[place];
  }

  long atNanos(int place) {
    return atNanos[place];
  }

  double spanSeconds() {
    return spanSeconds;
  }

  int[] session(int place) {
    return sessions.get(place);
  }

  Extent extent() {
    return extent;
  }

  /** How long the client waits between the answer before and this row. */
  long thinkNanos(int row, int rowBefore) {
    TracedRequest own = trace.requests().get(row);
    return own.thinkNanos() >= 0
        ? own.thinkNanos()
        : Math.max(0, own.atNanos() - trace.requests().get(rowBefore).atNanos());
  }

  Call call(int number, int row, int session, long lap, long atNanos) {
    TracedRequest traced = trace.requests().get(row);
    return new Call(
        number,
        row,
        session,
        atNanos,
        promptTokens(row),
        Math.max(1, traced.outputTokens()),
        everCached[row],
        prompts.hashes(traced, lap));
  }
}
