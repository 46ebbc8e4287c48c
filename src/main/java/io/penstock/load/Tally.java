package io.penstock.load;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/**
 * The figures of a run, as they come. Inter-token times are of every gap seen; time to first token,
 * mean time per token and end-to-end are of the requests that were {@code ok}. One thread.
 */
final class Tally {
  /**
   * Distinct error texts, replicas and addresses; what comes beyond is counted under {@link
   * #OTHER}.
   */
  static final int KEYS_MAX = 200;

  static final String OTHER = "(other)";
  static final int FAILURES_MAX = 10;

  private final Optional<Goodput> goodput;
  private final boolean streams;
  private final Map<Ending, Long> outcomes = new EnumMap<>(Ending.class);
  private final Map<String, Long> errors = new TreeMap<>();
  private final Map<String, Long> replicas = new TreeMap<>();
  private final Map<String, Long> addresses = new TreeMap<>();
  private final List<LoadReport.Failure> failures = new ArrayList<>();
  private final Histogram ttft = Latency.histogram();
  private final Histogram interToken = Latency.histogram();
  private final Histogram perToken = Latency.histogram();
  private final Histogram endToEnd = Latency.histogram();
  private final Histogram lag = Latency.histogram();
  private long planned;
  private long sent;
  private long contents;
  private long promptTokens;
  private long completionTokens;
  private long exactOutputs;
  private long good;

  Tally(Optional<Goodput> goodput, boolean streams) {
    this.goodput = goodput;
    this.streams = streams;
    for (Ending ending : Ending.values()) {
      outcomes.put(ending, 0L);
    }
  }

  void shed() {
    planned++;
    count(Ending.SHED);
  }

  /** A request goes out, {@code lagNanos} after its planned arrival. */
  void sent(long lagNanos) {
    planned++;
    sent++;
    Latency.record(lag, lagNanos);
  }

  /** The first {@code n} contents of a stream came together. */
  void firstContents(int n) {
    contents += n;
    interToken.recordValueWithCount(0, n - 1L);
  }

  /** {@code n} contents came together, {@code gapNanos} after the ones before. */
  void nextContents(int n, long gapNanos) {
    contents += n;
    Latency.record(interToken, gapNanos);
    if (n > 1) {
      interToken.recordValueWithCount(0, n - 1L);
    }
  }

  void ended(Ended request) {
    Verdict verdict = request.verdict();
    count(verdict.ending());
    add(addresses, request.address());
    if (request.replica() != null) {
      add(replicas, request.replica());
    }
    promptTokens += Math.max(0, verdict.promptTokens());
    completionTokens += request.completionTokens();
    if (verdict.ending() == Ending.OK) {
      ok(request);
    } else {
      failed(request);
    }
  }

  private void ok(Ended request) {
    if (streams) {
      Latency.record(ttft, request.ttftNanos());
      if (request.completionTokens() > 1) {
        Latency.record(perToken, request.perTokenNanos());
      }
    }
    Latency.record(endToEnd, request.e2eNanos());
    exactOutputs += request.completionTokens() == request.askedTokens() ? 1 : 0;
    boolean keeps =
        goodput
            .map(g -> g.keeps(request.ttftNanos(), request.perTokenNanos(), request.e2eNanos()))
            .orElse(false);
    good += keeps ? 1 : 0;
  }

  private void failed(Ended request) {
    Verdict verdict = request.verdict();
    add(errors, verdict.ending().label() + ": " + verdict.detail());
    if (verdict.ending().isFailure() && failures.size() < FAILURES_MAX) {
      failures.add(
          new LoadReport.Failure(
              request.requestId(),
              verdict.ending(),
              verdict.detail(),
              verdict.contents(),
              request.e2eNanos() / 1e6));
    }
  }

  LoadProgress progress(double elapsedSeconds, double tokensPerSecond) {
    return new LoadProgress(
        elapsedSeconds,
        sent,
        sent + outcome(Ending.SHED) - ended(),
        outcome(Ending.OK),
        failures(),
        outcome(Ending.SHED),
        tokensPerSecond,
        ttft.getValueAtPercentile(50) / 1e3,
        ttft.getValueAtPercentile(99) / 1e3);
  }

  /** Contents seen so far. */
  long contents() {
    return contents;
  }

  LoadReport report(LoadReport.Setup setup, double wallSeconds) {
    return new LoadReport(
        setup,
        wallSeconds,
        planned,
        sent,
        outcomes,
        errors,
        failures,
        Latency.of(ttft),
        Latency.of(interToken),
        Latency.of(perToken),
        Latency.of(endToEnd),
        Latency.of(lag),
        promptTokens,
        completionTokens,
        exactOutputs,
        goodput.map(g -> new LoadReport.Good(g.toString(), good)),
        replicas,
        addresses);
  }

  private long ended() {
    return outcomes.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Failures but for what was shed. */
  private long failures() {
    return ended() - outcome(Ending.OK) - outcome(Ending.SHED) - outcome(Ending.INTERRUPTED);
  }

  private long outcome(Ending ending) {
    return outcomes.getOrDefault(ending, 0L);
  }

  private void count(Ending ending) {
    outcomes.merge(ending, 1L, Long::sum);
  }

  private static void add(Map<String, Long> counts, String key) {
    boolean room = counts.size() < KEYS_MAX || counts.containsKey(key);
    counts.merge(room ? key : OTHER, 1L, Long::sum);
  }
}
