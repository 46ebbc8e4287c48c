package io.penstock.batcher;

import static io.penstock.batcher.Samples.id;
import static io.penstock.batcher.Samples.inZones;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.batcher.Samples.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.FailoverStrategy;
import io.penstock.inference.Pool;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RoutingStrategy;
import io.penstock.measure.Hash64;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class StrategyTest {
  /** A pool that grants through a strategy and never releases unless told. */
  private static final class Bench {
    final Roster roster;
    final Strategy strategy;
    private final List<Replica> candidates = new ArrayList<>();
    private long grants;

    Bench(Strategy strategy, List<ReplicaSpec> specs) {
      this(strategy, pool(specs));
    }

    Bench(Strategy strategy, Pool pool) {
      this.roster = new Roster(pool, false);
      this.strategy = strategy;
    }

    List<String> grants(int count) {
      List<String> picked = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        picked.add(grant(0));
      }
      return picked;
    }

    Replica pick(long affinity, Set<ReplicaId> excluded) {
      roster.candidates(0, excluded, candidates);
      return strategy.pick(
          candidates, roster, Samples.ofSession(Samples.Ask.of("p").admit(), affinity), 0);
    }

    String grant(long affinity) {
      Replica picked = pick(affinity, Set.of());
      roster.take(picked.id(), ++grants);
      return picked.id().value();
    }
  }

  private static List<ReplicaSpec> weighted(List<Integer> weights) {
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      specs.add(spec("r" + i, weights.get(i), 1_000_000));
    }
    return specs;
  }

  @Test
  void amongTheEquallyLoadedTheZoneThatCarriesLeastOfItsOwnIsNext() {
    List<ReplicaSpec> specs = inZones("a", "a", "a", "b");
    assertThat(new Bench(new LeastLoaded(), specs).grants(4))
        .containsExactly("r0", "r3", "r1", "r2");
    assertThat(new Bench(new LeastCapable(), specs).grants(4))
        .containsExactly("r0", "r3", "r1", "r2");
    assertThat(new Bench(new LeastLoaded(), notSpread(specs)).grants(4))
        .as("where zones do not matter")
        .containsExactly("r0", "r1", "r2", "r3");
  }

  private static Pool notSpread(List<ReplicaSpec> specs) {
    return pool(
        specs,
        RoutingStrategy.LEAST_LOADED,
        QueueLimits.DEFAULT,
        new FailoverPolicy(FailoverStrategy.ACTIVE_ACTIVE, 1, false, Duration.ofSeconds(60)),
        BreakerPolicy.DEFAULT);
  }

  @Test
  void aReplicaThatIsLessLoadedGoesBeforeAZoneThatIs() {
    Bench bench = new Bench(new LeastLoaded(), inZones("a", "a", "b"));
    bench.roster.take(id(0), 1);
    bench.roster.take(id(0), 2);
    bench.roster.take(id(2), 3);
    assertThat(bench.grant(0)).isEqualTo("r1");
  }

  @Test
  void roundRobinTakesZonesInTurnWhereItIsFree() {
    Bench bench = new Bench(new RoundRobin(), inZones("a", "a", "b", "b"));
    List<String> round = bench.grants(4);
    assertThat(round).containsExactlyInAnyOrder("r0", "r1", "r2", "r3");
    assertThat(round.subList(0, 2)).containsExactly("r0", "r2");
    assertThat(round.subList(2, 4)).containsExactly("r1", "r3");
  }

  @Property(tries = 200)
  void noZoneGetsMoreThanItsShareAndOne(
      @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 0, max = 3) Integer> zones,
      @ForAll boolean roundRobin) {
    String[] names = zones.stream().map(zone -> "zone-" + zone).toArray(String[]::new);
    Bench bench = new Bench(roundRobin ? new RoundRobin() : new LeastLoaded(), inZones(names));
    for (int granted = 1; granted <= 4 * names.length; granted++) {
      bench.grant(0);
      for (ZoneLoad zone : bench.roster.zones()) {
        double share = (double) granted * zone.slots() / (4 * names.length);
        assertThat(zone.live())
            .as("of %s grants in %s, whose share is %s", granted, zone.zone(), share)
            .isLessThan((int) Math.floor(share) + 2);
      }
    }
  }

  @Test
  void roundRobinSpreadsTheTurnsOfTheHeavy() {
    Bench bench = new Bench(new RoundRobin(), weighted(List.of(5, 1, 1)));
    List<String> turns = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      turns.add(bench.grant(0));
    }
    assertThat(turns).containsExactly("r0", "r0", "r1", "r0", "r2", "r0", "r0");
  }

  @Property(tries = 100)
  void roundRobinIsExactOverARound(
      @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 1, max = 20) Integer> weights) {
    Bench bench = new Bench(new RoundRobin(), weighted(weights));
    int round = weights.stream().mapToInt(Integer::intValue).sum();
    Map<String, Integer> hits = new HashMap<>();
    for (int i = 0; i < 3 * round; i++) {
      hits.merge(bench.grant(0), 1, Integer::sum);
    }
    for (int i = 0; i < weights.size(); i++) {
      assertThat(hits.get("r" + i)).isEqualTo(3 * weights.get(i));
    }
  }

  @Property(tries = 100)
  void leastLoadedTakesTheSmallestShare(
      @ForAll @Size(min = 1, max = 16) List<@IntRange(min = 1, max = 30) Integer> slots) {
    int[] max = slots.stream().mapToInt(Integer::intValue).toArray();
    Bench bench = new Bench(new LeastLoaded(), replicas(max));
    for (int left = bench.roster.slots(); left > 0; left--) {
      Replica picked = bench.pick(0, Set.of());
      for (Replica each : bench.roster.all()) {
        if (each.open()) {
          assertThat((double) picked.live() / picked.maxConcurrent())
              .isLessThanOrEqualTo((double) each.live() / each.maxConcurrent());
        }
      }
      bench.grant(0);
    }
    assertThat(bench.roster.open()).isZero();
  }

  @Test
  void leastLoadedBreaksTiesByWeightThenRotates() {
    Bench bench =
        new Bench(
            new LeastLoaded(),
            List.of(spec("small", 1, 10), spec("big", 2, 10), spec("other", 1, 10)));
    assertThat(bench.grant(0)).isEqualTo("big");
    List<String> idle = new ArrayList<>();
    Bench even = new Bench(new LeastLoaded(), replicas(4, 4, 4));
    for (int i = 0; i < 6; i++) {
      String picked = even.grant(0);
      even.roster.giveBack(new ReplicaId(picked), 0);
      idle.add(picked);
    }
    assertThat(idle).containsExactly("r0", "r1", "r2", "r0", "r1", "r2");
  }

  @Test
  void randomFollowsWeights() {
    Random random = new Random(42);
    Bench bench = new Bench(new WeightedRandom(random::nextDouble), weighted(List.of(1, 3, 6)));
    Map<String, Integer> hits = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      hits.merge(bench.grant(0), 1, Integer::sum);
    }
    assertThat(hits.getOrDefault("r0", 0) / 20_000.0).isCloseTo(0.1, within(0.02));
    assertThat(hits.getOrDefault("r1", 0) / 20_000.0).isCloseTo(0.3, within(0.02));
    assertThat(hits.getOrDefault("r2", 0) / 20_000.0).isCloseTo(0.6, within(0.02));
  }

  @Property
  void randomStaysInsideTheCandidates(
      @ForAll @DoubleRange(min = 0, max = 1, maxIncluded = false) double random,
      @ForAll @Size(min = 1, max = 9) List<@IntRange(min = 1, max = 9) Integer> weights) {
    Bench bench = new Bench(new WeightedRandom(() -> random), weighted(weights));
    double below = 0;
    double sum = weights.stream().mapToInt(Integer::intValue).sum();
    int picked = Integer.parseInt(bench.grant(0).substring(1));
    for (int i = 0; i < picked; i++) {
      below += weights.get(i);
    }
    assertThat(random * sum).isBetween(below - 1e-6, below + weights.get(picked) + 1e-6);
  }

  @Property(tries = 60)
  void hashKeepsEveryReplicaWithinItsBound(
      @ForAll @IntRange(min = 2, max = 12) int count, @ForAll long seed) {
    int[] slots = new int[count];
    java.util.Arrays.fill(slots, 1_000);
    Bench bench = new Bench(new BoundedHash(), replicas(slots));
    // Few sessions, so that without the bound some replicas would carry them all.
    for (int i = 1; i <= 200; i++) {
      bench.grant(Hash64.mix(seed + i % 3));
      double bound = Math.ceil(BoundedHash.BOUND * i / count);
      for (Replica each : bench.roster.all()) {
        assertThat((double) each.live()).isLessThanOrEqualTo(bound);
      }
    }
  }

  @Property(tries = 60)
  void hashMovesOnlyTheSessionsOfALostReplica(
      @ForAll @IntRange(min = 2, max = 12) int count, @ForAll long seed) {
    int[] slots = new int[count];
    java.util.Arrays.fill(slots, 8);
    Bench bench = new Bench(new BoundedHash(), replicas(slots));
    int lost = Math.floorMod(Long.hashCode(seed), count);
    Map<Long, ReplicaId> before = new HashMap<>();
    for (int i = 0; i < 100; i++) {
      long session = Hash64.mix(seed + i);
      before.put(session, bench.pick(session, Set.of()).id());
    }
    bench.roster.report(
        Samples.PROBER, Samples.status(spec("r" + lost, 1, 8), ReplicaState.UNHEALTHY), 0);
    for (int i = 0; i < count; i++) {
      if (i != lost) {
        bench.roster.report(
            Samples.PROBER, Samples.status(spec("r" + i, 1, 8), ReplicaState.HEALTHY), 0);
      }
    }
    before.forEach(
        (session, was) -> {
          ReplicaId is = bench.pick(session, Set.of()).id();
          assertThat(is).isNotEqualTo(Samples.id(lost));
          if (!was.equals(Samples.id(lost))) {
            assertThat(is).isEqualTo(was);
          }
        });
  }

  @Test
  void hashLeavesNoSlotIdleForAffinity() {
    Bench bench = new Bench(new BoundedHash(), replicas(1, 1, 50));
    for (int i = 0; i < 52; i++) {
      bench.grant(7);
    }
    assertThat(bench.roster.open()).isZero();
  }

  @Test
  void capabilityBasedKeepsTheCapableFree() {
    Bench bench =
        new Bench(
            new LeastCapable(),
            List.of(
                spec("undeclared", 1, 4),
                spec("vision", 1, 4, Capability.TOOLS, Capability.VISION),
                spec("plain", 1, 4, Capability.TOOLS),
                spec("plain2", 1, 4, Capability.TOOLS)));
    List<String> picked = new ArrayList<>();
    for (int i = 0; i < 13; i++) {
      picked.add(bench.roster.open() == 0 ? "none" : bench.grant(0));
    }
    assertThat(picked.subList(0, 8)).containsOnly("plain", "plain2");
    assertThat(picked.subList(0, 2)).containsExactly("plain", "plain2");
    assertThat(picked.subList(8, 12)).containsOnly("vision");
    assertThat(picked.get(12)).isEqualTo("undeclared");
  }

  @Test
  void everyNameHasItsStrategy() {
    Map<RoutingStrategy, Class<?>> expected =
        Map.of(
            RoutingStrategy.ROUND_ROBIN, RoundRobin.class,
            RoutingStrategy.LEAST_LOADED, LeastLoaded.class,
            RoutingStrategy.RANDOM, WeightedRandom.class,
            RoutingStrategy.HASH_BASED, BoundedHash.class,
            RoutingStrategy.CAPABILITY_BASED, LeastCapable.class,
            RoutingStrategy.POWER_OF_TWO, PowerOfTwo.class,
            RoutingStrategy.PREFIX_CACHE, PrefixAffinity.class,
            RoutingStrategy.PREDICTED_LATENCY, PredictedLatency.class);
    for (RoutingStrategy name : RoutingStrategy.values()) {
      assertThat(Strategy.of(name, () -> 0)).isInstanceOf(expected.get(name));
    }
  }
}
