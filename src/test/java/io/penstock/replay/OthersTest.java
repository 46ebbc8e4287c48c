package io.penstock.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.message.Admit;
import io.penstock.sim.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The policies that are compared with, one decision at a time, on replicas with 64 blocks of 16.
 */
class OthersTest {
  private static final Sequence.Owner NOBODY =
      new Sequence.Owner() {
        @Override
        public void onTokens(Sequence sequence, int count, long atNanos) {}

        @Override
        public void onFinished(Sequence sequence, long atNanos) {}
      };

  @TempDir Path folder;

  private final List<VirtualReplica> replicas = new ArrayList<>();
  private final Map<RequestId, Call> calls = new HashMap<>();
  private SimFleet.OfPool pool;
  private long now;

  private final Survey survey =
      new Survey() {
        @Override
        public Call call(RequestId id) {
          return Objects.requireNonNull(calls.get(id));
        }

        @Override
        public VirtualReplica replica(ReplicaId id) {
          return replicas.stream().filter(each -> each.id().equals(id)).findAny().orElseThrow();
        }

        @Override
        public int replicas() {
          return replicas.size();
        }

        @Override
        public int blockTokens() {
          return 16;
        }

        @Override
        public long nowNanos() {
          return now;
        }
      };

  @BeforeEach
  void twoReplicas() {
    pool = Samples.tiny(folder, 2, 100, "").pools().get(0);
    for (SimFleet.OfReplica each : pool.replicas()) {
      replicas.add(new VirtualReplica(replicas.size(), 0, each, 16));
    }
  }

  private static long[] prompt(int first, int blocks) {
    return LongStream.range(0, blocks).map(n -> 1_000L * first + n).toArray();
  }

  private int pick(StandalonePool.Picker picker, long... hashes) {
    Call call = new Call(calls.size(), 0, -1, now, 16 * hashes.length, 5, 0, hashes);
    calls.put(call.id, call);
    Admit admit = Messages.admit(call, pool.pool(), 16);
    ReplicaId id = picker.pick(replicas.stream().map(VirtualReplica::id).toList(), admit);
    return survey.replica(id).index;
  }

  /** So many requests live on the replica. */
  private void load(int replica, int many) {
    for (int i = 0; i < many; i++) {
      replicas.get(replica).begin(new Call(10_000 + i, 0, -1, 0, 16, 5, 0, prompt(0, 0)));
    }
  }

  /** The replica's engine computes a prompt, and writes so many tokens. */
  private void compute(int replica, int tokens, long... hashes) {
    replicas.get(replica).core().submit(NOBODY, hashes, 16 * hashes.length + 1, tokens, now);
  }

  @Test
  void cacheAwareGoesWhereMostOfThePromptWentAndElseWhereLeastDid() {
    CacheAware picker = new CacheAware(survey);

    assertThat(pick(picker, prompt(1, 8))).isEqualTo(0);
    assertThat(pick(picker, prompt(2, 4))).as("the other tree is smaller").isEqualTo(1);
    assertThat(pick(picker, prompt(1, 10))).as("8 of 10 blocks went there").isEqualTo(0);
    assertThat(pick(picker, prompt(1, 30))).as("10 of 30 are no more than half").isEqualTo(1);
  }

  @Test
  void cacheAwareGoesWhereLeastRunsWhileTheLoadIsUneven() {
    CacheAware picker = new CacheAware(survey);
    assertThat(pick(picker, prompt(1, 8))).isEqualTo(0);

    load(0, 33);

    assertThat(pick(picker, prompt(1, 8))).isEqualTo(1);
  }

  @Test
  void scoresWeighQueueCacheAndPrefix() {
    WeightedScores picker = new WeightedScores(survey, () -> 0.99);
    int first = pick(picker, prompt(1, 8));
    int other = 1 - first;

    assertThat(pick(picker, prompt(1, 8))).as("its prefix, 3, beside nothing").isEqualTo(first);

    for (int i = 0; i < 9; i++) {
      compute(first, 900, prompt(50 + i, 6)); // six run and hold cache, three wait
    }
    now += WeightedScores.SCRAPE_NANOS;
    replicas.get(first).core().advance(now);
    assertThat(replicas.get(first).core().waiting()).isPositive();
    assertThat(pick(picker, prompt(1, 8))).as("2 for the queue and much cache").isEqualTo(other);
  }

  @Test
  void scoresSeeTheEnginesAsTheyWereAtTheLastScrape() {
    WeightedScores picker = new WeightedScores(survey, () -> 0.99);
    int first = pick(picker, prompt(1, 8));
    for (int i = 0; i < 9; i++) {
      compute(first, 900, prompt(50 + i, 6));
    }
    replicas.get(first).core().advance(now);

    assertThat(pick(picker, prompt(1, 8))).isEqualTo(first);
  }

  @Test
  void theOmniscientKnowsWhatIsCachedAndWhatIsNoMore() {
    Omniscient picker = new Omniscient(survey, Samples.BOUNDS);
    compute(1, 1, prompt(1, 20));
    now = 2_000_000_000L;
    replicas.get(1).core().advance(now);

    assertThat(pick(picker, prompt(1, 20))).isEqualTo(1);

    replicas.get(1).die();
    replicas.get(1).rise(now);
    assertThat(pick(picker, prompt(1, 20))).isEqualTo(0);
  }

  @Test
  void theOmniscientKnowsWhoIsSlowAndWhoIsDead() {
    Omniscient picker = new Omniscient(survey, Samples.BOUNDS);
    replicas.get(0).slowDown(3);
    assertThat(pick(picker, prompt(1, 8))).isEqualTo(1);

    replicas.get(1).die();
    assertThat(pick(picker, prompt(1, 8))).isEqualTo(0);
  }

  @Test
  void theOmniscientKeepsAwayFromALongPromptThatIsBeingRead() {
    Omniscient picker = new Omniscient(survey, Samples.BOUNDS);
    compute(0, 1, prompt(9, 60));
    replicas.get(0).core().advance(now);

    assertThat(pick(picker, prompt(1, 8))).isEqualTo(1);
  }
}
