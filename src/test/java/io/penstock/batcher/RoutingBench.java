package io.penstock.batcher;

import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Admit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the choice of a replica costs the owner of a pool whose replicas' caches are full of
 * conversations that begin alike: {@link #pick} is the choice, {@link #pickAndGrant} takes it down
 * as well and forgets it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RoutingBench {
  private static final int BLOCK_TOKENS = 64;
  private static final int SHARED_BLOCKS = 10;

  /** Hashes with which each replica's index is filled. */
  private static final int FILL = 20_000;

  @Param({"8", "64", "512"})
  int replicas;

  @Param({"1000", "100000"})
  int promptTokens;

  @Param({"least_loaded", "prefix_cache", "predicted_latency"})
  String strategy = "";

  private final List<Replica> candidates = new ArrayList<>();
  private Admit[] admits = {};
  private Strategy chooses = new LeastLoaded();
  private Roster roster = new Roster(Samples.pool(List.of()), false);
  private int ops;

  private static PromptBlocks conversation(Random random, int blocks) {
    long[] hashes = new long[blocks];
    for (int i = 0; i < blocks; i++) {
      hashes[i] = i < SHARED_BLOCKS ? i + 1 : random.nextLong();
    }
    return PromptBlocks.of(hashes, BLOCK_TOKENS);
  }

  private Admit admit(PromptBlocks prompt) {
    return Samples.prompted(Samples.Ask.of("q").admit(), promptTokens, prompt);
  }

  @Setup
  public void fill() {
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < replicas; i++) {
      specs.add(Samples.spec("r" + i, 1, 1_000));
    }
    roster = new Roster(Samples.pool(specs), false);
    chooses = Strategy.of(RoutingStrategy.of(strategy).orElseThrow(), new Random(1)::nextDouble);
    Random random = new Random(2);
    List<Admit> kept = new ArrayList<>();
    for (Replica replica : roster.all()) {
      for (int filled = 0; filled < FILL; ) {
        PromptBlocks prompt = conversation(random, promptTokens / BLOCK_TOKENS);
        filled += Math.max(1, prompt.size());
        Admit admit = admit(prompt);
        Errand errand = chooses.granted(replica, admit, 0);
        if (errand != null) {
          chooses.ended(errand, roster, null, 0);
        }
        if (kept.size() < 4 * replicas && random.nextInt(4) == 0) {
          kept.add(admit);
        }
      }
    }
    kept.add(admit(conversation(random, promptTokens / BLOCK_TOKENS)));
    admits = kept.toArray(new Admit[0]);
    roster.candidates(0, Set.of(), candidates);
  }

  private Admit next() {
    ops = (ops + 7_919) % admits.length;
    return admits[ops];
  }

  @Benchmark
  public Object pick() {
    return chooses.pick(candidates, roster, next(), ops);
  }

  @Benchmark
  public Object pickAndGrant() {
    Admit admit = next();
    Replica picked = chooses.pick(candidates, roster, admit, ops);
    Errand errand = chooses.granted(picked, admit, ops);
    if (errand != null) {
      chooses.ended(errand, roster, null, ops);
    }
    return picked;
  }
}
