package io.penstock.batcher;

import static io.penstock.batcher.Samples.PROBER;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.spec;
import static io.penstock.batcher.Samples.status;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.LeaseDropped;
import io.penstock.batcher.AdmissionDecision.LeaseExpired;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.Samples.Ask;
import io.penstock.inference.Capability;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Renew;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Random events in random order against a book that is kept the slow and obvious way. */
class AdmissionPropertyTest {
  private static final int REPLICAS = 5;
  private static final int EVENTS = 400;

  /** What must hold, kept by the holder of all requests. */
  private static final class World {
    final Random random;
    final List<ReplicaSpec> specs = new ArrayList<>();
    final Map<ReplicaId, ReplicaState> states = new HashMap<>();

    /** Until when "never answered yet" is no news of one that was healthy. */
    final Map<ReplicaId, Long> trusted = new HashMap<>();

    final Roster roster;
    final Admission admission;
    final Map<RequestId, Admit> waiting = new LinkedHashMap<>();
    final Map<RequestId, Grant> live = new LinkedHashMap<>();
    final Map<RequestId, Grant> lost = new HashMap<>();
    final Set<RequestId> ended = new HashSet<>();
    final Map<RequestId, Long> askedAt = new HashMap<>();
    int granted;
    int byFloor;
    long now;
    int asked;

    World(long seed) {
      random = new Random(seed);
      for (int i = 0; i < REPLICAS; i++) {
        Capability[] can =
            switch (random.nextInt(3)) {
              case 0 -> new Capability[] {Capability.TOOLS};
              case 1 -> new Capability[] {Capability.TOOLS, Capability.VISION};
              default -> new Capability[] {};
            };
        String zone = List.of("", "a", "b").get(random.nextInt(3));
        specs.add(
            Samples.in(zone, spec("r" + i, 1 + random.nextInt(3), 1 + random.nextInt(4), can)));
        states.put(specs.get(i).id(), ReplicaState.HEALTHY);
      }
      RoutingStrategy[] all = RoutingStrategy.values();
      Duration wait = Duration.ofSeconds(20);
      Pool pool =
          Samples.pool(
              specs,
              all[random.nextInt(all.length)],
              new QueueLimits(12, 30_000, wait, wait, wait));
      roster = new Roster(Samples.followed(pool), false);
      specs.forEach(spec -> roster.report(PROBER, status(spec, ReplicaState.HEALTHY), 0));
      admission =
          new Admission(pool, roster, Strategy.of(pool.routingStrategy(), random::nextDouble), 1);
      take(admission.open(0));
    }

    void step() {
      now += random.nextInt(400);
      switch (random.nextInt(14)) {
        case 0, 1, 2, 3 -> ask();
        case 4, 5, 6 -> releaseOne();
        case 7 -> withdrawOne();
        case 8 -> take(admission.tick(now));
        case 9 -> changeReplica();
        case 10 -> renew();
        case 11 -> loseRelease();
        case 12 -> redefine();
        default -> repeatOne();
      }
      check();
    }

    private void ask() {
      Set<Capability> needs = random.nextInt(4) == 0 ? Set.of(Capability.VISION) : Set.of();
      Set<ReplicaId> excluded =
          random.nextInt(4) == 0 ? Set.of(Samples.id(random.nextInt(REPLICAS))) : Set.of();
      Admit admit =
          Ask.of("q" + asked++)
              .of(List.of(Priority.values()).get(random.nextInt(3)))
              .needing(needs)
              .without(excluded)
              .attempt(excluded.isEmpty() ? 1 : 2)
              .waiting(1 + random.nextInt(15_000))
              .admit();
      waiting.put(admit.id(), admit);
      askedAt.put(admit.id(), now);
      take(admission.offer(admit, now));
    }

    private void releaseOne() {
      pick(live.values())
          .ifPresent(
              grant -> {
                live.remove(grant.id());
                ended.add(grant.id());
                take(admission.release(release(grant), now));
              });
    }

    /** The slot stays taken until a renewal tells, or the lease expires. */
    private void loseRelease() {
      pick(live.values())
          .ifPresent(
              grant -> {
                live.remove(grant.id());
                ended.add(grant.id());
                lost.put(grant.id(), grant);
              });
    }

    private void withdrawOne() {
      pick(waiting.values())
          .ifPresent(
              admit -> {
                waiting.remove(admit.id());
                ended.add(admit.id());
                admission.withdraw(admit.id());
              });
    }

    private void changeReplica() {
      ReplicaSpec spec = specs.get(random.nextInt(REPLICAS));
      ReplicaState state =
          random.nextBoolean()
              ? ReplicaState.HEALTHY
              : List.of(ReplicaState.values()).get(random.nextInt(4));
      boolean isNoNews =
          state == ReplicaState.STARTING
              && states.get(spec.id()) == ReplicaState.HEALTHY
              && now < trusted.computeIfAbsent(spec.id(), first -> now + Roster.TAKEOVER_MILLIS);
      if (!isNoNews) {
        trusted.remove(spec.id());
        states.put(spec.id(), state);
      }
      if (roster.report(PROBER, status(spec, state), now)) {
        take(admission.rosterChanged(now));
      }
    }

    private void redefine() {
      RoutingStrategy[] all = RoutingStrategy.values();
      Duration wait = Duration.ofSeconds(20);
      Pool next =
          Samples.followed(
              Samples.pool(
                  specs,
                  all[random.nextInt(all.length)],
                  new QueueLimits(12, 20_000 + random.nextInt(20_000), wait, wait, wait)));
      roster.redefine(next, now);
      admission.redefine(next, Strategy.of(next.routingStrategy(), random::nextDouble));
      take(admission.rosterChanged(now));
    }

    private void renew() {
      List<Lease> leases = new ArrayList<>();
      live.values().forEach(grant -> leases.add(new Lease(grant.id(), grant.replica())));
      take(
          admission.renew(
              new Renew(Samples.POOL, Samples.INGRESS, 1, leases, List.copyOf(waiting.keySet())),
              now));
    }

    /** A holder that renews in time keeps no slot whose release was lost. */
    void renewTwiceOverTheCrossing() {
      renew();
      now += Admission.CROSSING_MILLIS + 1;
      renew();
      assertThat(lost).isEmpty();
      check();
    }

    private void repeatOne() {
      pick(waiting.values()).ifPresent(admit -> take(admission.offer(admit, now)));
    }

    private <T> java.util.Optional<T> pick(java.util.Collection<T> from) {
      return from.isEmpty()
          ? java.util.Optional.empty()
          : java.util.Optional.of(List.copyOf(from).get(random.nextInt(from.size())));
    }

    /** Carries decisions out and checks each against the book. */
    void take(List<AdmissionDecision> decisions) {
      for (AdmissionDecision each : decisions) {
        if (each instanceof Granted granted && !granted.again()) {
          grant(granted.grant());
        } else if (each instanceof Refused refused) {
          RequestId id = refused.refusal().id();
          assertThat(waiting.remove(id)).as("refused once, while waiting: %s", id).isNotNull();
          ended.add(id);
        } else if (each instanceof LeaseExpired expired) {
          RequestId id = expired.lease().id();
          assertThat(live.remove(id) != null || lost.remove(id) != null).isTrue();
          ended.add(id);
        } else if (each instanceof LeaseDropped dropped) {
          assertThat(lost.remove(dropped.lease().id()))
              .as("dropped: its release was lost")
              .isNotNull();
        } else {
          assertThat(each).isInstanceOf(AdmissionDecision.Renewed.class);
          assertThat(((AdmissionDecision.Renewed) each).answer().unknownWaiting()).isEmpty();
        }
      }
    }

    private void grant(Grant grant) {
      Admit admit = waiting.remove(grant.id());
      assertThat(admit).as("granted once, while waiting: %s", grant.id()).isNotNull();
      if (admit == null) {
        return;
      }
      assertThat(states.get(grant.replica())).isEqualTo(ReplicaState.HEALTHY);
      assertThat(admit.excluded()).doesNotContain(grant.replica());
      boolean isBeforeItsClass = false;
      for (Admit other : waiting.values()) {
        boolean sameNeeds =
            other.needs().equals(admit.needs()) && other.excluded().equals(admit.excluded());
        if (sameNeeds && other.priority() == admit.priority()) {
          assertThat(deadline(other)).as("in order").isGreaterThanOrEqualTo(deadline(admit));
          if (deadline(other) == deadline(admit)) {
            assertThat(number(other.id())).as("in order").isGreaterThan(number(grant.id()));
          }
        }
        isBeforeItsClass |= sameNeeds && other.priority().compareTo(admit.priority()) < 0;
      }
      granted++;
      byFloor += isBeforeItsClass ? 1 : 0;
      live.put(grant.id(), grant);
    }

    private long deadline(Admit admit) {
      return Objects.requireNonNull(askedAt.get(admit.id())) + admit.waitMillis();
    }

    private static int number(RequestId id) {
      return Integer.parseInt(id.value().substring(1));
    }

    void check() {
      Map<ReplicaId, Integer> used = new HashMap<>();
      live.values().forEach(grant -> used.merge(grant.replica(), 1, Integer::sum));
      lost.values().forEach(grant -> used.merge(grant.replica(), 1, Integer::sum));
      for (ReplicaSpec spec : specs) {
        int on = used.getOrDefault(spec.id(), 0);
        assertThat(on).as("grants on %s", spec.id()).isLessThanOrEqualTo(spec.maxConcurrent());
        assertThat(roster.find(spec.id()).map(Replica::live).orElse(0)).isEqualTo(on);
        int limit = roster.find(spec.id()).map(Replica::limit).orElse(0);
        assertThat(limit).isLessThanOrEqualTo(spec.maxConcurrent());
        boolean free = states.get(spec.id()) == ReplicaState.HEALTHY && on < limit;
        if (free) {
          for (Admit admit : waiting.values()) {
            boolean can =
                (spec.capabilities().isEmpty() || spec.capabilities().containsAll(admit.needs()))
                    && !admit.excluded().contains(spec.id());
            assertThat(can).as("%s waits while %s is free", admit.id(), spec.id()).isFalse();
          }
        }
      }
      Map<String, Integer> liveOfZones = new HashMap<>();
      Map<String, Integer> slotsOfZones = new HashMap<>();
      for (Replica each : roster.all()) {
        liveOfZones.merge(each.zone(), each.live(), Integer::sum);
        slotsOfZones.merge(each.zone(), each.usable() ? each.limit() : 0, Integer::sum);
      }
      for (ZoneLoad zone : roster.zones()) {
        assertThat(zone.live()).isEqualTo(liveOfZones.get(zone.zone()));
        assertThat(zone.slots()).isEqualTo(slotsOfZones.get(zone.zone()));
      }
      int queued = 0;
      for (Priority priority : Priority.values()) {
        queued += admission.waiting(priority);
      }
      assertThat(queued).isEqualTo(waiting.size());
      assertThat(admission.live()).isEqualTo(live.size() + lost.size());
    }
  }

  @Property(tries = 300)
  void everyRequestIsAnsweredOnceAndNoLimitIsPassed(@ForAll long seed) {
    World world = new World(seed);
    for (int i = 0; i < EVENTS; i++) {
      world.step();
    }
    world.renewTwiceOverTheCrossing();
    // Time ends it all: nothing is lost.
    world.now += 60_000;
    world.take(world.admission.tick(world.now));
    world.now += 60_000;
    world.take(world.admission.tick(world.now));
    assertThat(world.byFloor)
        .as("of %s grants, before those of a class above", world.granted)
        .isLessThanOrEqualTo(2 + (int) (0.12 * world.granted));
    assertThat(world.waiting).isEmpty();
    assertThat(world.live).isEmpty();
    assertThat(world.ended).hasSize(world.asked);
    assertThat(world.admission.busy()).isFalse();
  }
}
