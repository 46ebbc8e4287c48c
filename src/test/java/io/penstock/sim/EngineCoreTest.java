package io.penstock.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EngineCoreTest {
  private static final long[] NO_HASHES = {};
  private static final long MILLI = 1_000_000;

  /** 1 ms a step whatever it holds, 64 blocks. */
  private static final SimProfile STEPS =
      new SimProfile("t", "t", 0, 1000, 0, 0, 1024, 4, 256, 1024);

  private final Log log = new Log();

  @Test
  void makesOneTokenAStep() {
    EngineCore core = new EngineCore(STEPS, 0);
    Sequence one = core.submit(log, NO_HASHES, 10, 3, 0);
    assertThat(core.nextTokenNanos()).isZero();
    core.advance(0);
    assertThat(core.nextTokenNanos()).isEqualTo(MILLI);
    core.advance(MILLI - 1);
    assertThat(one.generated).isZero();
    core.advance(MILLI);
    assertThat(one.generated).isEqualTo(1);
    core.advance(3 * MILLI);
    assertThat(one.state).isEqualTo(Sequence.State.FINISHED);
    assertThat(one.firstTokenNanos).isEqualTo(MILLI);
    assertThat(one.finishedNanos).isEqualTo(3 * MILLI);
    assertThat(core.nextTokenNanos()).isEqualTo(EngineCore.IDLE);
    assertThat(core.freeBlocks()).isEqualTo(core.blocks());
  }

  @Test
  void startsNothingBeforeItIsReady() {
    EngineCore core = new EngineCore(STEPS, 50 * MILLI);
    Sequence one = core.submit(log, NO_HASHES, 10, 1, 0);
    core.advance(50 * MILLI);
    assertThat(one.generated).isZero();
    assertThat(core.nextTokenNanos()).isEqualTo(51 * MILLI);
  }

  @Test
  void sequencesThatArriveAtOneTimeShareAStep() {
    EngineCore core = new EngineCore(STEPS, 0);
    Sequence one = core.submit(log, NO_HASHES, 10, 1, 5);
    Sequence two = core.submit(log, NO_HASHES, 10, 1, 5);
    core.advance(5 + MILLI);
    assertThat(one.finishedNanos).isEqualTo(5 + MILLI).isEqualTo(two.finishedNanos);
    assertThat(core.steps()).isEqualTo(1);
  }

  @Test
  void anArrivalJoinsAfterTheStepInFlight() {
    EngineCore core = new EngineCore(STEPS, 0);
    core.submit(log, NO_HASHES, 10, 100, 0);
    core.advance(10 * MILLI + 1);
    Sequence late = core.submit(log, NO_HASHES, 10, 1, 10 * MILLI + MILLI / 2);
    core.advance(100 * MILLI);
    assertThat(late.firstTokenNanos).isEqualTo(12 * MILLI);
  }

  @Test
  void admitsNoMoreThanMaxNumSeqs() {
    EngineCore core = new EngineCore(STEPS, 0);
    for (int i = 0; i < 6; i++) {
      core.submit(log, NO_HASHES, 8, 10, 0);
    }
    core.advance(0);
    assertThat(core.running()).isEqualTo(4);
    assertThat(core.waiting()).isEqualTo(2);
    core.advance(10 * MILLI);
    assertThat(core.running()).isEqualTo(2);
    assertThat(core.peakRunning()).isEqualTo(4);
  }

  @Test
  void prefillsInChunksBesideDecoding() {
    EngineCore core = new EngineCore(STEPS, 0);
    Sequence decoding = core.submit(log, NO_HASHES, 8, 50, 0);
    core.advance(2 * MILLI);
    Sequence prompt = core.submit(log, NO_HASHES, 700, 1, 2 * MILLI);
    core.advance(3 * MILLI);
    core.advance(6 * MILLI);
    // 700 tokens at 255 a step beside the decoding one: 3 steps, the first in flight at arrival.
    assertThat(prompt.firstTokenNanos).isEqualTo(6 * MILLI);
    assertThat(decoding.generated).isEqualTo(6);
  }

  /** 1 ms a step, 10 µs a prompt token, 100 µs a sequence, 1 µs a token of context. */
  private static EngineCore inTurn() {
    return new EngineCore(
        new SimProfile("t", "t", 10, 1_000, 100, 1, 4_096, 4, 4_096, 1_024, true), 0);
  }

  @Test
  void withoutASchedulerACallWaitsForTheLastTokenOfTheOneBefore() {
    EngineCore core = inTurn();
    Log first = new Log();
    Log second = new Log();
    Sequence small = core.submit(first, NO_HASHES, 10, 1, 0);
    Sequence large = core.submit(first, NO_HASHES, 30, 3, 0);
    Sequence next = core.submit(second, NO_HASHES, 10, 1, 0);
    // Prefill as of two prompts of 30 tokens, two steps as of two sequences of 30 and 31.
    long prefill = MILLI + 2 * 30 * 10_000;
    long steps = 2 * (MILLI + 2 * 100_000) + 2 * (30 + 31) * 1_000;
    core.advance(prefill);
    assertThat(small.finishedNanos).isEqualTo(prefill);
    assertThat(core.running()).isEqualTo(1);
    assertThat(next.generated).isZero();
    core.advance(prefill + steps);
    assertThat(large.finishedNanos).isEqualTo(prefill + steps);
    core.advance(1_000 * MILLI);
    assertThat(next.finishedNanos).isEqualTo(prefill + steps + MILLI + 10 * 10_000);
  }

  @Test
  void withoutASchedulerOneThatLeavesMakesRoomForTheNextCall() {
    EngineCore core = inTurn();
    Log first = new Log();
    Sequence one = core.submit(first, NO_HASHES, 10, 500, 0);
    Sequence two = core.submit(first, NO_HASHES, 10, 500, 0);
    Sequence next = core.submit(new Log(), NO_HASHES, 10, 1, 0);
    core.advance(10 * MILLI);
    core.cancel(one, 10 * MILLI);
    core.advance(20 * MILLI);
    assertThat(next.generated).isZero();
    core.cancel(two, 20 * MILLI);
    core.advance(30 * MILLI);
    assertThat(next.generated).isEqualTo(1);
    assertThat(core.freeBlocks()).isEqualTo(core.blocks());
  }

  @Test
  void findsAPrefixAgainAfterItsSequenceEnded() {
    EngineCore core = new EngineCore(STEPS, 0);
    long[] hashes = {11, 22, 33};
    core.submit(log, hashes, 48, 1, 0);
    core.advance(MILLI);
    Sequence again = core.submit(log, hashes, 48, 1, MILLI);
    core.advance(2 * MILLI);
    // The last block is computed again: something must be, to sample from.
    assertThat(again.cachedTokens).isEqualTo(32);
    Sequence longer = core.submit(log, new long[] {11, 22, 33, 44}, 64, 1, 2 * MILLI);
    core.advance(3 * MILLI);
    assertThat(longer.cachedTokens).isEqualTo(48);
    assertThat(core.prefixHits()).isEqualTo(80);
    assertThat(core.prefixQueries()).isEqualTo(160);
  }

  @Test
  void evictsTheLongestUnusedPrefixFirst() {
    SimProfile small = STEPS.withKvTokens(64).withMaxModelLength(64);
    EngineCore core = new EngineCore(small, 0);
    run(core, new long[] {1}, 17);
    run(core, new long[] {2}, 17);
    // Four blocks: two fresh ones for this take what is oldest, 1 among it.
    run(core, new long[] {3, 4}, 33);
    assertThat(core.evictions()).isPositive();
    Sequence two = run(core, new long[] {3, 4}, 33);
    assertThat(two.cachedTokens).isEqualTo(32);
    Sequence one = run(core, new long[] {1}, 17);
    assertThat(one.cachedTokens).isZero();
  }

  private Sequence run(EngineCore core, long[] hashes, int tokens) {
    long start = core.nextTokenNanos() == EngineCore.IDLE ? clock : core.nextTokenNanos();
    Sequence sequence = core.submit(log, hashes, tokens, 1, start);
    clock = start + MILLI;
    core.advance(clock);
    assertThat(sequence.state).isEqualTo(Sequence.State.FINISHED);
    return sequence;
  }

  private long clock;

  @Test
  void preemptsTheLastWhenBlocksRunOutAndLosesNoToken() {
    // Six blocks: both prompts fit with one block each to spare, both answers do not.
    SimProfile tight = STEPS.withKvTokens(96).withMaxModelLength(96);
    EngineCore core = new EngineCore(tight, 0);
    Sequence first = core.submit(log, NO_HASHES, 30, 50, 0);
    Sequence second = core.submit(log, NO_HASHES, 30, 50, 0);
    core.advance(1000 * MILLI);
    assertThat(core.preemptions()).isPositive();
    assertThat(second.preemptions).isPositive();
    assertThat(first.preemptions).isZero();
    assertThat(first.generated).isEqualTo(50);
    assertThat(second.generated).isEqualTo(50);
    assertThat(core.freeBlocks()).isEqualTo(core.blocks());
  }

  @Test
  void cancellationFreesAtOnce() {
    EngineCore core = new EngineCore(STEPS, 0);
    Sequence gone = core.submit(log, NO_HASHES, 500, 100, 0);
    for (int i = 0; i < 5; i++) {
      core.submit(log, NO_HASHES, 8, 100, 0);
    }
    core.advance(5 * MILLI + 1);
    int generated = gone.generated;
    assertThat(core.waiting()).isEqualTo(2);
    core.cancel(gone, 5 * MILLI + 2);
    assertThat(core.running()).isEqualTo(3);
    assertThat(gone.held).isZero();
    assertThat(core.wastedTokens()).isEqualTo(generated);
    core.advance(7 * MILLI);
    assertThat(core.running()).isEqualTo(4); // the queue's head has moved up
    assertThat(gone.generated).isEqualTo(generated);
    core.cancel(gone, 7 * MILLI);
    assertThat(core.cancelled()).isEqualTo(1);
  }

  @Test
  void anOwnerMaySubmitAndCancelFromWithin() {
    EngineCore core = new EngineCore(STEPS, 0);
    List<Sequence> next = new ArrayList<>();
    Sequence other = core.submit(log, NO_HASHES, 8, 100, 0);
    core.submit(
        new Sequence.Owner() {
          @Override
          public void onTokens(Sequence sequence, int count, long atNanos) {}

          @Override
          public void onFinished(Sequence sequence, long atNanos) {
            core.cancel(other, atNanos);
            next.add(core.submit(log, NO_HASHES, 8, 1, atNanos));
          }
        },
        NO_HASHES,
        8,
        2,
        0);
    core.advance(3 * MILLI);
    assertThat(other.state).isEqualTo(Sequence.State.CANCELLED);
    assertThat(next.get(0).finishedNanos).isEqualTo(3 * MILLI);
  }

  @Test
  void slowsDownFromTheNextStepOn() {
    EngineCore core = new EngineCore(STEPS, 0);
    Sequence one = core.submit(log, NO_HASHES, 8, 3, 0);
    core.advance(MILLI);
    core.slowDown(10);
    core.advance(100 * MILLI);
    assertThat(one.finishedNanos).isEqualTo(2 * MILLI + 10 * MILLI);
  }

  @Test
  void refusesWhatCanNeverRun() {
    EngineCore core = new EngineCore(STEPS, 0);
    assertThatThrownBy(() -> core.submit(log, NO_HASHES, 1000, 25, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("promptTokens + maxTokens: 1025 (expected: <= 1024 (maxModelLength))");
  }

  /** Remembers what it was told. */
  static final class Log implements Sequence.Owner {
    final List<Sequence> finished = new ArrayList<>();

    @Override
    public void onTokens(Sequence sequence, int count, long atNanos) {
      assertThat(count).isPositive();
    }

    @Override
    public void onFinished(Sequence sequence, long atNanos) {
      finished.add(sequence);
    }
  }
}
