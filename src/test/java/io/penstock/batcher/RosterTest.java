package io.penstock.batcher;

import static io.penstock.batcher.Samples.PROBER;
import static io.penstock.batcher.Samples.followed;
import static io.penstock.batcher.Samples.id;
import static io.penstock.batcher.Samples.in;
import static io.penstock.batcher.Samples.inZones;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.batcher.Samples.spec;
import static io.penstock.batcher.Samples.status;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.message.ReplicaStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RosterTest {
  private static final NodeId HEIR = new NodeId("heir");

  private static Reach reach(Roster roster) {
    return roster.reach(0, Set.of());
  }

  @Test
  void aListedReplicaIsUsedUnheardOnlyWhereNobodyProbes() {
    Roster roster = new Roster(pool(replicas(2)), true);
    assertThat(roster.open()).isZero();
    assertThat(reach(roster)).isEqualTo(Reach.HOPED_FOR);
    assertThat(roster.probed(id -> false)).isTrue();
    assertThat(roster.open()).isEqualTo(1);
    assertThat(reach(roster)).isEqualTo(Reach.SERVED);
    assertThat(roster.probed(id -> false)).isFalse();
  }

  private static List<ReplicaId> touched(Roster roster) {
    List<ReplicaId> ids = new ArrayList<>();
    roster.takeTouched(replica -> ids.add(replica.id()));
    return ids;
  }

  @Test
  void tellsOnceWhoseLiveGrantsHaveChanged() {
    Roster roster = new Roster(pool(replicas(2, 2, 2)), false);
    assertThat(touched(roster)).containsExactly(id(0), id(1), id(2));
    assertThat(touched(roster)).isEmpty();
    roster.take(id(1), 1);
    roster.take(id(1), 2);
    assertThat(touched(roster)).containsExactly(id(1));
    roster.giveBack(id(1), 0);
    roster.take(id(2), 3);
    assertThat(touched(roster)).containsExactly(id(1), id(2));
    roster.forgetGrants();
    assertThat(touched(roster)).contains(id(1), id(2));
    roster.take(id(0), 4);
    roster.redefine(pool(replicas(2, 2, 2).subList(1, 3)), 0);
    roster.giveBack(id(0), 0);
    assertThat(touched(roster)).as("gone").isEmpty();
  }

  @Test
  void keepsWhetherAReplicaCanGoOnWithAMessage() {
    List<ReplicaSpec> specs = replicas(1);
    Roster roster = new Roster(pool(specs), true);
    ReplicaSpec spec = specs.get(0);
    for (Optional<Boolean> says :
        List.of(Optional.<Boolean>empty(), Optional.of(true), Optional.of(false))) {
      roster.report(
          PROBER,
          new ReplicaStatus(
              Samples.POOL,
              spec,
              ReplicaState.HEALTHY,
              Optional.empty(),
              "",
              says,
              1,
              Optional.empty()),
          0);
      assertThat(roster.find(spec.id()).orElseThrow().continuesMessages).isEqualTo(says);
    }
  }

  @Test
  void aReportWithoutNewsChangesNothing() {
    Roster roster = followed(List.of());
    assertThat(roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.HEALTHY), 0)).isTrue();
    assertThat(roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.HEALTHY), 1)).isFalse();
    assertThat(roster.report(PROBER, status(spec("r0", 1, 5), ReplicaState.HEALTHY), 2)).isTrue();
    assertThat(roster.slots()).isEqualTo(5);
  }

  @Test
  void anHeirsIgnoranceDoesNotCountForAWhile() {
    Roster roster = new Roster(pool(replicas(2)), true);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.HEALTHY), 0);
    roster.report(HEIR, status(spec("r0", 1, 2), ReplicaState.STARTING), 1_000);
    assertThat(reach(roster)).isEqualTo(Reach.SERVED);
    roster.report(HEIR, status(spec("r0", 1, 2), ReplicaState.STARTING), 6_000);
    assertThat(reach(roster)).isEqualTo(Reach.HOPED_FOR);
  }

  @Test
  void neitherDoesThatOfAProberThatHasBegunAnew() {
    Roster roster = new Roster(pool(replicas(2)), true);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.HEALTHY), 0);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.STARTING), 1_000);
    assertThat(reach(roster)).isEqualTo(Reach.SERVED);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.HEALTHY), 2_000);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.STARTING), 3_000);
    assertThat(reach(roster)).isEqualTo(Reach.SERVED);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.STARTING), 8_000);
    assertThat(reach(roster)).isEqualTo(Reach.HOPED_FOR);
  }

  @Test
  void anotherEngineUnderTheSameNameHasItsOwnHealth() {
    Roster roster = followed(replicas(2));
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.HEALTHY), 0);
    ReplicaSpec moved = new ReplicaSpec(id(0), "http://elsewhere:8000", 1, 2, Set.of(), "");
    roster.report(PROBER, status(moved, ReplicaState.STARTING), 1);
    assertThat(reach(roster)).isEqualTo(Reach.HOPED_FOR);
  }

  @Test
  void whoHasFailedInOneZoneIsOfferedTheOthersFirst() {
    Roster roster = new Roster(pool(inZones("a", "a", "b", "")), false);
    assertThat(candidates(roster, Set.of())).containsExactly(0, 1, 2, 3);
    assertThat(candidates(roster, Set.of(id(0)))).containsExactly(2, 3);
    assertThat(candidates(roster, Set.of(id(0), id(2)))).containsExactly(3);
    assertThat(candidates(roster, Set.of(id(0), id(2), id(3))))
        .as("nothing else")
        .containsExactly(1);
    assertThat(candidates(roster, Set.of(id(3)))).as("of no known zone").containsExactly(0, 1, 2);
    assertThat(candidates(roster, Set.of(new ReplicaId("long-gone")))).containsExactly(0, 1, 2, 3);
    for (int grants = 1; grants <= 8; grants++) {
      roster.take(id(2 + grants % 2), grants);
    }
    assertThat(candidates(roster, Set.of(id(0)))).as("the others are full").containsExactly(1);
  }

  private static List<Integer> candidates(Roster roster, Set<ReplicaId> excluded) {
    List<Replica> found = new ArrayList<>();
    roster.candidates(0, excluded, found);
    return found.stream().map(each -> Integer.parseInt(each.id().value().substring(1))).toList();
  }

  @Test
  void aReplicaThatMovesTakesItsLiveGrantsAlong() {
    Roster roster = followed(inZones("a", "b"));
    roster.take(id(0), 1);
    roster.take(id(1), 2);
    roster.report(PROBER, status(in("c", spec("r0", 1, 4)), ReplicaState.HEALTHY), 0);
    assertThat(roster.zones())
        .extracting(zone -> zone.zone() + " " + zone.live() + "/" + zone.slots())
        .containsExactlyInAnyOrder("b 1/4", "c 1/4");
    roster.report(PROBER, status(in("b", spec("r1", 1, 4)), ReplicaState.UNHEALTHY), 0);
    assertThat(roster.zones())
        .extracting(zone -> zone.zone() + " " + zone.live() + "/" + zone.slots())
        .containsExactlyInAnyOrder("b 1/0", "c 1/4");
    roster.report(PROBER, status(in("b", spec("r1", 1, 4)), ReplicaState.REMOVED), 0);
    roster.giveBack(id(1), 2);
    assertThat(roster.zones()).extracting(ZoneLoad::zone).containsExactly("c");
  }

  @Test
  void aRemovedReplicaStaysUntilItsLastGrantIsBack() {
    Roster roster = followed(replicas(2, 2));
    roster.take(id(0), 1);
    roster.report(PROBER, status(spec("r0", 1, 2), ReplicaState.REMOVED), 0);
    assertThat(roster.all()).hasSize(2);
    assertThat(roster.open()).isEqualTo(1);
    roster.giveBack(id(0), 0);
    assertThat(roster.all()).hasSize(1);
    assertThat(roster.reach(0, Set.of(id(1)))).isEqualTo(Reach.NONE);
  }

  @Test
  void aLeaseOnAReplicaNotYetListedCountsOnceItIs() {
    Roster roster = followed(replicas(2));
    roster.take(id(9), 1);
    assertThat(roster.open()).isEqualTo(1);
    roster.report(PROBER, status(spec("r9", 1, 1), ReplicaState.HEALTHY), 0);
    assertThat(roster.open()).as("r9's only slot is taken").isEqualTo(1);
    roster.giveBack(id(9), 0);
    assertThat(roster.open()).isEqualTo(2);
  }

  @Test
  void holdsNoMoreReplicasThanItsBound() {
    Roster roster = followed(List.of());
    for (int i = 0; i < Pool.REPLICAS_MAX + 10; i++) {
      roster.report(PROBER, status(spec("r" + i, 1, 1), ReplicaState.HEALTHY), 0);
    }
    assertThat(roster.all()).hasSize(Pool.REPLICAS_MAX);
  }
}
