package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the index of prefixes takes over ten million requests of conversations that grow, end and
 * are forgotten: its own count against its bound, and the heap that a collection leaves.
 */
@Tag("soak")
class IndexMemoryIT {
  private static final Logger LOG = LoggerFactory.getLogger(IndexMemoryIT.class);
  private static final int REQUESTS = Integer.getInteger("index.requests", 10_000_000);
  private static final int REPLICAS = 8;
  private static final int BLOCK_TOKENS = 64;
  private static final int CONVERSATIONS = 5_000;

  /** A block of what follows in a conversation: the same whenever it is asked for. */
  private static long block(long conversation, int at) {
    long z = conversation * 0x9E3779B97F4A7C15L + at * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  private static PromptBlocks prompt(long conversation, int blocks) {
    long[] hashes = new long[blocks];
    for (int i = 0; i < blocks; i++) {
      hashes[i] = i < 8 ? i + 1 : block(conversation, i); // all begin with the same 512 tokens
    }
    return PromptBlocks.of(hashes, BLOCK_TOKENS);
  }

  private static long heap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  @ParameterizedTest
  @ValueSource(strings = {"prefix_cache", "predicted_latency"})
  void staysWithinItsBound(String strategy) {
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < REPLICAS; i++) {
      specs.add(Samples.spec("r" + i, 1, 1_000));
    }
    Roster roster = new Roster(Samples.pool(specs), false);
    Strategy chooses =
        Strategy.of(RoutingStrategy.of(strategy).orElseThrow(), new Random(1)::nextDouble);
    List<Replica> candidates = new ArrayList<>();
    roster.candidates(0, Set.of(), candidates);
    long[] conversations = new long[CONVERSATIONS];
    int[] lengths = new int[CONVERSATIONS];
    Random random = new Random(2);
    for (int i = 0; i < CONVERSATIONS; i++) {
      conversations[i] = random.nextLong();
      lengths[i] = 9 + random.nextInt(20);
    }
    Admit ask = Samples.Ask.of("q").admit();
    long before = heap();
    long most = 0;
    long began = System.nanoTime();
    for (int n = 0; n < REQUESTS; n++) {
      int which = (int) (CONVERSATIONS * Math.pow(random.nextDouble(), 3)); // few ask much
      if (lengths[which] > 200 || random.nextInt(30) == 0) {
        conversations[which] = random.nextLong();
        lengths[which] = 9 + random.nextInt(20);
      }
      lengths[which] += random.nextInt(6);
      PromptBlocks blocks = prompt(conversations[which], lengths[which]);
      Admit admit = Samples.prompted(ask, BLOCK_TOKENS * lengths[which], blocks);
      Collections.shuffle(candidates, random); // half of the replicas have no free slot
      Replica picked = chooses.pick(candidates.subList(0, REPLICAS / 2), roster, admit, n);
      Errand errand = Objects.requireNonNull(chooses.granted(picked, admit, n));
      int cached = errand.cachedTokens;
      chooses.ended(
          errand,
          roster,
          new Release(
              ask.id(),
              ask.pool(),
              1,
              picked.id(),
              Outcome.OK,
              new TokenUsage(admit.promptTokens(), 100, cached),
              50,
              650,
              0),
          n);
      if (n % 100_000 == 0) {
        most = Math.max(most, most(roster));
        assertThat(most).isLessThanOrEqualTo(Pool.PREFIX_INDEX_BYTES);
      }
    }
    long seconds = (System.nanoTime() - began) / 1_000_000_000;
    long held = heap() - before;
    most = Math.max(most, most(roster));
    int hashes = 0;
    for (Replica each : roster.all()) {
      hashes += Objects.requireNonNull(each.prospect).index().size();
    }
    LOG.info(
        "{}: {} requests in {} s, {} replicas: at most {} bytes for one of {} allowed; {} hashes"
            + " in all; heap {} bytes more, {} a replica",
        strategy,
        REQUESTS,
        seconds,
        REPLICAS,
        most,
        Pool.PREFIX_INDEX_BYTES,
        hashes,
        held,
        held / REPLICAS);
    assertThat(most).isLessThanOrEqualTo(Pool.PREFIX_INDEX_BYTES);
    assertThat(held)
        .as("heap, with what else the strategy keeps")
        .isLessThan(REPLICAS * Pool.PREFIX_INDEX_BYTES * 5 / 4);
  }

  private static long most(Roster roster) {
    long most = 0;
    for (Replica each : roster.all()) {
      Prospect prospect = each.prospect;
      most = prospect == null ? most : Math.max(most, prospect.index().bytes());
    }
    return most;
  }
}
