package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.Samples.Ask;
import io.penstock.inference.Capability;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
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
import org.jspecify.annotations.Nullable;

/** The order of service against books that are kept the slow and obvious way. */
class FairQueuePropertyTest {
  private static final int TENANTS = 6;

  /** A queue in front of replicas that open and close, and what its users know of it. */
  private static final class World {
    final Random random;
    final Set<Line.Key> closed = new HashSet<>();
    final FairQueue queue = new FairQueue((needs, excluded) -> !isClosed(needs, excluded));
    final Map<RequestId, Admit> waiting = new LinkedHashMap<>();
    final Map<RequestId, Long> arrived = new HashMap<>();
    final List<Charge> live = new ArrayList<>();
    final Set<RequestId> done = new HashSet<>();

    /** When each tenant, in each class, was last given something or began to wait. */
    final Map<String, Long> since = new HashMap<>();

    /** Grants in a row through which a class could be served, and those of them that it got. */
    final Map<Priority, int[]> stretches = new EnumMap<>(Priority.class);

    long now;
    int asked;

    World(long seed) {
      random = new Random(seed);
    }

    private boolean isClosed(int needs, Set<ReplicaId> excluded) {
      return closed.contains(new Line.Key(false, needs, excluded));
    }

    private boolean isServable(Admit admit) {
      return !isClosed(CapabilityMask.of(admit.needs()), admit.excluded());
    }

    void step() {
      now += random.nextInt(10) == 0 ? random.nextInt(20_000) : random.nextInt(50);
      switch (random.nextInt(10)) {
        case 0, 1, 2, 3 -> ask();
        case 4, 5, 6, 7 -> grant();
        case 8 -> release();
        default -> {
          if (random.nextInt(4) == 0) {
            toggle();
          } else {
            withdraw();
          }
        }
      }
      assertThat(queue.size()).isEqualTo(waiting.size());
      assertThat(queue.bytes())
          .isEqualTo(waiting.values().stream().mapToLong(Admit::bodyBytes).sum());
    }

    void ask() {
      int many = random.nextInt(4) == 0 ? 10 : 1;
      String tenant = "t" + random.nextInt(TENANTS);
      Priority priority = Priority.values()[random.nextInt(3)];
      for (int i = 0; i < many; i++) {
        Admit admit =
            Ask.of("q" + asked++)
                .by(new TenantId(tenant), 1 + random.nextInt(3))
                .of(priority)
                .tokens(random.nextInt(2_000), 1 + random.nextInt(400))
                .bytes(random.nextInt(1_000))
                .needing(random.nextInt(5) == 0 ? Set.of(Capability.VISION) : Set.of())
                .without(random.nextInt(8) == 0 ? Set.of(Samples.id(1)) : Set.of())
                .attempt(random.nextInt(12) == 0 ? 2 : 1)
                .waiting(100_000 + random.nextInt(100_000))
                .admit();
        if (waiting.values().stream().noneMatch(each -> key(each).equals(key(admit)))) {
          since.put(key(admit), now);
        }
        waiting.put(admit.id(), admit);
        arrived.put(admit.id(), now);
        Samples.add(queue, admit, Reach.SERVED, admit.waitMillis(), now);
      }
    }

    private static String key(Admit admit) {
      return admit.tenant() + " " + admit.priority();
    }

    private void withdraw() {
      if (!waiting.isEmpty()) {
        RequestId id = List.copyOf(waiting.keySet()).get(random.nextInt(waiting.size()));
        Waiting found = queue.find(id);
        assertThat(found).isNotNull();
        queue.remove(Objects.requireNonNull(found));
        waiting.remove(id);
        done.add(id);
        stretches.keySet().removeIf(priority -> !couldServe(priority));
      }
    }

    private void toggle() {
      Line.Key line =
          List.of(
                  new Line.Key(false, 0, Set.of()),
                  new Line.Key(false, CapabilityMask.of(Set.of(Capability.VISION)), Set.of()),
                  new Line.Key(false, 0, Set.of(Samples.id(1))))
              .get(random.nextInt(3));
      if (!closed.remove(line)) {
        closed.add(line);
      }
      stretches.keySet().removeIf(priority -> !couldServe(priority));
    }

    private boolean couldServe(Priority priority) {
      return waiting.values().stream()
          .anyMatch(each -> each.priority() == priority && isServable(each));
    }

    private void release() {
      if (!live.isEmpty()) {
        Charge charge = live.remove(random.nextInt(live.size()));
        charge.by().settle(charge, charge.tokens() * 2 * random.nextDouble());
      }
    }

    void grant() {
      Map<Priority, Boolean> could = new EnumMap<>(Priority.class);
      for (Priority each : Priority.values()) {
        could.put(each, couldServe(each));
      }
      Waiting next = queue.next(now);
      if (next == null) {
        assertThat(could.values()).as("work-conserving").doesNotContain(true);
        return;
      }
      Admit admit = waiting.remove(next.admit.id());
      assertThat(admit).as("granted once, while it waits").isNotNull();
      assertThat(done.add(next.admit.id())).isTrue();
      assertThat(isServable(next.admit)).isTrue();
      checkDeadlines(next.admit);
      checkStarved(next.admit);
      since.put(key(next.admit), now);
      live.add(queue.grant(next, now));
      checkFloors(next.admit.priority(), could);
    }

    /** Of one tenant's that the same replicas can serve none is due before. */
    private void checkDeadlines(Admit granted) {
      for (Admit other : waiting.values()) {
        if (key(other).equals(key(granted))
            && FairQueue.line(other).equals(FairQueue.line(granted))) {
          assertThat(due(other)).isGreaterThanOrEqualTo(due(granted));
        }
      }
    }

    private long due(Admit admit) {
      return arrived.getOrDefault(admit.id(), 0L) + admit.waitMillis();
    }

    /** Whoever has starved longest is next in its class, and its class does not wait for long. */
    private void checkStarved(Admit granted) {
      long bound = FairQueue.ageMillis(granted.priority());
      long own = since.getOrDefault(key(granted), 0L);
      for (Admit other : waiting.values()) {
        if (other.priority() == granted.priority() && isServable(other)) {
          long others = since.getOrDefault(key(other), 0L);
          if (now - others >= bound) {
            assertThat(own)
                .as("%s starves, %s is served", other, granted)
                .isLessThanOrEqualTo(others);
          }
        }
      }
    }

    private void checkFloors(Priority granted, Map<Priority, Boolean> could) {
      for (Priority each : Priority.values()) {
        if (!could.getOrDefault(each, false)) {
          stretches.remove(each);
          continue;
        }
        int[] stretch = stretches.computeIfAbsent(each, first -> new int[2]);
        stretch[0]++;
        stretch[1] += each == granted ? 1 : 0;
        assertThat(stretch[1])
            .as("grants to %s of %d through which it waited", each, stretch[0])
            .isGreaterThanOrEqualTo((int) Math.floor(Floors.share(each) * stretch[0]) - 2);
      }
    }
  }

  @Property(tries = 300)
  void nobodyIsLostServedTwiceOrStarvedAndNoSlotIsLeftUnused(@ForAll long seed) {
    World world = new World(seed);
    for (int i = 0; i < 400; i++) {
      world.step();
    }
    world.closed.clear();
    while (world.queue.size() > 0) {
      world.grant();
    }
    assertThat(world.done).hasSize(world.asked);
    assertThat(world.queue.nearest()).isNull();
    assertThat(world.queue.next(world.now)).isNull();
  }

  /** What two tenants that always wait were given differs by less than the largest of each. */
  @Property(tries = 300)
  void twoThatAlwaysWaitAreServedAlikeByTokensAndWeight(@ForAll long seed) {
    Random random = new Random(seed);
    FairQueue queue = new FairQueue((needs, excluded) -> true);
    List<TenantId> two = List.of(new TenantId("a"), new TenantId("b"));
    double[] weights = {1 + random.nextInt(4), 1 + random.nextInt(4)};
    int[] longest = {50 + random.nextInt(2_000), 50 + random.nextInt(2_000)};
    double[] largest = new double[2];
    double[] served = new double[2];
    List<Charge> live = new ArrayList<>();
    int asked = 0;
    int measuredFrom = random.nextInt(200);
    double[] before = new double[2];
    double least = 0;
    double most = 0;
    for (int i = 0; i < 600; i++) {
      for (int t = 0; t < 2; t++) {
        while (waiting(queue, two.get(t)) < 2) {
          Admit admit =
              Ask.of("q" + asked++)
                  .by(two.get(t), weights[t])
                  .tokens(1 + random.nextInt(longest[t]), 1 + random.nextInt(200))
                  .admit();
          Samples.add(queue, admit, Reach.SERVED, 60_000, 0);
        }
      }
      if (random.nextInt(3) == 0) {
        Admit passing = Ask.of("q" + asked++).by("c" + random.nextInt(3)).admit();
        Samples.add(queue, passing, Reach.SERVED, 60_000, 0);
      }
      Waiting next = Objects.requireNonNull(queue.next(0));
      Charge charge = queue.grant(next, 0);
      live.add(charge);
      if (random.nextBoolean()) {
        Charge ends = live.remove(random.nextInt(live.size()));
        ends.by().settle(ends, ends.tokens());
      }
      int who = two.indexOf(next.admit.tenant());
      if (who >= 0) {
        double cost = charge.tokens() / weights[who];
        largest[who] = Math.max(largest[who], cost);
        served[who] += cost;
      }
      if (i == measuredFrom) {
        before = served.clone();
      }
      if (i > measuredFrom) {
        double ahead = (served[0] - before[0]) - (served[1] - before[1]);
        least = Math.min(least, ahead);
        most = Math.max(most, ahead);
      }
    }
    assertThat(most - least)
        .as("from any grant to any other")
        .isLessThan(largest[0] + largest[1] + 1e-6);
  }

  private static int waiting(FairQueue queue, TenantId tenant) {
    Account account = queue.of(Priority.DEFAULT).account(Ask.of("x").by(tenant, 1).admit());
    return account == null ? 0 : account.waiting;
  }

  /** Estimates may be far off: what is settled counts. */
  @Property(tries = 50)
  void wrongEstimatesAreSettled(@ForAll long seed) {
    Random random = new Random(seed);
    FairQueue queue = new FairQueue((needs, excluded) -> true);
    double[] served = new double[2];
    int asked = 0;
    for (int i = 0; i < 4_000; i++) {
      for (int t = 0; t < 2; t++) {
        TenantId tenant = new TenantId("t" + t);
        while (waiting(queue, tenant) < 2) {
          Samples.add(
              queue,
              Ask.of("q" + asked++).by(tenant, 1).tokens(100, t == 0 ? 10 : 400).admit(),
              Reach.SERVED,
              60_000,
              0);
        }
      }
      Waiting next = Objects.requireNonNull(queue.next(0));
      Charge charge = queue.grant(next, 0);
      int who = next.admit.tenant().value().equals("t0") ? 0 : 1;
      double truth = who == 0 ? 500 + random.nextInt(100) : 50 + random.nextInt(100);
      served[who] += truth;
      charge.by().settle(charge, truth);
    }
    assertThat(served[0] / served[1]).isBetween(0.99, 1.01);
  }

  /** The list of those who wait, by deadline: each is found at its place. */
  @Property(tries = 200)
  void theHeapKeepsItsOrder(@ForAll long seed) {
    Random random = new Random(seed);
    FairQueue queue = new FairQueue((needs, excluded) -> true);
    List<Waiting> all = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      if (all.isEmpty() || random.nextInt(3) > 0) {
        Admit admit = Ask.of("q" + i).by("t" + random.nextInt(3)).admit();
        Samples.add(queue, admit, Reach.SERVED, random.nextInt(1_000), i);
        all.add(Objects.requireNonNull(queue.find(admit.id())));
      } else {
        queue.remove(all.remove(random.nextInt(all.size())));
      }
      @Nullable Waiting nearest =
          all.stream()
              .min(
                  Comparator.<Waiting>comparingLong(w -> w.deadlineMillis)
                      .thenComparingLong(w -> w.rank))
              .orElse(null);
      assertThat(queue.nearest()).isSameAs(nearest);
    }
  }
}
