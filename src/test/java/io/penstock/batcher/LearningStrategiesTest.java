package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.LittleFleet.Engine;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Admit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LearningStrategiesTest {
  private static final int[] NOTHING = {};

  private static Tempo tempo(LittleFleet fleet, int replica) {
    Prospect prospect = fleet.roster.all().get(replica).prospect;
    if (prospect == null) {
      throw new AssertionError("r" + replica + " has had no request");
    }
    return prospect.tempo();
  }

  /** Prompts that have nothing in common, as fast as {@code gapMillis} says on the average. */
  private static void strangers(LittleFleet fleet, int count, double gapMillis, long seed) {
    Random random = new Random(seed);
    double at = 0;
    for (int i = 0; i < count; i++) {
      at += -Math.log(1 - random.nextDouble()) * gapMillis;
      fleet.ask(at, LittleFleet.prompt(NOTHING, random, 5 + random.nextInt(60)), 50);
    }
  }

  /** Conversations of growing prompts, of which many are held at a time. */
  private static void conversations(LittleFleet fleet, int count, double gapMillis, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      double at = random.nextDouble() * count * gapMillis * 6;
      Random own = new Random(seed * 1_000 + i);
      int blocks = 20 + random.nextInt(40);
      for (int turn = 0; turn < 6; turn++) {
        fleet.ask(at, LittleFleet.prompt(NOTHING, new Random(seed * 1_000 + i), blocks), 60);
        blocks += 3 + own.nextInt(10);
        at += 2_000 + own.nextInt(4_000);
      }
    }
  }

  @Property(tries = 10)
  void predictedLatencyLearnsThatAReplicaIsFourTimesSlower(@ForAll long seed) {
    List<Engine> engines = LittleFleet.alike(3, 4_000);
    engines.add(new Engine(4, 4_000));
    LittleFleet fleet = new LittleFleet(RoutingStrategy.PREDICTED_LATENCY, 100, engines, 1);
    strangers(fleet, 1_500, 50, seed);
    fleet.run();
    double fast = tempo(fleet, 0).stepMillis();
    double slow = tempo(fleet, 3).stepMillis();
    assertThat(slow / fast).isBetween(2.5, 6.0);
    assertThat(engines.get(3).requests).isLessThan(engines.get(0).requests / 2);
  }

  @Test
  void aReplicaThatHasRecoveredIsTriedAgain() {
    List<Engine> engines = LittleFleet.alike(3, 4_000);
    engines.add(new Engine(6, 4_000));
    LittleFleet fleet = new LittleFleet(RoutingStrategy.PREDICTED_LATENCY, 100, engines, 1);
    strangers(fleet, 8_000, 50, 2);
    int[] before = new int[1];
    fleet.at(
        100_000,
        () -> {
          engines.get(3).slowness = 1;
          before[0] = engines.get(3).requests;
        });
    fleet.run();
    int after = engines.get(3).requests - before[0];
    assertThat(before[0]).isLessThan(2_000 / 8);
    assertThat(after).isGreaterThan(6_000 / 4 * 3 / 4);
  }

  @Test
  void aMixedFleetAnswersSoonerThanUnderLeastLoaded() {
    double[] means = new double[2];
    for (int i = 0; i < 2; i++) {
      List<Engine> engines = LittleFleet.alike(6, 4_000);
      engines.add(new Engine(4, 4_000));
      engines.add(new Engine(4, 4_000));
      LittleFleet fleet =
          new LittleFleet(
              i == 0 ? RoutingStrategy.LEAST_LOADED : RoutingStrategy.PREDICTED_LATENCY,
              100,
              engines,
              1);
      strangers(fleet, 3_000, 30, 8);
      fleet.run();
      means[i] = fleet.meanFirstTokenMillis();
    }
    assertThat(means[1]).isLessThan(0.9 * means[0]);
  }

  @ParameterizedTest
  @EnumSource(names = {"PREFIX_CACHE", "PREDICTED_LATENCY"})
  void conversationsGoHome(RoutingStrategy strategy) {
    LittleFleet fleet = new LittleFleet(strategy, 100, LittleFleet.alike(8, 100_000), 1);
    conversations(fleet, 300, 60, 3);
    fleet.run();
    LittleFleet spread =
        new LittleFleet(RoutingStrategy.LEAST_LOADED, 100, LittleFleet.alike(8, 100_000), 1);
    conversations(spread, 300, 60, 3);
    spread.run();
    LittleFleet one = new LittleFleet(strategy, 10_000, LittleFleet.alike(1, 1_000_000), 1);
    conversations(one, 300, 60, 3);
    one.run();
    assertThat(fleet.hitShare()).isGreaterThan(0.9 * one.hitShare());
    assertThat(spread.hitShare()).isLessThan(0.5 * one.hitShare());
    assertThat(fleet.meanFirstTokenMillis()).isLessThan(0.6 * spread.meanFirstTokenMillis());
    assertThat(fleet.imbalance()).isLessThan(1.25);
  }

  @ParameterizedTest
  @EnumSource(names = {"PREFIX_CACHE", "PREDICTED_LATENCY"})
  void aFirstBlockThatAllShareDoesNotHoldAllTogether(RoutingStrategy strategy) {
    for (int sharedBlocks : new int[] {1, 30}) {
      LittleFleet fleet = new LittleFleet(strategy, 100, LittleFleet.alike(8, 4_000), 1);
      int[] shared = new Random(4).ints(sharedBlocks).toArray();
      Random random = new Random(5);
      double at = 0;
      for (int i = 0; i < 1_000; i++) {
        at += -Math.log(1 - random.nextDouble()) * 20;
        fleet.ask(at, LittleFleet.prompt(shared, random, 5 + random.nextInt(30)), 50);
      }
      fleet.run();
      assertThat(fleet.imbalance()).as(sharedBlocks + " shared").isLessThan(1.15);
    }
  }

  @Test
  void predictedLatencyLeavesHomeWhenThereIsAQueueThere() {
    PromptBlocks mine = LittleFleet.prompt(NOTHING, new Random(1), 10);
    for (boolean busy : new boolean[] {false, true}) {
      LittleFleet fleet =
          new LittleFleet(RoutingStrategy.PREDICTED_LATENCY, 100, LittleFleet.alike(2, 100_000), 1);
      fleet.ask(0, mine, 10);
      fleet.ask(1_000, mine, 10);
      if (busy) {
        int home = 0; // equals go to the first
        PromptBlocks large = LittleFleet.prompt(NOTHING, new Random(2), 400);
        Replica at = fleet.roster.all().get(home);
        fleet.at(
            1_500,
            () -> {
              Prospect prospect = at.prospect;
              if (prospect == null) {
                throw new AssertionError("nobody was there");
              }
              prospect
                  .backlog()
                  .add(
                      new Errand(
                          prospect.by(),
                          prospect,
                          LittleFleet.BLOCK * large.size(),
                          new Prospect.Match(0, 0, 0, true),
                          true,
                          1_500));
            });
      }
      fleet.ask(1_600, mine, 10);
      fleet.run();
      assertThat(fleet.served.get(1).replica()).isZero();
      assertThat(fleet.served.get(2).replica()).isEqualTo(busy ? 1 : 0);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PREFIX_CACHE", "PREDICTED_LATENCY"})
  void anIdlePoolRotates(RoutingStrategy strategy) {
    LittleFleet fleet = new LittleFleet(strategy, 100, LittleFleet.alike(8, 4_000), 1);
    Random random = new Random(9);
    for (int i = 0; i < 8; i++) {
      fleet.ask(i * 10_000.0, LittleFleet.prompt(NOTHING, random, 20), 20);
    }
    fleet.run();
    assertThat(fleet.served.stream().map(LittleFleet.Served::replica).distinct()).hasSize(8);
  }

  @ParameterizedTest
  @EnumSource(names = {"POWER_OF_TWO", "PREFIX_CACHE", "PREDICTED_LATENCY"})
  void sameSeedSameChoices(RoutingStrategy strategy) {
    List<List<LittleFleet.Served>> runs = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      LittleFleet fleet = new LittleFleet(strategy, 20, LittleFleet.alike(6, 4_000), 77);
      conversations(fleet, 100, 40, 5);
      fleet.run();
      runs.add(fleet.served);
    }
    assertThat(runs.get(0)).isEqualTo(runs.get(1));
  }

  @Property(tries = 50)
  void prefixCacheKeepsLoadsWithinItsBound(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 12) int replicas) {
    Random random = new Random(seed);
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < replicas; i++) {
      specs.add(Samples.spec("r" + i, 1, 1_000));
    }
    Roster roster = new Roster(Samples.pool(specs), false);
    PrefixAffinity strategy = new PrefixAffinity(1 << 20);
    PromptBlocks hot = LittleFleet.prompt(NOTHING, new Random(1), 50);
    List<Replica> candidates = new ArrayList<>();
    List<Replica> live = new ArrayList<>();
    for (int i = 1; i <= 600; i++) {
      PromptBlocks prompt = random.nextInt(4) > 0 ? hot : LittleFleet.prompt(NOTHING, random, 10);
      Admit admit = Samples.prompted(Samples.Ask.of("q" + i).admit(), prompt.size() * 64, prompt);
      roster.candidates(0, Set.of(), candidates);
      double mean = live.size() / (double) replicas;
      Replica picked = strategy.pick(candidates, roster, admit, i);
      assertThat((double) picked.live())
          .isLessThanOrEqualTo(mean + PrefixAffinity.BOUND * (mean + PrefixAffinity.SLACK) + 1e-9);
      strategy.granted(picked, admit, i);
      roster.take(picked.id(), i);
      live.add(picked);
      if (random.nextInt(3) == 0) {
        roster.giveBack(live.remove(random.nextInt(live.size())).id(), 0);
      }
    }
  }

  @Test
  void powerOfTwoKeepsLoadsEvenAndCannotBeForeseen() {
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      specs.add(Samples.spec("r" + i, 1, 1_000));
    }
    List<List<String>> orders = new ArrayList<>();
    for (long seed = 0; seed < 2; seed++) {
      Roster roster = new Roster(Samples.pool(specs), false);
      Strategy strategy = new PowerOfTwo(new Random(seed)::nextDouble);
      List<Replica> candidates = new ArrayList<>();
      List<String> order = new ArrayList<>();
      for (int i = 1; i <= 1_000; i++) {
        roster.candidates(0, Set.of(), candidates);
        Replica picked = strategy.pick(candidates, roster, Samples.Ask.of("q").admit(), 0);
        roster.take(picked.id(), i);
        order.add(picked.id().value());
      }
      assertThat(roster.all()).allSatisfy(each -> assertThat(each.live()).isBetween(95, 105));
      orders.add(order);
    }
    assertThat(orders.get(0)).isNotEqualTo(orders.get(1));
  }

  @Test
  void aReplicaThatWasAwayHasAnEmptyCacheAndItsSpeed() {
    Roster roster = Samples.followed(List.of(Samples.spec("r0", 1, 10)));
    PredictedLatency strategy = new PredictedLatency(1 << 20);
    PromptBlocks prompt = LittleFleet.prompt(NOTHING, new Random(1), 10);
    Admit admit = Samples.prompted(Samples.Ask.of("q").admit(), 640, prompt);
    Replica replica = roster.all().get(0);
    Errand errand = strategy.granted(replica, admit, 0);
    strategy.firstToken(errand, roster, 500, 500);
    strategy.ended(errand, roster, null, 600);
    Prospect prospect = errand.prospect;
    double learned = prospect.tempo().reading().at(640);
    assertThat(learned).isGreaterThan(new Tempo(new Typical()).reading().at(640));
    assertThat(prospect.index().size()).isEqualTo(10);

    roster.report(Samples.PROBER, Samples.status(replica.spec(), ReplicaState.UNHEALTHY), 1_000);
    roster.report(Samples.PROBER, Samples.status(replica.spec(), ReplicaState.HEALTHY), 2_000);
    assertThat(prospect.index().size()).isZero();
    assertThat(replica.prospect).isSameAs(prospect);
    assertThat(prospect.tempo().reading().at(640)).isEqualTo(learned);
  }
}
