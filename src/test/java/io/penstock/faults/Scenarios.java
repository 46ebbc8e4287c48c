package io.penstock.faults;

import static io.penstock.faults.Cell.Allowed.kind;
import static io.penstock.faults.Cell.Allowed.status;
import static io.penstock.faults.Cell.Allowed.whole;

import io.penstock.faults.CellRun.Ask;
import io.penstock.faults.Client.Habit;
import io.penstock.sim.SimFault;
import io.penstock.sim.SimStats;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Faults that take more than one request: engines that die and come back, clients that leave. */
final class Scenarios {
  private static final int STREAMS = 200;

  /** States of a breaker, as its metric has them. */
  private static final long CLOSED = 0;

  private static final long OPEN = 2;

  /** How long the only slot is held, and by an answer of how many tokens where one streams. */
  private static final int HOLDING_MILLIS = 10_000;

  private static final int HOLDING_TOKENS = 100;
  private static final String SILENT = "silent";

  /** For what happens soon unless it never does. */
  private static final long SOON_MILLIS = 120_000;

  private final List<Cell> cells = new ArrayList<>();

  static List<Cell> cells() {
    Scenarios scenarios = new Scenarios();
    for (Mode mode : Mode.values()) {
      scenarios.killedUnderLoad(mode);
      scenarios.zoneLost(mode);
      scenarios.allKilled(mode);
      scenarios.backPressure(mode);
      scenarios.leavesWhileQueued(mode);
      scenarios.leavesWhileAwaiting(mode);
      scenarios.halfCloses(mode);
    }
    scenarios.leavesInStream();
    scenarios.doesNotRead();
    scenarios.killedWithLiveStreams();
    scenarios.tenTimesSlower();
    scenarios.breakerOpensAndCloses();
    scenarios.heapStaysFlat();
    return scenarios.cells;
  }

  static List<Cell> longCells() {
    Scenarios scenarios = new Scenarios();
    scenarios.sipsForAMinute();
    return scenarios.cells;
  }

  private Cell add(String fault, Mode mode, Cell.Body body) {
    Cell cell = new Cell(fault, mode, body);
    cells.add(cell);
    return cell;
  }

  private static List<Outcome> all(List<CompletableFuture<Outcome>> asked) {
    return asked.stream().map(CompletableFuture::join).toList();
  }

  private void killedUnderLoad(Mode mode) {
    add(
            "replica killed and back under 100/s",
            mode,
            run -> {
              List<CompletableFuture<Outcome>> asked = new ArrayList<>();
              asked.addAll(run.load(10, 1_000, new Ask()));
              run.engines.kill(0).await();
              asked.addAll(run.load(10, 2_000, new Ask()));
              run.engines.revive(0).await();
              asked.addAll(run.load(10, 2_000, new Ask()));
              run.expect("every request whole", all(asked), whole());
            })
        .recovery(1)
        .solo();
  }

  /** Three of six replicas at once, and all of them the first choice of somebody's retry. */
  private void zoneLost(Mode mode) {
    List<Integer> lost = List.of(0, 2, 4);
    add(
            "zone lost and back under 100/s",
            mode,
            run -> {
              List<CompletableFuture<Outcome>> asked = new ArrayList<>();
              asked.addAll(run.load(10, 1_000, new Ask()));
              List<Future<Void>> kills = lost.stream().map(run.engines::kill).toList();
              asked.addAll(run.load(10, 3_000, new Ask()));
              Future.all(kills).await();
              Future.all(lost.stream().map(run.engines::revive).toList()).await();
              run.await("all healthy again", SOON_MILLIS, () -> run.healthy() == 6);
              long before = received(run, lost);
              int seconds = 0;
              do {
                asked.addAll(run.load(10, 1_000, new Ask()));
                seconds++;
              } while (seconds < 3 || (seconds < 20 && received(run, lost) == before));
              run.expect("every request whole", all(asked), whole());
              run.expect("work for the zone that is back", received(run, lost) > before);
            })
        .replicas(6)
        .zones(2)
        .recovery(1)
        .solo();
  }

  private static long received(CellRun run, List<Integer> replicas) {
    return replicas.stream().mapToLong(each -> run.stats(each).received()).sum();
  }

  private void allKilled(Mode mode) {
    add(
            "all killed, one returns",
            mode,
            run -> {
              run.expect("whole before", run.fire(3, new Ask()), whole());
              for (int i = 0; i < 3; i++) {
                run.engines.kill(i).await();
              }
              List<Outcome> during = run.fire(6, new Ask().header("x-penstock-timeout-ms", "1500"));
              run.expect("an error status", during, status(408, 429, 502, 503, 504));
              run.engines.revive(1).await();
              long back = System.nanoTime();
              run.await(
                  "a whole answer after one replica has returned",
                  SOON_MILLIS,
                  () -> run.fire(1, new Ask()).get(0).kind() == Outcome.Kind.WHOLE);
              run.recovery((System.nanoTime() - back) / 1e6);
              run.expect("whole after", run.fire(6, new Ask()), whole());
            })
        .recovery(1)
        .queue(10_000)
        .attempts(6);
  }

  /** One of three replicas answers 503 at once; the others take its share. */
  private void backPressure(Mode mode) {
    add(
            "replica that answers 503 at once",
            mode,
            run -> {
              run.engines
                  .arm(0, new SimFault(SimFault.Kind.STATUS, 0, 0, 503, 0, 10, 0, null), 1, 0)
                  .await();
              List<CompletableFuture<Outcome>> asked = new ArrayList<>();
              asked.addAll(run.load(20, 2_000, new Ask()));
              long before = run.stats(0).received();
              List<CompletableFuture<Outcome>> later = run.load(20, 3_000, new Ask());
              asked.addAll(later);
              run.expect("every request whole", all(asked), whole());
              long share = 100 * (run.stats(0).received() - before) / later.size();
              run.expect("a probe's share after 2 s, less than 5 %, not " + share, share < 5);
            })
        .solo();
  }

  private void leavesWhileQueued(Mode mode) {
    add(
            "client leaves while queued",
            mode,
            run -> {
              boolean streams = mode == Mode.STREAM;
              CompletableFuture<Outcome> holder =
                  run.send(
                      streams
                          ? new Ask().tokens(HOLDING_TOKENS)
                          : Ask.with(SILENT).habit(Habit.leavingAfterMillis(HOLDING_MILLIS)));
              run.await("the only slot taken", SOON_MILLIS, () -> run.sum(SimStats::inFlight) == 1);
              List<Outcome> queued = run.fire(4, new Ask().habit(Habit.leavingAfterMillis(500)));
              run.expect("left", queued, kind(Outcome.Kind.LEFT));
              run.expect("no work for them", run.sum(SimStats::received) == 1);
              run.expect(
                  "the holder of the slot undisturbed",
                  List.of(holder.join()),
                  kind(streams ? Outcome.Kind.WHOLE : Outcome.Kind.LEFT));
              run.expect("the slot free again", run.fire(2, new Ask()), whole());
            })
        .replicas(1)
        .concurrent(1)
        .step(HOLDING_MILLIS * 1_000.0 / HOLDING_TOKENS);
  }

  private void leavesWhileAwaiting(Mode mode) {
    add(
        "client leaves before the first token",
        mode,
        run -> {
          List<Outcome> left = run.fire(6, Ask.with(SILENT).habit(Habit.leavingAfterMillis(1_000)));
          run.expect("left", left, kind(Outcome.Kind.LEFT));
          run.settle();
          long calls = run.sum(SimStats::received);
          run.expect("every engine told", run.sum(SimStats::cancelled) == calls);
          // Not one each for certain: who leaves late has been tried again, who leaves early not
          // yet.
          run.expect("calls", calls > 0);
        });
  }

  private void leavesInStream() {
    for (int frames : List.of(1, 8, 25)) {
      add(
          "client leaves after frame " + frames,
          Mode.STREAM,
          run -> {
            List<Outcome> left =
                run.fire(6, new Ask().tokens(10_000).habit(Habit.leavingAfterFrames(frames)));
            run.expect("left", left, kind(Outcome.Kind.LEFT));
            run.settle();
            run.expect("every engine told", run.sum(SimStats::cancelled) == 6);
          });
    }
  }

  private void halfCloses(Mode mode) {
    add(
        "client half-closes",
        mode,
        run ->
            run.expect(
                "a whole answer or none",
                run.fire(6, new Ask().habit(Habit.halfClosing())),
                kind(Outcome.Kind.WHOLE, Outcome.Kind.BROKEN_OFF)));
  }

  /** Slower than the idle deadline, which is the engine's, not the client's. */
  private void doesNotRead() {
    add(
            "client that does not read for 4 s",
            Mode.STREAM,
            run ->
                run.expect(
                    "whole",
                    run.fire(2, new Ask().tokens(40_000).habit(Habit.sleeping(4_000))),
                    whole()))
        .step(50)
        .solo();
    add(
            "client that sips 1 byte a millisecond",
            Mode.STREAM,
            run ->
                run.expect(
                    "whole",
                    run.fire(3, new Ask().tokens(2_000).habit(Habit.sipping(3_000, 1))),
                    whole()))
        .step(50);
  }

  private void sipsForAMinute() {
    add(
            "client that sips 1 byte a second",
            Mode.STREAM,
            run ->
                run.expect(
                    "whole",
                    run.fire(3, new Ask().tokens(40_000).habit(Habit.sipping(60, 1_000))),
                    whole()))
        .step(50);
  }

  /** All streams on one replica; it dies, and two others have to continue all of them. */
  private void killedWithLiveStreams() {
    add(
            "replica killed with 200 live streams",
            Mode.STREAM,
            run -> {
              run.engines.kill(1).await();
              run.engines.kill(2).await();
              run.await("one replica left", SOON_MILLIS, () -> run.healthy() == 1);
              List<CompletableFuture<Outcome>> asked = new ArrayList<>();
              for (int i = 0; i < STREAMS; i++) {
                asked.add(run.send(new Ask().tokens(200)));
              }
              run.await(
                  "200 live streams",
                  SOON_MILLIS,
                  () ->
                      run.stats(0).inFlight() == STREAMS
                          && run.stats(0).generatedTokens() > 10 * STREAMS);
              run.engines.revive(1).await();
              run.engines.revive(2).await();
              run.await("three replicas", SOON_MILLIS, () -> run.healthy() == 3);
              run.expect("200 streams alive before the kill", run.stats(0).inFlight() == STREAMS);
              run.engines.kill(0).await();
              List<Outcome> outcomes = all(asked);
              run.expect("200 of 200 whole", outcomes, whole());
              double[] gaps =
                  outcomes.stream()
                      .mapToDouble(outcome -> outcome.seen().longestGapInStreamMillis())
                      .sorted()
                      .toArray();
              double p99 = gaps[gaps.length * 99 / 100];
              run.recovery(p99);
              run.expect("a p99 gap of less than 20 s, not " + p99 + " ms", p99 < 20_000);
            })
        .step(150_000)
        .concurrent(300)
        .recovery(1)
        .solo();
  }

  private void tenTimesSlower() {
    add(
            "replica 10 times slower",
            Mode.STREAM,
            run -> {
              run.arm(0, SimFault.of(SimFault.Kind.SLOW));
              List<CompletableFuture<Outcome>> asked = new ArrayList<>();
              asked.addAll(run.load(20, 10_000, new Ask()));
              long before = run.stats(0).received();
              List<CompletableFuture<Outcome>> later = run.load(20, 5_000, new Ask());
              asked.addAll(later);
              run.expect("every request whole", all(asked), whole());
              double share = 100.0 * (run.stats(0).received() - before) / later.size();
              run.expect("less than 3 % of the work after 10 s, not " + share, share < 3);
            })
        .step(30_000) // what the machine itself takes is small beside it
        .solo();
  }

  /** One of three replicas fails all requests for a while: no client sees it, and it comes back. */
  private void breakerOpensAndCloses() {
    add(
            "replica that fails, then recovers",
            Mode.WHOLE,
            run -> {
              run.arm(0, SimFault.of(SimFault.Kind.STATUS));
              List<CompletableFuture<Outcome>> asked = new ArrayList<>();
              long armed = System.nanoTime();
              while (run.breakerState() != OPEN
                  && System.nanoTime() - armed < TimeUnit.MILLISECONDS.toNanos(SOON_MILLIS)) {
                asked.addAll(run.load(20, 100, new Ask())); // without work it stays half-open
              }
              run.expect("an open breaker", run.breakerState() == OPEN);
              long opened = System.nanoTime();
              long before = run.stats(0).received();
              List<CompletableFuture<Outcome>> around = run.load(20, 1_000, new Ask());
              asked.addAll(around);
              long tried = run.stats(0).received() - before;
              long may = 2 + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - opened);
              run.expect("a trial a second while it is open, not " + tried, tried <= may);
              run.engines.clearFaults(0).await();
              long healed = System.nanoTime();
              while (run.breakerState() != CLOSED
                  && System.nanoTime() - healed < TimeUnit.MILLISECONDS.toNanos(SOON_MILLIS)) {
                asked.addAll(run.load(20, 100, new Ask()));
              }
              run.expect("a closed breaker", run.breakerState() == CLOSED);
              double recovered = (System.nanoTime() - healed) / 1e6;
              long closed = run.stats(0).received();
              asked.addAll(run.load(20, 1_000, new Ask()));
              run.expect("work for it again", run.stats(0).received() > closed);
              run.expect("every request whole", all(asked), whole());
              run.recovery(recovered);
            })
        .breaker(1)
        .solo();
  }

  private void heapStaysFlat() {
    add(
            "heap over 1,200 broken streams",
            Mode.STREAM,
            run -> {
              List<Outcome> outcomes = new ArrayList<>();
              String[] faults = {"reset;after=4", "eof;after=4", "error;after=4", "malformed"};
              long[] used = new long[3];
              for (int round = 0; round < used.length; round++) {
                for (int i = 0; i < 50; i++) {
                  for (String fault : faults) {
                    outcomes.addAll(run.fire(2, Ask.with(fault)));
                  }
                }
                used[round] = usedBytes();
              }
              run.expect(
                  "an error", outcomes, kind(Outcome.Kind.ERROR_FRAME, Outcome.Kind.ERROR_STATUS));
              long growth = used[2] - used[1];
              run.expect("a flat heap, not " + Arrays.toString(used) + " bytes", growth < 32 << 20);
            })
        .attempts(5)
        .step(200)
        .solo();
  }

  private static long usedBytes() throws InterruptedException {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) {
      System.gc();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      Runtime runtime = Runtime.getRuntime();
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
    }
    return least;
  }
}
