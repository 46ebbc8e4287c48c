package io.penstock.batcher;

import io.penstock.batcher.Samples.Ask;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  @Param({"0", "1000", "10000"})
  int queued;

  private final Map<RequestId, Admit> admits = new HashMap<>();
  private final ArrayDeque<Release> live = new ArrayDeque<>();
  private Admission admission = admission();
  private long ops;
  private long now;

  private static Admission admission() {
    Pool pool =
        Samples.pool(
            Samples.replicas(16, 16, 16, 16),
            RoutingStrategy.LEAST_LOADED,
            new QueueLimits(
                20_000, 1L << 40, Duration.ofHours(9), Duration.ofHours(9), Duration.ofHours(9)));
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
    for (int i = 0; i < SLOTS + queued; i++) {
      Admit admit =
          Ask.of("request-" + i)
              .by("tenant-" + random.nextInt(TENANTS))
              .of(Priority.values()[i % 3])
              .tokens(random.nextInt(2_000), random.nextInt(500))
              .waiting(1_000_000_000L + random.nextInt(1_000))
              .admit();
      admits.put(admit.id(), admit);
      take(admission.offer(admit, now));
    }
  }

  private void take(List<AdmissionDecision> decisions) {
    for (AdmissionDecision each : decisions) {
      if (each instanceof AdmissionDecision.Granted given) {
        live.add(Samples.release(given.grant()));
      } else {
        throw new AssertionError(each + " (expected: a grant)");
      }
    }
  }

  /** One ends, which grants to one that waits, and comes again: the queue stays as it is. */
  @Benchmark
  public int offerGrantRelease() {
    now += (++ops & 15) == 0 ? 1 : 0;
    Release ended = live.remove();
    take(admission.release(ended, now));
    take(admission.offer(Objects.requireNonNull(admits.get(ended.id())), now));
    return live.size();
  }
}
