package io.penstock.faults;

import io.penstock.faults.Client.Habit;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimFault;
import io.penstock.sim.SimStats;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongFunction;

/** One run of a cell: its engines, its requests, and what became of them. */
final class CellRun {
  /** Tokens of an answer, where nothing else is said; its frames are these, the role, usage. */
  static final int TOKENS = 24;

  /**
   * How long an engine may work for a client that is gone: that it is told takes milliseconds, and
   * more where the machine is busy. What it works on without being told takes longer than this.
   */
  static final long ORPHAN_MILLIS = 10_000;

  final Cell cell;
  final Rig rig;
  final EngineSimulator engines;
  private final List<Outcome> outcomes = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final AtomicInteger sent = new AtomicInteger();
  private volatile long lastEndNanos = System.nanoTime();
  private double recoveryMillis;

  CellRun(Cell cell, Rig rig, EngineSimulator engines) {
    this.cell = cell;
    this.rig = rig;
    this.engines = engines;
  }

  /** How one request is sent. */
  static final class Ask {
    String simFault = "";
    int tokens = TOKENS;
    Habit habit = Habit.NORMAL;
    final Map<String, String> headers = new HashMap<>();

    /** The fault as the simulator reads it; {@code %s} becomes a key of this request. */
    static Ask with(String simFault) {
      Ask ask = new Ask();
      ask.simFault = simFault;
      return ask;
    }

    Ask tokens(int count) {
      tokens = count;
      return this;
    }

    Ask habit(Habit how) {
      habit = how;
      return this;
    }

    Ask header(String name, String value) {
      headers.put(name, value);
      return this;
    }
  }

  /** Sends so many requests at once, over all nodes in turn, and waits for all. */
  List<Outcome> fire(int count, Ask ask) {
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      asked.add(send(ask));
    }
    return asked.stream().map(CompletableFuture::join).toList();
  }

  /** Sends one request to the next node. */
  CompletableFuture<Outcome> send(Ask ask) {
    int number = sent.getAndIncrement();
    return CompletableFuture.supplyAsync(() -> exchange(number, ask), rig.threads());
  }

  private Outcome exchange(int number, Ask ask) {
    String prompt = "Cell " + cell.pool() + " on " + rig.nodes() + ", request " + number;
    Outcome.Expected expected = rig.undisturbed(cell.mode, prompt, ask.tokens);
    JsonObject body = cell.mode.body(cell.pool(), prompt, ask.tokens);
    if (!ask.simFault.isEmpty()) {
      String key = cell.pool() + "-" + rig.nodes() + "-" + number;
      body.put("sim_fault", ask.simFault.replace("%s", key));
    }
    Seen seen =
        Client.post(
            rig.port(number), cell.mode.path, body.encode(), Map.copyOf(ask.headers), ask.habit);
    Outcome outcome = Outcome.judge(cell.mode, seen, expected);
    synchronized (this) {
      outcomes.add(outcome);
      lastEndNanos = Math.max(lastEndNanos, seen.endedNanos());
      recoveryMillis = Math.max(recoveryMillis, seen.longestGapMillis());
      if (outcome.kind() == Outcome.Kind.LIE || outcome.kind() == Outcome.Kind.HANGS) {
        fail("request " + number + ": " + outcome.label() + "\n" + outcome.bodyTail());
      }
    }
    return outcome;
  }

  /** A steady load until the end of the given time; one request each so many milliseconds. */
  List<CompletableFuture<Outcome>> load(int everyMillis, long millis, Ask ask) {
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    long begin = System.nanoTime();
    for (long i = 0; i * everyMillis < millis; i++) {
      long due = begin + TimeUnit.MILLISECONDS.toNanos(i * everyMillis);
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      asked.add(send(ask));
    }
    return asked;
  }

  /** Says so when one of them may not be. */
  void expect(String what, List<Outcome> all, Cell.Allowed allowed) {
    List<String> others =
        all.stream()
            .filter(outcome -> !allowed.holds(outcome))
            .map(outcome -> outcome.label() + " " + outcome.detail())
            .toList();
    if (!others.isEmpty()) {
      fail(
          "expected "
              + what
              + ", but "
              + others.size()
              + " of "
              + all.size()
              + ": "
              + others.stream().distinct().limit(4).toList());
    }
  }

  void expect(String what, boolean holds) {
    if (!holds) {
      fail("expected " + what);
    }
  }

  synchronized void fail(String why) {
    failures.add(why);
  }

  synchronized void recovery(double millis) {
    recoveryMillis = millis;
  }

  void await(String what, long millis, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("not " + what + " within " + millis + " ms");
      }
      pause(5);
    }
  }

  static void pause(long millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  SimStats stats(int replica) {
    return engines.stats(replica).await();
  }

  long sum(ToLongFunction<SimStats> counter) {
    long sum = 0;
    for (int i = 0; i < cell.replicas; i++) {
      sum += counter.applyAsLong(stats(i));
    }
    return sum;
  }

  void arm(int replica, SimFault fault) {
    engines.arm(replica, fault, 1, 0).await();
  }

  /** Replicas of this pool that the probers call healthy. */
  long healthy() {
    return Math.round(rig.metric("penstock_replica_healthy", cell.pool()));
  }

  /** The only breaker of this pool that is not closed. */
  long breakerState() {
    return Math.round(rig.metric("penstock_breaker_state", cell.pool()));
  }

  /** What must hold at the end of every cell, as far as the engines can tell. */
  void settle() {
    long end = lastEndNanos + TimeUnit.MILLISECONDS.toNanos(ORPHAN_MILLIS);
    while (sum(SimStats::inFlight) > 0 && System.nanoTime() < end) {
      pause(5);
    }
    long orphans = sum(SimStats::inFlight);
    if (orphans > 0) {
      fail(orphans + " requests on engines " + ORPHAN_MILLIS + " ms after their clients' end");
    }
    long received = sum(SimStats::received);
    if (!cell.isUnbounded && received > (long) sent.get() * cell.attemptsMax) {
      fail(received + " requests on engines for " + sent.get() + " of clients");
    }
  }

  synchronized Report.Row row(int nodes) {
    Map<String, Integer> counts = new HashMap<>();
    outcomes.forEach(outcome -> counts.merge(outcome.label(), 1, Integer::sum));
    return new Report.Row(
        cell.fault,
        cell.mode.label,
        nodes,
        outcomes.size(),
        counts,
        recoveryMillis,
        sum(SimStats::wastedTokens),
        String.join("\n", failures));
  }
}
