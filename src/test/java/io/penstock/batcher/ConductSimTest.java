package io.penstock.batcher;

import static io.penstock.batcher.Samples.id;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.batcher.Samples.spec;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.AlarmChanged;
import io.penstock.batcher.AdmissionDecision.Doubted;
import io.penstock.batcher.Fleetlet.Deed;
import io.penstock.fault.Fault;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.FailoverStrategy;
import io.penstock.inference.LimitShare;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RoutingStrategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a pool treats replicas that misbehave, in virtual time, through the owner itself. */
class ConductSimTest {
  private static final int RATE = 100;

  private static Fleetlet fleet(RoutingStrategy routing, FailoverPolicy failover, int... slots) {
    List<ReplicaSpec> specs = replicas(slots);
    return new Fleetlet(
        Samples.pool(specs, routing, QueueLimits.DEFAULT, failover, BreakerPolicy.DEFAULT),
        specs,
        1);
  }

  private static Fleetlet three(RoutingStrategy routing) {
    return fleet(routing, FailoverPolicy.DEFAULT, 100, 100, 100);
  }

  private static Fleetlet under(FailoverStrategy strategy) {
    Duration failback = Duration.ofSeconds(10);
    return fleet(
        RoutingStrategy.LEAST_LOADED,
        new FailoverPolicy(strategy, 1, true, failback),
        100,
        100,
        100);
  }

  private static Deed refuses() {
    return Deed.of(Outcome.TRANSPORT, 1);
  }

  @ParameterizedTest
  @EnumSource(
      value = RoutingStrategy.class,
      names = {"LEAST_LOADED", "ROUND_ROBIN", "RANDOM"})
  void oneThatAnswers503AtOnceGetsItsProbeShareOnly(RoutingStrategy routing) {
    Fleetlet fleet = three(routing);
    fleet.load(RATE, 5_000);
    fleet.engine(1, at -> Deed.of(Outcome.BACK_PRESSURE, 1));
    fleet.load(RATE, 17_000);
    assertThat(fleet.granted(1, 7_000, 17_000)).as("one a second").isBetween(1L, 11L);
    assertThat(fleet.standing(1).breaker()).isEqualTo(Breaker.State.CLOSED);
    assertThat(fleet.failed).isZero();
    fleet.engine(1, at -> Deed.ok(20, 200));
    fleet.load(RATE, 40_000);
    assertThat(fleet.share(1, 30_000, 40_000)).as("on its way back").isGreaterThan(0.2);
    fleet.load(RATE, 90_000);
    assertThat(fleet.standing(1).limit()).as("all is forgotten").isEqualTo(100);
    assertThat(fleet.share(1, 80_000, 90_000)).isGreaterThan(0.3);
  }

  @Test
  void retryAfterIsObeyed() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    fleet.engine(1, at -> new Deed(Outcome.BACK_PRESSURE, -1, 1, 5_000));
    fleet.load(RATE, 20_000);
    List<Long> at = fleet.grantsOf(id(1));
    List<Long> settled = at.stream().filter(each -> each > 100).toList();
    assertThat(settled).hasSizeBetween(2, 4);
    for (int i = 1; i < settled.size(); i++) {
      assertThat(settled.get(i) - settled.get(i - 1)).isGreaterThanOrEqualTo(5_000);
    }
  }

  @Test
  void whoAllAskForAPauseThatIsTooLongAreNotWaitedFor() {
    Fleetlet fleet = fleet(RoutingStrategy.LEAST_LOADED, FailoverPolicy.DEFAULT, 100);
    fleet.engine(0, at -> new Deed(Outcome.BACK_PRESSURE, -1, 1, 30_000));
    fleet.load(10, 2_000);
    assertThat(fleet.granted(0, 0, 2_000)).isEqualTo(1);
    assertThat(fleet.refusals).hasSizeGreaterThan(10);
    assertThat(fleet.refusals.get(5).fault()).isEqualTo(Fault.QUEUE_FULL);
    assertThat(fleet.refusals.get(5).detail()).contains("left alone");
  }

  @ParameterizedTest
  @EnumSource(
      value = RoutingStrategy.class,
      names = {"LEAST_LOADED", "ROUND_ROBIN", "RANDOM"})
  void oneThatIsTenTimesSlowerServesLessThan3Percent(RoutingStrategy routing) {
    Fleetlet fleet = three(routing);
    fleet.load(RATE, 5_000);
    fleet.engine(2, at -> Deed.ok(200, 2_000));
    fleet.load(RATE, 35_000);
    assertThat(fleet.share(2, 15_000, 35_000)).isLessThan(0.03);
    assertThat(fleet.granted(2, 15_000, 35_000)).as("probes").isPositive();
    fleet.engine(2, at -> Deed.ok(20, 200));
    fleet.load(RATE, 120_000);
    assertThat(fleet.share(2, 110_000, 120_000)).as("back").isGreaterThan(0.25);
    assertThat(fleet.failed).isZero();
  }

  @Test
  void oneThatIsDeadCostsAHandfulOfAttemptsAndIsDoubted() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    fleet.load(RATE, 5_000);
    fleet.engine(1, at -> refuses());
    fleet.load(RATE, 20_000);
    assertThat(fleet.granted(1, 5_000, 20_000)).as("then after 1, 2, 4, 8 s").isBetween(2L, 6L);
    assertThat(fleet.failed).isZero();
    assertThat(fleet.others)
        .anyMatch(each -> each instanceof Doubted d && d.doubt().replica().equals(id(1)));
    assertThat(fleet.standing(1).usable()).isFalse();
    assertThat(fleet.standing(1).why()).contains("connections");
    fleet.engine(1, at -> Deed.ok(20, 200));
    fleet.health(id(1), ReplicaState.HEALTHY, 1);
    assertThat(fleet.standing(1).usable()).as("an old check").isFalse();
  }

  @Test
  void aNewerGoodCheckEndsTheSuspicion() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    fleet.engine(1, at -> at < 1_000 ? refuses() : Deed.ok(20, 200));
    fleet.load(RATE, 500);
    assertThat(fleet.standing(1).usable()).isFalse();
    fleet.health(id(1), ReplicaState.HEALTHY, 2);
    assertThat(fleet.standing(1).usable()).isTrue();
  }

  /** The one replica that is kept in use is the one that has failed the request already. */
  @Test
  void whereAllStumbleOnceARequestWaitsForNewsOfTheOthers() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    for (int i = 0; i < 3; i++) {
      AtomicInteger requests = new AtomicInteger();
      fleet.engine(i, at -> requests.getAndIncrement() == 0 ? refuses() : Deed.ok(20, 200));
    }
    fleet.load(1_000, 6);
    fleet.run(300);
    assertThat(fleet.failed).isZero();
    assertThat(fleet.succeeded).as("those that the kept one has not failed").isLessThan(6);
    for (int i = 0; i < 3; i++) {
      fleet.health(id(i), ReplicaState.HEALTHY, 2);
    }
    fleet.run(1_000);
    assertThat(fleet.failed).isZero();
    assertThat(fleet.succeeded).isEqualTo(6);
  }

  @Test
  void whoHearsNoNewsIsRefusedSoon() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    fleet.engine(0, at -> refuses());
    fleet.engine(1, at -> refuses());
    fleet.engine(2, at -> refuses());
    fleet.load(1_000, 3);
    fleet.run(10_000);
    assertThat(fleet.failed).isEqualTo(3);
  }

  @Test
  void faultsOpenTheBreakerAndTrialsCloseIt() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    fleet.load(RATE, 5_000);
    fleet.engine(0, at -> Deed.of(Outcome.FAULT, 5));
    fleet.load(RATE, 60_000);
    assertThat(fleet.granted(0, 7_000, 60_000)).isZero();
    assertThat(fleet.standing(0).breaker()).isEqualTo(Breaker.State.OPEN);
    fleet.engine(0, at -> Deed.ok(20, 200));
    fleet.load(RATE, 130_000);
    assertThat(fleet.standing(0).breaker()).isEqualTo(Breaker.State.CLOSED);
    assertThat(fleet.share(0, 120_000, 130_000)).isGreaterThan(0.25);
    assertThat(fleet.failed).isZero();
  }

  @Test
  void theLastReplicaIsKept() {
    Fleetlet fleet = fleet(RoutingStrategy.LEAST_LOADED, FailoverPolicy.DEFAULT, 100);
    fleet.engine(0, at -> Deed.of(Outcome.FAULT, 5));
    fleet.load(RATE, 5_000);
    assertThat(fleet.granted(0, 4_000, 5_000)).isEqualTo(100);
    assertThat(fleet.owner.standing(fleet.now).degraded()).isTrue();
    assertThat(fleet.standing(0).why()).contains("kept in use");
    fleet.engine(0, at -> refuses());
    fleet.load(RATE, 10_000);
    assertThat(fleet.granted(0, 9_000, 10_000)).isEqualTo(100);
    fleet.engine(0, at -> Deed.ok(20, 200));
    fleet.load(RATE, 12_000);
    assertThat(fleet.owner.standing(fleet.now).degraded()).isFalse();
    assertThat(fleet.standing(0).breaker()).isEqualTo(Breaker.State.CLOSED);
  }

  @Test
  void aReplicaThatIsBackStartsSlowly() {
    Fleetlet fleet = three(RoutingStrategy.LEAST_LOADED);
    fleet.load(RATE, 40_000);
    fleet.health(id(2), ReplicaState.UNHEALTHY, 2);
    fleet.load(RATE, 45_000);
    fleet.health(id(2), ReplicaState.HEALTHY, 3);
    int first = fleet.standing(2).limit();
    fleet.load(RATE, 60_000);
    int half = fleet.standing(2).limit();
    fleet.load(RATE, 80_000);
    assertThat(first).isEqualTo(10);
    assertThat(half).isBetween(45, 55);
    assertThat(fleet.standing(2).limit()).isEqualTo(100);
    assertThat(fleet.share(2, 45_000, 47_000)).isLessThan(fleet.share(2, 77_000, 80_000));
  }

  @Test
  void behindAPrimaryAStandbyTakesOverAndGivesBackAfterAWhile() {
    Fleetlet fleet = under(FailoverStrategy.ACTIVE_PASSIVE);
    fleet.load(RATE, 5_000);
    assertThat(fleet.share(0, 0, 5_000)).isEqualTo(1);
    assertThat(fleet.standing(1).duty()).isEqualTo(Duty.STANDBY);
    fleet.health(id(0), ReplicaState.UNHEALTHY, 2);
    fleet.load(RATE, 10_000);
    assertThat(fleet.share(1, 5_000, 10_000)).isEqualTo(1);
    fleet.health(id(0), ReplicaState.HEALTHY, 3);
    fleet.load(RATE, 30_000);
    assertThat(fleet.share(1, 10_000, 19_000)).as("not stable yet").isEqualTo(1);
    assertThat(fleet.share(0, 21_000, 30_000)).as("failback").isEqualTo(1);
    assertThat(fleet.failed).isZero();
  }

  @Test
  void aRequestThatThePrimaryFailedGoesToTheStandby() {
    Fleetlet fleet = under(FailoverStrategy.ACTIVE_PASSIVE);
    fleet.engine(0, at -> at % 50 == 0 ? Deed.of(Outcome.FAULT, 5) : Deed.ok(20, 200));
    fleet.load(RATE, 5_000);
    fleet.run(7_000);
    assertThat(fleet.failed).isZero();
    assertThat(fleet.granted(1, 0, 5_000)).isPositive();
  }

  @Test
  void theReserveJoinsWhenAnotherIsLostAndStepsBack() {
    Fleetlet fleet = under(FailoverStrategy.N_PLUS_ONE);
    fleet.load(RATE, 5_000);
    assertThat(fleet.granted(2, 0, 5_000)).isZero();
    assertThat(fleet.standing(2).duty()).isEqualTo(Duty.RESERVE);
    fleet.engine(0, at -> refuses());
    fleet.load(RATE, 10_000);
    assertThat(fleet.share(2, 6_000, 10_000)).isGreaterThan(0.4);
    fleet.engine(0, at -> Deed.ok(20, 200));
    fleet.health(id(0), ReplicaState.HEALTHY, 2);
    fleet.load(RATE, 40_000);
    assertThat(fleet.granted(2, 30_000, 40_000)).isZero();
    assertThat(fleet.failed).isZero();
  }

  @Test
  void tooFewHealthyReplicasAreAnAlarmOnce() {
    Fleetlet fleet =
        fleet(
            RoutingStrategy.LEAST_LOADED,
            new FailoverPolicy(FailoverStrategy.ACTIVE_ACTIVE, 2, true, Duration.ZERO),
            100,
            100);
    fleet.load(RATE, 10_000);
    assertThat(fleet.others).noneMatch(AlarmChanged.class::isInstance);
    fleet.health(id(0), ReplicaState.UNHEALTHY, 2);
    fleet.load(RATE, 12_000);
    assertThat(fleet.owner.standing(fleet.now).belowMin()).isTrue();
    fleet.health(id(0), ReplicaState.HEALTHY, 3);
    fleet.load(RATE, 14_000);
    assertThat(fleet.others.stream().filter(AlarmChanged.class::isInstance))
        .containsExactly(new AlarmChanged(true, 1, 2), new AlarmChanged(false, 2, 2));
  }

  @Test
  void aSideOfASplitUsesItsShareAndSaysSoWhereThatIsNothing() {
    Fleetlet fleet = fleet(RoutingStrategy.LEAST_LOADED, FailoverPolicy.DEFAULT, 3, 3);
    fleet.share(new LimitShare(2, 3));
    assertThat(fleet.owner.roster().slots()).isEqualTo(4);
    fleet.share(new LimitShare(1, 5));
    fleet.load(10, 500);
    assertThat(fleet.refusals).as("it may heal").isEmpty();
    fleet.run(Admission.REPLICA_GRACE_MILLIS + 500);
    assertThat(fleet.refusals).hasSize(5);
    assertThat(fleet.refusals.get(0).fault()).isEqualTo(Fault.NO_REPLICA);
    assertThat(fleet.refusals.get(0).detail()).contains("split").contains("1 of 5");
    fleet.share(LimitShare.WHOLE);
    fleet.load(10, fleet.now + 500);
    assertThat(fleet.refusals).hasSize(5);
  }

  @Test
  void theReserveIsNotTheOnlyOneOfItsZone() {
    List<ReplicaSpec> specs = List.of(inZone("r0", "a"), inZone("r1", "a"), inZone("r2", "b"));
    Pool pool =
        Samples.pool(
            specs,
            RoutingStrategy.LEAST_LOADED,
            QueueLimits.DEFAULT,
            new FailoverPolicy(FailoverStrategy.N_PLUS_ONE, 1, true, Duration.ZERO),
            BreakerPolicy.DEFAULT);
    Fleetlet fleet = new Fleetlet(pool, specs, 1);
    assertThat(fleet.standing(1).duty()).isEqualTo(Duty.RESERVE);
    assertThat(fleet.standing(2).duty()).isEqualTo(Duty.PRIMARY);
  }

  private static ReplicaSpec inZone(String name, String zone) {
    ReplicaSpec plain = spec(name, 1, 100);
    return new ReplicaSpec(
        plain.id(), plain.url(), plain.weight(), plain.maxConcurrent(), plain.capabilities(), zone);
  }

  @Property(tries = 60)
  void whateverEnginesDoNoRequestIsLostAndHealthyOnesServeInTheEnd(@ForAll long seed) {
    java.util.Random random = new java.util.Random(seed);
    Fleetlet fleet = under(FailoverStrategy.values()[random.nextInt(3)]);
    Outcome[] outcomes = Outcome.values();
    for (int i = 0; i < 3; i++) {
      Outcome worst = outcomes[random.nextInt(outcomes.length)];
      double bad = random.nextDouble();
      fleet.engine(
          i,
          at ->
              random.nextDouble() < bad
                  ? new Deed(worst, worst == Outcome.OK ? 500 : -1, 1 + random.nextInt(3_000), 0)
                  : Deed.ok(20, 200));
    }
    fleet.load(50, 20_000);
    for (int i = 0; i < 3; i++) {
      fleet.engine(i, at -> Deed.ok(20, 200));
    }
    fleet.load(50, 160_000);
    fleet.run(200_000);
    assertThat(fleet.owner.busy()).isFalse();
    assertThat(fleet.granted(0, 150_000, 160_000)).as("all is forgiven").isPositive();
    for (Standing.OfReplica each : fleet.owner.standing(fleet.now).replicas()) {
      assertThat(each.breaker()).isIn(Breaker.State.CLOSED, Breaker.State.HALF_OPEN);
    }
  }
}
