package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.Called;
import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Merged;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.fake.Pools;
import io.penstock.inference.BatchPolicy;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Batch;
import io.penstock.message.Company;
import io.penstock.message.Grant;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.Room;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class GatheringTest {
  private static final Station A = new Station(new NodeId("node-a"), Room.INGRESS, 0);
  private static final Station B = new Station(new NodeId("node-b"), Room.INGRESS, 1);

  /** An owner's admission and what it has decided. */
  private static final class World {
    final Admission admission;
    final List<Grant> alone = new ArrayList<>();
    final List<Merged> merged = new ArrayList<>();
    final List<Called> called = new ArrayList<>();
    final List<Refused> refused = new ArrayList<>();

    World(int maxSize, int timeoutMillis, int... slots) {
      this(maxSize, timeoutMillis, RoutingStrategy.LEAST_LOADED, Samples.replicas(slots));
    }

    World(int maxSize, int timeoutMillis, RoutingStrategy strategy, List<ReplicaSpec> specs) {
      Pool pool = Samples.pool(specs, strategy, io.penstock.inference.QueueLimits.DEFAULT);
      Pool batching =
          Pools.like(pool)
              .strategy(strategy)
              .replicas(new ReplicaSource.Watched(Path.of("replicas.json")))
              .batching(new BatchPolicy(true, maxSize, Duration.ofMillis(timeoutMillis)))
              .make();
      Roster roster = new Roster(batching, true);
      specs.forEach(
          spec -> roster.report(Samples.PROBER, Samples.status(spec, ReplicaState.HEALTHY), 0));
      admission =
          new Admission(batching, roster, Strategy.of(strategy, new Random(1)::nextDouble), 7);
      take(admission.open(0));
    }

    void ask(String id, Station from, Priority priority, String key, int inputs, long now) {
      take(admission.offer(admit(id, from, priority, 1, key, inputs), now));
    }

    void ask(String id, long now) {
      ask(id, A, Priority.DEFAULT, "k", 1, now);
    }

    void take(List<AdmissionDecision> decisions) {
      for (AdmissionDecision each : decisions) {
        if (each instanceof Granted granted) {
          alone.add(granted.grant());
        } else if (each instanceof Merged together) {
          merged.add(together);
        } else if (each instanceof Called one) {
          called.add(one);
        } else if (each instanceof Refused no) {
          refused.add(no);
        }
      }
    }

    void release(Grant grant, long now) {
      take(
          admission.release(
              new Release(
                  grant.id(),
                  grant.pool(),
                  grant.epoch(),
                  grant.replica(),
                  Outcome.OK,
                  TokenUsage.NONE,
                  5,
                  10,
                  0),
              now));
    }

    List<String> lanes(int batch) {
      return merged.get(batch).batch().lanes().stream().map(each -> each.id().value()).toList();
    }
  }

  private static Admit admit(
      String id, Station from, Priority priority, int attempt, String key, int inputs) {
    return new Admit(
        new RequestId(id),
        "",
        from,
        Samples.POOL,
        new TenantId("t"),
        1,
        priority,
        attempt,
        10,
        0,
        100,
        0,
        Set.of(),
        Set.of(),
        1_000_000,
        0,
        key.isEmpty() ? Optional.empty() : Optional.of(new Company(key, inputs)),
        false,
        PromptBlocks.NONE);
  }

  @Test
  void whoFindsAnIdleReplicaGoesAtOnceAndOthersGatherMeanwhile() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    assertThat(world.alone).hasSize(1);
    world.ask("b", 1);
    world.ask("c", B, Priority.DEFAULT, "k", 3, 2);
    assertThat(world.alone).hasSize(1);
    assertThat(world.admission.waiting(Priority.DEFAULT)).isEqualTo(2);

    world.release(world.alone.get(0), 10);

    assertThat(world.lanes(0)).containsExactly("b", "c");
    Batch batch = world.merged.get(0).batch();
    assertThat(world.merged.get(0).to()).isEqualTo(A);
    assertThat(batch.lanes().get(1)).isEqualTo(new Batch.Lane(new RequestId("c"), B));
    Seat seat = world.merged.get(0).seats().get(1);
    assertThat(seat.batch()).isEqualTo(batch.grant().id());
    assertThat(seat.host()).isEqualTo(A);
    assertThat(seat.queuedMillis()).isEqualTo(8);
    assertThat(world.admission.live()).isEqualTo(1);
    assertThat(world.called)
        .containsExactly(new Called(1, List.of(0L)), new Called(4, List.of(9L, 8L)));
    world.release(batch.grant(), 20);
    assertThat(world.admission.busy()).isFalse();
  }

  @Test
  void whoSharesACallCanBeFoundAndHasAReceipt() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    world.take(world.admission.offer(called("b", Priority.DEFAULT), 1));
    world.take(world.admission.offer(called("c", Priority.BULK), 2));
    world.release(world.alone.get(0), 10);
    assertThat(world.lanes(0)).containsExactly("b", "c");
    for (String each : List.of("x-b", "x-c")) {
      assertThat(world.admission.decisions().last(Optional.of(new RequestId(each)), 9, 20))
          .as(each)
          .singleElement()
          .satisfies(d -> assertThat(d.request().value()).isEqualTo(each));
    }
    Ledger.Live live = world.admission.liveByCaller("x-c").orElseThrow();
    assertThat(live.priority()).isEqualTo(Priority.BULK);
    assertThat(live.grant()).isEqualTo(world.merged.get(0).batch().grant());
    world.release(world.merged.get(0).batch().grant(), 20);
    assertThat(world.admission.liveByCaller("x-c")).isEmpty();
  }

  /** One whose client knows it by another id. */
  private static Admit called(String id, Priority priority) {
    Admit a = admit(id, A, priority, 1, "k", 1);
    return new Admit(
        a.id(),
        "x-" + id,
        a.replyTo(),
        a.pool(),
        a.tenant(),
        a.weight(),
        a.priority(),
        a.attempt(),
        a.promptTokens(),
        a.maxTokens(),
        a.bodyBytes(),
        a.affinity(),
        a.needs(),
        a.excluded(),
        a.waitMillis(),
        a.knownEpoch(),
        a.company(),
        a.streams(),
        a.blocks());
  }

  @Test
  void aFullBatchWaitsNoMore() {
    World world = new World(4, 50, 8);
    world.ask("a", 0);
    world.ask("b", A, Priority.DEFAULT, "k", 2, 1);
    world.ask("c", A, Priority.DEFAULT, "k", 2, 2);
    assertThat(world.lanes(0)).containsExactly("b", "c");
  }

  @Test
  void whoHasWaitedLongEnoughGoesWithWhoeverIsThere() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    world.ask("b", 10);
    world.ask("c", 40);
    assertThat(world.admission.companyDueMillis()).isEqualTo(60);
    world.take(world.admission.tick(59));
    assertThat(world.merged).isEmpty();
    world.take(world.admission.tick(60));
    assertThat(world.lanes(0)).containsExactly("b", "c");
    assertThat(world.admission.companyDueMillis()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void keysAreNeverMixedAndFirstClassesGoFirst() {
    World world = new World(3, 50, 8);
    world.ask("a", 0);
    world.ask("bulk", A, Priority.BULK, "k", 1, 1);
    world.ask("other", A, Priority.DEFAULT, "other", 1, 2);
    world.ask("default", A, Priority.DEFAULT, "k", 1, 3);
    world.ask("bulk-2", A, Priority.BULK, "k", 1, 4);
    assertThat(world.lanes(0)).containsExactly("default", "bulk", "bulk-2");
    world.take(world.admission.tick(52));
    assertThat(world.alone.get(1).id().value()).isEqualTo("other");
  }

  @Test
  void aRequestWithMoreInputsThanABatchHasGoesAloneAndAtOnce() {
    World world = new World(4, 50, 8);
    world.ask("a", 0);
    world.ask("b", 1);
    world.ask("large", A, Priority.DEFAULT, "k", 5, 2);
    assertThat(world.alone.get(1).id().value()).isEqualTo("large");
    assertThat(world.merged).isEmpty();
  }

  @Test
  void whoAsksForNoCompanyGoesAloneAndAtOnce() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    world.ask("b", 1);
    world.ask("alone", A, Priority.DEFAULT, "", 1, 2);
    assertThat(world.alone.get(1).id().value()).isEqualTo("alone");
  }

  @Test
  void retriesShareTooAndGoFirst() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    world.ask("b", 1);
    world.take(world.admission.offer(admit("again", A, Priority.DEFAULT, 2, "k", 1), 2));
    world.release(world.alone.get(0), 10);
    assertThat(world.lanes(0)).containsExactly("again", "b");
  }

  @Test
  void whoHasLeftIsNotInTheBatch() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    world.ask("b", 1);
    world.ask("c", 2);
    world.ask("d", 3);
    world.admission.withdraw(new RequestId("c"));
    world.take(world.admission.departed(Set.of(B.node()), 4));
    world.release(world.alone.get(0), 10);
    assertThat(world.lanes(0)).containsExactly("b", "d");
  }

  @Test
  void aFullPoolsQueueIsServedInBatchesWhenASlotIsFree() {
    World world = new World(64, 50, 1);
    world.ask("a", 0);
    for (int i = 0; i < 10; i++) {
      world.ask("w" + i, i);
    }
    world.take(world.admission.tick(500));
    assertThat(world.merged).isEmpty();
    assertThat(world.admission.waiting(Priority.DEFAULT)).isEqualTo(10);
    world.release(world.alone.get(0), 1_000);
    assertThat(world.lanes(0)).hasSize(10);
    assertThat(world.admission.waiting(Priority.DEFAULT)).isZero();
  }

  @Test
  void theLeaseOfABatchIsItsHostsAndLivesByItsRenewals() {
    World world = new World(64, 50, 8);
    world.ask("a", 0);
    world.ask("b", 1);
    world.ask("c", 2);
    world.release(world.alone.get(0), 10);
    Grant slot = world.merged.get(0).batch().grant();
    world.take(
        world.admission.renew(
            new Renew(
                Samples.POOL,
                A,
                7,
                List.of(new io.penstock.message.Lease(slot.id(), slot.replica())),
                List.of()),
            10_000));
    world.take(world.admission.tick(20_000));
    assertThat(world.admission.live()).isEqualTo(1);
    world.take(world.admission.renew(new Renew(Samples.POOL, A, 7, List.of(), List.of()), 21_000));
    assertThat(world.admission.live()).isZero();
  }

  @Property(tries = 300)
  void everyRequestIsServedOnceInTimeAndWithItsLike(@ForAll long seed) {
    Random random = new Random(seed);
    int max = 1 + random.nextInt(8);
    int timeout = random.nextInt(60);
    RoutingStrategy strategy =
        RoutingStrategy.values()[random.nextInt(RoutingStrategy.values().length)];
    int replicas = 1 + random.nextInt(3);
    int[] slots = random.ints(replicas, 1, 4).toArray();
    World world = new World(max, timeout, strategy, Samples.replicas(slots));
    Map<String, Admit> waiting = new LinkedHashMap<>();
    Map<String, Long> since = new HashMap<>();
    Set<Grant> live = new LinkedHashSet<>();
    long now = 0;
    int asked = 0;
    int served = 0;
    for (int step = 0; step < 300; step++) {
      long next = now + random.nextInt(20);
      while (world.admission.companyDueMillis() <= next) {
        now = Math.max(now, world.admission.companyDueMillis());
        world.take(world.admission.tick(now));
        assertThat(world.admission.companyDueMillis()).isGreaterThan(now);
      }
      now = next;
      served += collect(world, waiting, live, max);
      int what = random.nextInt(10);
      if (what < 6) {
        String id = "r" + asked++;
        Priority priority = Priority.values()[random.nextInt(3)];
        String key = random.nextInt(5) == 0 ? "" : "k" + random.nextInt(2);
        Admit admit =
            admit(id, random.nextBoolean() ? A : B, priority, 1, key, 1 + random.nextInt(max + 1));
        waiting.put(id, admit);
        since.put(id, now);
        world.take(world.admission.offer(admit, now));
      } else if (what < 9 && !live.isEmpty()) {
        Grant grant = new ArrayList<>(live).get(random.nextInt(live.size()));
        live.remove(grant);
        world.release(grant, now);
      } else if (!waiting.isEmpty()) {
        String gone = new ArrayList<>(waiting.keySet()).get(random.nextInt(waiting.size()));
        waiting.remove(gone);
        world.admission.withdraw(new RequestId(gone));
      }
      served += collect(world, waiting, live, max);
      assertThat(world.refused).isEmpty();
      boolean free = live.size() < Arrays.stream(slots).sum();
      boolean idle = live.stream().map(Grant::replica).distinct().count() < replicas;
      assertThat(idle && !waiting.isEmpty()).as("nobody waits while a replica is idle").isFalse();
      for (Admit each : free ? waiting.values() : List.<Admit>of()) {
        assertThat(each.company()).as("only for company does anybody wait").isPresent();
        assertThat(now - since.getOrDefault(each.id().value(), 0L)).isLessThan(timeout);
      }
    }
    for (int round = 0; !live.isEmpty(); round++) {
      assertThat(round).isLessThan(1_000);
      Grant grant = live.iterator().next();
      live.remove(grant);
      world.release(grant, now);
      served += collect(world, waiting, live, max);
    }
    assertThat(waiting).isEmpty();
    assertThat(served).isPositive();
    assertThat(world.admission.busy()).isFalse();
  }

  /** Takes note of what has been decided; how many were served. */
  private static int collect(World world, Map<String, Admit> waiting, Set<Grant> live, int max) {
    int served = 0;
    for (Grant grant : world.alone) {
      assertThat(waiting.remove(grant.id().value())).as("granted once: %s", grant).isNotNull();
      live.add(grant);
      served++;
    }
    for (Merged merged : world.merged) {
      served += checked(merged, waiting, max);
      live.add(merged.batch().grant());
    }
    world.alone.clear();
    world.merged.clear();
    return served;
  }

  private static int checked(Merged merged, Map<String, Admit> waiting, int max) {
    List<Admit> lanes = new ArrayList<>();
    for (Batch.Lane lane : merged.batch().lanes()) {
      assertThat(waiting).as("seated once: %s", lane).containsKey(lane.id().value());
      Admit admit = Objects.requireNonNull(waiting.remove(lane.id().value()));
      assertThat(lane.station()).isEqualTo(admit.replyTo());
      lanes.add(admit);
    }
    assertThat(lanes).hasSizeGreaterThan(1);
    assertThat(merged.to()).isEqualTo(lanes.get(0).replyTo());
    assertThat(lanes.stream().map(each -> each.company().orElseThrow().key()).distinct())
        .hasSize(1);
    assertThat(lanes.stream().mapToInt(each -> each.company().orElseThrow().inputs()).sum())
        .isLessThanOrEqualTo(max);
    assertThat(lanes.subList(1, lanes.size())).extracting(Admit::priority).isSorted();
    return lanes.size();
  }
}
