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
 * prediction of the wait. And what it costs that one makes room for another in a queue that is
 * full.
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
  private Admission admission = admission(1L << 40);
  private Admission full = admission(1L << 40);
  private long ops;
  private long now;

  private static Admission admission(long maxBytes) {
    Pool pool =
        Samples.pool(
            Samples.replicas(16, 16, 16, 16),
            RoutingStrategy.LEAST_LOADED,
            new QueueLimits(
                20_000, maxBytes, Duration.ofHours(9), Duration.ofHours(9), Duration.ofHours(9)));
    Admission admission = new Admission(pool, new Roster(pool, false), new LeastLoaded(), 1);
    admission.open(0);
    return admission;
  }

  @Setup
  public void fill() {
    Random random = new Random(1);
    admission = admission(1L << 40);
    crowd();
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

  /** A queue that is full of the requests of one tenant and some of each of the others. */
  private void crowd() {
    full = admission(1_000L * (queued + 2L * TENANTS));
    for (int i = 0; i < SLOTS + queued; i++) {
      full.offer(crowding("crowd-" + i, "tenant-0").admit(), now);
    }
    for (int i = 0; i < 2 * TENANTS; i++) {
      full.offer(crowding("other-" + i, "tenant-" + (1 + i % (TENANTS - 1))).admit(), now);
    }
  }

  private static Ask crowding(String id, String tenant) {
    return Ask.of(id).by(tenant).bytes(1_000).waiting(1_000_000_000L);
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

  /**
   * A newcomer pushes out one of the tenant that has most and leaves again, and that one comes back
   * to its place: two offers, one of which makes room, in a queue that is full.
   */
  @Benchmark
  public int makeRoomInAFullQueue() {
    Admit newcomer = crowding("new-" + ++ops, "newcomer").admit();
    int pushedOut = full.offer(newcomer, now).size();
    full.withdraw(newcomer.id());
    full.offer(crowding("crowd-new-" + ops, "tenant-0").admit(), now);
    return pushedOut;
  }
}
