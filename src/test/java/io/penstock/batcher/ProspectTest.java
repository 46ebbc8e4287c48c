package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.PromptBlocks;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import java.util.ArrayDeque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ProspectTest {
  private static final int BLOCK = 64;

  private final Strategy strategy = new PredictedLatency(1 << 20);
  private final Prospect prospect = new Prospect(strategy, 1 << 20, new Tempo(new Typical()));
  private long now;

  private static PromptBlocks session(int session, int blocks) {
    long[] hashes = new long[blocks];
    for (int i = 0; i < blocks; i++) {
      hashes[i] = 1_000L * session + i + 1;
    }
    return PromptBlocks.of(hashes, BLOCK);
  }

  private Errand grant(PromptBlocks prompt) {
    Admit admit = Samples.prompted(Samples.Ask.of("r").admit(), prompt.size() * BLOCK, prompt);
    Errand errand =
        new Errand(strategy, prospect, admit.promptTokens(), prospect.match(prompt), true, now++);
    prospect.granted(prompt, errand);
    return errand;
  }

  private void answer(Errand errand, int cached) {
    prospect.learn(errand, new TokenUsage(errand.promptTokens, 10, cached));
  }

  @Test
  void expectsWhatItWasGiven() {
    grant(session(1, 10));
    assertThat(prospect.cachedHashes(session(1, 14), 0)).isEqualTo(10);
    assertThat(prospect.cachedHashes(session(2, 14), 0)).isZero();
    assertThat(grant(session(1, 14)).uncachedTokens()).isEqualTo(4 * BLOCK);
  }

  @Test
  void learnsHowMuchTheCacheHoldsFromWhatWasFound() {
    int capacity = 30_000;
    Random random = new Random(1);
    ArrayDeque<Integer> cache = new ArrayDeque<>(); // sessions of 10 blocks, newest first
    int held = capacity / (10 * BLOCK);
    for (int i = 0; i < 4_000; i++) {
      int session = random.nextInt(120);
      Errand errand = grant(session(session, 10));
      boolean found = cache.remove(session);
      cache.addFirst(session);
      while (cache.size() > held) {
        cache.removeLast();
      }
      answer(errand, found ? 640 : 0);
    }
    // Ages count what was read, hits excluded: up to the capacity, as the hits are not new.
    assertThat(prospect.holdsTokens()).isBetween(capacity * 0.4, capacity * 1.6);
  }

  @Test
  void whatIsStillToBeReadForAnotherIsMissedByNoFaultOfTheCache() {
    answer(grant(session(2, 10)), 64); // it tells
    Errand first = grant(session(1, 10));
    prospect.backlog().add(first);
    Errand second = grant(session(1, 14));
    prospect.backlog().remove(first, now);
    answer(first, 0);
    answer(second, 0);
    assertThat(prospect.holdsTokens()).isInfinite();
    assertThat(prospect.cachedHashes(session(1, 14), 0)).isEqualTo(14);

    answer(grant(session(1, 14)), 0);
    assertThat(prospect.holdsTokens()).as("now it was read").isFinite();
  }

  @Test
  void believesItsIndexWhereNothingIsReported() {
    for (int i = 0; i < 50; i++) {
      answer(grant(session(i % 5, 10)), 0);
    }
    assertThat(prospect.holdsTokens()).isInfinite();
    assertThat(prospect.cachedHashes(session(1, 10), 0)).isEqualTo(10);
  }

  @Test
  void aRestartIsSeenByWhatIsNotFoundAnyMore() {
    answer(grant(session(1, 10)), 0);
    answer(grant(session(1, 10)), 640);
    for (int i = 2; i < 20; i++) {
      answer(grant(session(i, 10)), 0);
    }
    for (int i = 2; i < 2 + Prospect.MISSES_OF_A_RESTART; i++) {
      assertThat(prospect.index().size()).isPositive();
      answer(grant(session(i, 10)), 0);
    }
    assertThat(prospect.index().size()).isZero();
  }

  @Test
  void oneMissAloneIsNoRestart() {
    answer(grant(session(1, 10)), 0);
    for (int i = 0; i < 20; i++) {
      answer(grant(session(1, 10)), i % 3 == 0 ? 0 : 640);
    }
    assertThat(prospect.index().size()).isEqualTo(10);
  }
}
