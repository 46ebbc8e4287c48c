package io.penstock.batcher;

import static io.penstock.batcher.Samples.INGRESS;
import static io.penstock.batcher.Samples.POOL;
import static io.penstock.batcher.Samples.id;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.fake.FakeDirectory.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.CensusRepeated;
import io.penstock.batcher.AdmissionDecision.CensusTaken;
import io.penstock.batcher.AdmissionDecision.Disowned;
import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.PoolOwner.Tenure;
import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.View;
import io.penstock.fake.FakeDirectory;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Lease;
import io.penstock.message.NotOwner;
import io.penstock.message.Renew;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolOwnerTest {
  private static final NodeId SELF = new NodeId("self");
  private static final View ALONE = FakeDirectory.of(node("self", Role.BATCHER));
  private static final View WITH_INGRESS =
      FakeDirectory.of(node("self", Role.BATCHER), node("ingress", Role.INGRESS));
  private static final View ELSEWHERE =
      FakeDirectory.of(node("other", Role.BATCHER), node("ingress", Role.INGRESS));

  private final PoolOwner owner = new PoolOwner(pool(replicas(1)), SELF, 300, () -> 0.5);

  private static CensusAnswer answer(long epoch, long highest, Lease... leases) {
    return new CensusAnswer(POOL, epoch, INGRESS, highest, List.of(leases));
  }

  private static CensusTaken census(long epoch) {
    return new CensusTaken(new Census(POOL, epoch, new Station(SELF, Room.BATCHER, 0)));
  }

  @Test
  void servesAtOnceWhereNobodyCanHoldAnything() {
    owner.view(ALONE, 1_000, 0);
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
    assertThat(owner.epoch()).isEqualTo(1_000);
  }

  @Test
  void asksEveryLoopAndServesWhenAllHaveAnswered() {
    assertThat(owner.view(WITH_INGRESS, 1_000, 0)).containsExactly(census(1_000));
    assertThat(owner.admit(Ask.of("a").admit(), 1)).isEmpty();
    assertThat(owner.admit(Ask.of("b").admit(), 1)).isEmpty();
    assertThat(owner.tenure()).isEqualTo(Tenure.CENSUS);
    List<AdmissionDecision> decisions = owner.census(answer(1_000, 5), 2);
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
    assertThat(decisions).hasSize(1);
    assertThat(((Granted) decisions.get(0)).grant().id().value()).isEqualTo("a");
  }

  @Test
  void servesWithoutTheSilentWhenTheTimeIsOver() {
    owner.view(WITH_INGRESS, 1_000, 0);
    owner.admit(Ask.of("a").admit(), 1);
    assertThat(owner.tick(299)).noneMatch(Granted.class::isInstance);
    assertThat(owner.tick(300)).hasSize(1).first().isInstanceOf(Granted.class);
  }

  @Test
  void asksAgainWhoIsSilentAndNobodyElse() {
    PoolOwner patient = new PoolOwner(pool(replicas(1)), SELF, 1_000, () -> 0.5);
    Station silent = new Station(new NodeId("silent"), Room.INGRESS, 0);
    View two =
        FakeDirectory.of(
            node("self", Role.BATCHER),
            node("ingress", Role.INGRESS),
            node("silent", Role.INGRESS));
    assertThat(patient.view(two, 1_000, 0)).containsExactly(census(1_000));
    patient.census(answer(1_000, 0), 5);
    assertThat(patient.tick(199)).isEmpty();
    CensusRepeated again = new CensusRepeated(silent, census(1_000).census());
    assertThat(patient.tick(200)).containsExactly(again);
    assertThat(patient.tick(399)).isEmpty();
    assertThat(patient.tick(400)).containsExactly(again);
    patient.census(new CensusAnswer(POOL, 1_000, silent, 0, List.of()), 410);
    assertThat(patient.tenure()).isEqualTo(Tenure.SERVING);
    assertThat(patient.tick(600)).isEmpty();
  }

  @Test
  void asksNobodyAgainWhenTheCensusIsOver() {
    owner.view(WITH_INGRESS, 1_000, 0);
    assertThat(owner.tick(200)).hasSize(1).first().isInstanceOf(CensusRepeated.class);
    assertThat(owner.tick(400)).isEmpty();
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
  }

  /** Those who were cut off may hold what their own owner has granted. */
  @Test
  void countsBeforeItUsesMoreOfTheLimitsAgain() {
    PoolOwner two = new PoolOwner(pool(replicas(2)), SELF, 300, () -> 0.5);
    two.view(new View(WITH_INGRESS.nodes(), List.of(), new LimitShare(1, 2), 0), 1_000, 0);
    two.census(answer(1_000, 0), 1);
    assertThat(two.roster().slots()).isEqualTo(1);
    assertThat(two.admit(Ask.of("a").admit(), 200)).hasSize(1);
    assertThat(two.admit(Ask.of("b").admit(), 200)).isEmpty();

    View back = new View(WITH_INGRESS.nodes(), List.of(), LimitShare.WHOLE, 1);
    assertThat(two.view(back, 1_000, 300)).containsExactly(census(1_001));
    assertThat(two.tenure()).isEqualTo(Tenure.CENSUS);
    Lease theirs = new Lease(new RequestId("theirs"), id(0));
    List<AdmissionDecision> counted =
        two.census(answer(1_001, 0, new Lease(new RequestId("a"), id(0)), theirs), 301);
    assertThat(two.tenure()).isEqualTo(Tenure.SERVING);
    assertThat(counted).as("both slots are taken").noneMatch(Granted.class::isInstance);

    View less = new View(WITH_INGRESS.nodes(), List.of(), new LimitShare(2, 3), 1);
    assertThat(two.view(less, 1_000, 400)).as("no need to count").isEmpty();
  }

  /** They hold nothing: their part of the limits is free at once. */
  @Test
  void theDeadNeedNoCount() {
    PoolOwner two = new PoolOwner(pool(replicas(2)), SELF, 300, () -> 0.5);
    two.view(new View(WITH_INGRESS.nodes(), List.of(), new LimitShare(1, 2), 0), 1_000, 0);
    two.census(answer(1_000, 0), 1);
    two.admit(Ask.of("a").admit(), 200);
    assertThat(two.admit(Ask.of("b").admit(), 200)).isEmpty();

    assertThat(two.view(WITH_INGRESS, 1_000, 300)).singleElement().isInstanceOf(Granted.class);
    assertThat(two.tenure()).isEqualTo(Tenure.SERVING);
  }

  @Test
  void countsWhatTheLoopsHold() {
    owner.view(WITH_INGRESS, 1_000, 0);
    owner.census(answer(1_000, 5, new Lease(new RequestId("old"), id(0))), 2);
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
    assertThat(owner.admit(Ask.of("a").admit(), 3)).isEmpty();
  }

  @Test
  void goesAboveAHigherEpochAndAnnouncesNoFasterThanTheGap() {
    owner.view(WITH_INGRESS, 1_000, 0);
    assertThat(owner.census(answer(1_000, 5_000), 10)).isEmpty();
    assertThat(owner.epoch()).isEqualTo(5_001);
    assertThat(owner.tick(50)).isEmpty();
    assertThat(owner.tick(100)).containsExactly(census(5_001));
    assertThat(owner.tenure()).isEqualTo(Tenure.CENSUS);
    owner.census(answer(5_001, 5_000), 110);
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
  }

  @Test
  void countsAgainWhenItHearsOfAnotherOwnerWhileServing() {
    owner.view(WITH_INGRESS, 1_000, 0);
    owner.census(answer(1_000, 0), 1);
    List<AdmissionDecision> decisions = owner.admit(Ask.of("a").knowing(2_000).admit(), 500);
    assertThat(decisions).containsExactly(census(2_001));
    assertThat(owner.tenure()).isEqualTo(Tenure.CENSUS);
    decisions = owner.census(answer(2_001, 2_000), 502);
    assertThat(((Granted) decisions.get(0)).grant().epoch()).isEqualTo(2_001);
  }

  @Test
  void aLoopThatJoinsDuringTheCensusIsAskedToo() {
    owner.view(WITH_INGRESS, 1_000, 0);
    View more =
        FakeDirectory.of(
            node("self", Role.BATCHER), node("ingress", Role.INGRESS), node("late", Role.INGRESS));
    assertThat(owner.view(more, 1_000, 150)).containsExactly(census(1_000));
    owner.census(answer(1_000, 0), 151);
    assertThat(owner.tenure()).isEqualTo(Tenure.CENSUS);
    Station late = new Station(new NodeId("late"), Room.INGRESS, 0);
    owner.census(new CensusAnswer(POOL, 1_000, late, 0, List.of()), 152);
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
  }

  @Test
  void forgetsEverythingWhenItLosesThePoolAndSaysSoToWhoAsks() {
    owner.view(WITH_INGRESS, 1_000, 0);
    owner.census(answer(1_000, 0), 1);
    owner.admit(Ask.of("live").admit(), 2);
    owner.admit(Ask.of("waiting").admit(), 2);
    assertThat(owner.view(ELSEWHERE, 2_000, 3)).isEmpty();
    assertThat(owner.busy()).isFalse();
    assertThat(owner.roster().open()).isEqualTo(1);
    Disowned disowned = new Disowned(INGRESS, new NotOwner(new RequestId("waiting"), POOL, SELF));
    assertThat(owner.admit(Ask.of("waiting").admit(), 4)).containsExactly(disowned);
    assertThat(
            owner.renew(
                new Renew(POOL, INGRESS, 9_000, List.of(), List.of(new RequestId("waiting"))), 5))
        .containsExactly(disowned);
    owner.view(WITH_INGRESS, 2_000, 6);
    assertThat(owner.epoch()).as("above all that it has heard of").isEqualTo(9_001);
  }
}
