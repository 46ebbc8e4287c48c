package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.EngineCache.Source;
import io.penstock.inference.NodeId;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.TokenUsage;
import io.penstock.message.KvCacheState;
import org.junit.jupiter.api.Test;

class EngineCacheTest {
  private static final NodeId A = new NodeId("a");
  private static final NodeId B = new NodeId("b");
  private static final int BLOCK = 64;
  private static final TokenUsage WORK = new TokenUsage(2_000, 10, 0);

  private final EngineCache engine = new EngineCache();
  private final Strategy strategy = new PredictedLatency(1 << 20);
  private final Prospect prospect =
      new Prospect(strategy, 1 << 20, new Tempo(new Typical()), engine);

  EngineCacheTest() {
    engine.follow(true, 1_000);
  }

  private static KvCacheState state(
      long batches, long keeps, long stored, long empties, long emptiedMillis, boolean whole) {
    return new KvCacheState(
        true,
        whole,
        10,
        160,
        keeps,
        stored,
        0,
        empties,
        emptiedMillis,
        batches,
        batches,
        0,
        0,
        0,
        0,
        0,
        0,
        5);
  }

  @Test
  void anEmptyCacheIsTold() {
    assertThat(engine.told(A, state(1, -1, 0, 0, 100, true), 0)).isFalse();
    assertThat(engine.told(A, state(2, -1, 0, 0, 100, true), 1)).isFalse();
    assertThat(engine.told(A, state(3, -1, 0, 1, 200, true), 2)).isTrue();
    assertThat(engine.told(A, state(3, -1, 0, 1, 200, true), 3)).isFalse();
    assertThat(engine.told(B, state(3, -1, 0, 0, 200, true), 4)).as("of another").isFalse();
    assertThat(engine.told(A, state(1, -1, 0, 0, 300, true), 5)).as("in between").isTrue();
    assertThat(engine.told(B, state(1, -1, 0, 0, 0, false), 6)).as("not known").isFalse();
  }

  @Test
  void whoIsNotHeardIsNotFollowed() {
    engine.unheard();
    assertThat(engine.told()).isEmpty();
    engine.told(A, state(1, 500, 0, 0, 100, true), 0);

    engine.unheard();

    assertThat(engine.told().orElseThrow().following()).isFalse();
    assertThat(engine.source()).as("known yet").isEqualTo(Source.KEPT);
    engine.told(A, state(1, 500, 0, 0, 100, true), 1);
    assertThat(engine.told().orElseThrow().following()).isTrue();
  }

  @Test
  void anEngineThatWorksAndSaysNothingIsSilent() {
    engine.told(A, state(1, 500, 0, 0, 100, true), 0);
    assertThat(engine.source()).isEqualTo(Source.KEPT);
    engine.review(1_000_000);
    assertThat(engine.isSilent()).as("idle").isFalse();

    engine.ended(new TokenUsage(100_000, 10, 99_990), 999_000, 1_000_000);
    engine.review(1_010_000);
    assertThat(engine.isSilent()).as("all was cached").isFalse();

    engine.ended(WORK, 1_009_000, 1_010_000);
    engine.review(1_013_000);
    assertThat(engine.isSilent()).isFalse();
    engine.review(1_013_001);
    assertThat(engine.isSilent()).isTrue();
    assertThat(engine.source()).isEqualTo(Source.NONE);

    engine.told(A, state(1, 500, 0, 0, 100, true), 1_014_000);
    assertThat(engine.isSilent()).as("no new batch").isTrue();
    engine.told(A, state(2, 500, 0, 0, 100, true), 1_015_000);
    assertThat(engine.isSilent()).isFalse();
    assertThat(engine.source()).isEqualTo(Source.KEPT);
  }

  /** Its last block may be full, and be told of, some time before its end. */
  @Test
  void whatAnAnswerHasStoredMayHaveBeenHeardBeforeItsEnd() {
    engine.told(A, state(1, 500, 0, 0, 100, true), 0);
    engine.told(A, state(2, 500, 2_000, 0, 100, true), 1_000);
    engine.ended(WORK, 500, 1_200);
    engine.review(1_000_000);
    assertThat(engine.isSilent()).as("the batch was of its prompt").isFalse();

    engine.ended(WORK, 1_000_000, 1_000_200);
    engine.review(2_000_000);
    assertThat(engine.isSilent()).as("granted since").isTrue();
  }

  @Test
  void oneThatWasNeverHeardIsSilentToo() {
    engine.ended(WORK, 0, 0);
    engine.review(4_000);
    assertThat(engine.isSilent()).isTrue();
    engine.follow(false, 1_000);
    engine.ended(WORK, 4_500, 5_000);
    engine.review(100_000);
    assertThat(engine.isSilent()).as("there are none to be heard").isFalse();
  }

  private static PromptBlocks session(int session, int blocks) {
    long[] hashes = new long[blocks];
    for (int i = 0; i < blocks; i++) {
      hashes[i] = 1_000L * session + i + 1;
    }
    return PromptBlocks.of(hashes, BLOCK);
  }

  private Errand grant(PromptBlocks prompt) {
    Errand errand =
        new Errand(strategy, prospect, prompt.size() * BLOCK, prospect.match(prompt), true, 0);
    prospect.granted(prompt, errand);
    return errand;
  }

  private void told(KvCacheState state) {
    boolean isOfSame = engine.isOfSame(A);
    if (engine.told(A, state, 0)) {
      prospect.reborn();
    }
    prospect.told(state, isOfSame);
  }

  @Test
  void theIndexGoesByWhatTheEngineKeeps() {
    told(state(1, -1, 0, 0, 100, true));
    for (int i = 0; i < 10; i++) {
      grant(session(i, 10));
    }
    told(state(2, -1, 6_400, 0, 100, true));
    assertThat(prospect.holdsTokens()).as("nothing had to make room").isInfinite();
    assertThat(prospect.cachedHashes(session(0, 10), 0)).isEqualTo(10);

    told(state(3, 3_200, 6_400, 0, 100, true));
    assertThat(prospect.holdsTokens()).isEqualTo(3_200);
    assertThat(prospect.cachedHashes(session(0, 10), 0)).as("too old").isZero();
    assertThat(prospect.cachedHashes(session(9, 10), 0)).isEqualTo(10);

    told(state(4, -1, 6_400, 1, 200, true));
    assertThat(prospect.cachedHashes(session(9, 10), 0)).as("emptied").isZero();
    assertThat(prospect.index().size()).isZero();
  }

  /** A bound of the engine's does not shrink for misses that have other causes. */
  @Test
  void missesDoNotCountWhileTheEngineSaysMore() {
    told(state(1, -1, 0, 0, 100, true));
    PromptBlocks prompt = session(1, 10);
    Errand first = grant(prompt);
    prospect.learn(first, new TokenUsage(640, 10, 0));
    grant(session(2, 10));
    prospect.learn(grant(prompt), new TokenUsage(640, 10, 600));
    prospect.learn(grant(prompt), new TokenUsage(640, 10, 0));
    assertThat(prospect.holdsTokens()).isInfinite();

    engine.ended(WORK, 9_000, 10_000);
    engine.review(20_000);
    assertThat(engine.isSilent()).isTrue();
    assertThat(prospect.holdsTokens()).as("what was learned").isFinite();
  }

  /** Half of what the engine stores is not of this owner's requests. */
  @Test
  void tokensOfTheEngineAreMadeTokensOfTheOwner() {
    told(state(1, 10_000, 0, 0, 100, true));
    for (int i = 0; i < 100; i++) {
      grant(session(i, 10));
      told(state(2 + i, 10_000, 1_280L * (i + 1), 0, 100, true));
    }
    assertThat(prospect.scale()).isBetween(0.45, 0.55);
    assertThat(prospect.holdsTokens()).isBetween(4_500.0, 5_500.0);
  }
}
