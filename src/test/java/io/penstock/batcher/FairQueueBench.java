package io.penstock.batcher;

import io.penstock.batcher.Samples.Ask;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
 * What one request costs the owner of a pool: its offer, a grant and a release, while so many
 * others of 200 tenants and three classes wait; with the ledger, the choice of a replica and the
 * prediction of the wait.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class FairQueueBench {
  private static final int TENANTS = 200;
  private static final int SLOTS = 64;
  private static final int ADMITS = 1 << 16;

  @Param({"0", "1000", "10000"})
  int queued;

  private final List<Admit> admits = new ArrayList<>();
  private final ArrayDeque<Release> live = new ArrayDeque<>();
  private Admission admission = admission();
  private int next;
  private long now;

  private static Admission admission() {
    Pool pool =
        Samples.pool(
            Samples.replicas(16, 16, 16, 16),
            RoutingStrategy.LEAST_LOADED,
            new QueueLimits(
                20_000,
                1L << 40,
                Duration.ofHours(9),
                Duration.ofHours(9),
                Duration.ofHours(9)));
    Admission admission = new Admission(pool, new Roster(pool, false), new LeastLoaded(), 1);
    admission.open(0);
    return admission;
  }

  @Setup
  public void fill() {
    Random random = new Random(1);
    admission = admission();
    admits.clear();
    live.clear();
    next = 0;
    for (int i = 0; i < ADMITS; i++) {
      admits.add(
          Ask.of("req-" + i)
              .by("tenant-" + random.nextInt(TENANTS))
              .of(Priority.values()[random.nextInt(3)])
              .tokens(random.nextInt(2_000), random.nextInt(500))
              .waiting(1_000_000_000L + random.nextInt(1_000_000))
              .admit());
    }
    for (int i = 0; i < SLOTS + queued; i++) {
      offer();
    }
    for (int i = 0; i < 2_000; i++) {
      offerGrantRelease();
    }
  }

  private void offer() {
    take(admission.offer(admits.get(next++ & (ADMITS - 1)), now));
  }

  private void take(List<AdmissionDecision> decisions) {
    for (AdmissionDecision each : decisions) {
      if (each instanceof AdmissionDecision.Granted granted) {
        live.add(Samples.release(granted.grant()));
      } else {
        throw new AssertionError(each + " (expected: a grant)");
      }
    }
  }

  /** With nothing queued, a slot is free for each; else each release grants to one that waits. */
  @Benchmark
  public int offerGrantRelease() {
    if ((next & 15) == 0) {
      now++;
    }
    if (queued == 0) {
      take(admission.release(live.remove(), now));
      offer();
    } else {
      offer();
      take(admission.release(live.remove(), now));
    }
    return live.size();
  }
}
