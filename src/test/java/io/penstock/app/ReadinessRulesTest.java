package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.admin.FleetHealth;
import io.penstock.bus.View;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.Absent;
import io.penstock.telemetry.Readiness;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReadinessRulesTest {
  private final Readiness readiness = new Readiness();

  @Test
  void anIngressNodeNeedsARouterAndABatcher() {
    Set<Role> own = Set.of(Role.INGRESS);
    readiness.met(ReadinessRules.VERTICLES);

    ReadinessRules.apply(view(own), own, readiness);
    assertThat(readiness.state().ready()).isFalse();
    assertThat(readiness.state().conditions())
        .containsEntry("router", "no node that this one hears of has the role router")
        .containsEntry("batcher", "no node that this one hears of has the role batcher");

    ReadinessRules.apply(view(own, Set.of(Role.ROUTER)), own, readiness);
    assertThat(readiness.state().ready()).isFalse();

    ReadinessRules.apply(view(own, Set.of(Role.ROUTER), Set.of(Role.BATCHER)), own, readiness);
    assertThat(readiness.state().ready()).isTrue();

    ReadinessRules.apply(view(own, Set.of(Role.BATCHER)), own, readiness);
    assertThat(readiness.state().ready()).as("the router is lost again").isFalse();
  }

  @Test
  void othersNeedOnlyThemselves() {
    Set<Role> own = Set.of(Role.HEALTH_PROBER);
    ReadinessRules.starting(own, readiness);

    ReadinessRules.apply(view(own), own, readiness);
    assertThat(readiness.state().ready()).isFalse();

    readiness.met(ReadinessRules.VERTICLES);
    assertThat(readiness.state().ready()).isTrue();
  }

  @Test
  void anIngressNodeWaitsForHealthyReplicasOnceAndForNoOtherAfterThat() {
    Set<Role> own = Set.of(Role.INGRESS);
    ReadinessRules.starting(own, readiness);
    readiness.met(ReadinessRules.VERTICLES);
    ReadinessRules.apply(new FleetHealth(false, false, List.of(), List.of()), 5_000, readiness);
    assertThat(readiness.state().ready()).isFalse();
    assertThat(readiness.state().conditions().get(ReadinessRules.REPLICA))
        .startsWith("not every pool is known to have a healthy replica yet");

    ReadinessRules.apply(new FleetHealth(true, false, List.of(), List.of()), 5_500, readiness);
    assertThat(readiness.state().ready()).as("nothing is known of another pool").isFalse();
    ReadinessRules.apply(new FleetHealth(true, true, List.of(), List.of()), 6_000, readiness);
    assertThat(readiness.state().ready()).isTrue();
    ReadinessRules.apply(new FleetHealth(false, false, List.of(), List.of()), 7_000, readiness);
    assertThat(readiness.state().ready()).as("the fleet's state is not the node's").isTrue();
  }

  @Test
  void aFleetThatIsDownHoldsANodeUpForThirtySecondsAtMost() {
    ReadinessRules.starting(Set.of(Role.INGRESS), readiness);
    readiness.met(ReadinessRules.VERTICLES);
    FleetHealth down = new FleetHealth(false, false, List.of(), List.of());
    ReadinessRules.apply(down, ReadinessRules.PATIENCE_MILLIS - 1, readiness);
    assertThat(readiness.state().ready()).isFalse();
    ReadinessRules.apply(down, ReadinessRules.PATIENCE_MILLIS, readiness);
    assertThat(readiness.state().ready()).isTrue();
  }

  @Test
  void aPoolThatIsDownHoldsANodeUpForTenSecondsAtMost() {
    ReadinessRules.starting(Set.of(Role.INGRESS), readiness);
    readiness.met(ReadinessRules.VERTICLES);
    FleetHealth part = new FleetHealth(true, false, List.of(), List.of());
    ReadinessRules.apply(part, ReadinessRules.OTHERS_MILLIS - 1, readiness);
    assertThat(readiness.state().ready()).isFalse();
    ReadinessRules.apply(part, ReadinessRules.OTHERS_MILLIS, readiness);
    assertThat(readiness.state().ready()).isTrue();
  }

  @Test
  void tooFewReplicasAndOtherFleetsAreAlarms() {
    readiness.met(ReadinessRules.VERTICLES);
    Readiness.Alarm low = new Readiness.Alarm(FleetHealth.BELOW_MIN, "pool p", "0 healthy");
    ReadinessRules.apply(new FleetHealth(false, false, List.of(low), List.of()), 0, readiness);
    View view = view(Set.of(Role.INGRESS), Set.of(Role.BATCHER));
    ReadinessRules.compareFleets(view, new NodeId("n0"), readiness);
    assertThat(readiness.state().alarms()).containsExactly(low);
    View.Node other = view.nodes().get(1);
    View differs =
        new View(
            List.of(
                view.nodes().get(0),
                new View.Node(other.id(), "b", "", other.roles(), 1, "other", false)));
    ReadinessRules.compareFleets(differs, new NodeId("n0"), readiness);
    assertThat(readiness.state().alarms())
        .extracting(Readiness.Alarm::subject)
        .containsExactly("node b", "pool p");
    assertThat(readiness.state().ready()).isTrue();
    ReadinessRules.compareFleets(view, new NodeId("n0"), readiness);
    ReadinessRules.apply(new FleetHealth(true, true, List.of(), List.of()), 0, readiness);
    assertThat(readiness.state().alarms()).isEmpty();
  }

  @Test
  void whoIsMissingIsAnAlarm() {
    readiness.met(ReadinessRules.VERTICLES);
    View view = view(Set.of(Role.INGRESS), Set.of(Role.BATCHER));
    Absent gone = new Absent(new NodeId("n2"), "c", "10.0.0.3:5701");
    ReadinessRules.missing(
        new View(view.nodes(), List.of(gone), new LimitShare(2, 3), 0), readiness);
    assertThat(readiness.state().alarms())
        .singleElement()
        .satisfies(
            alarm -> {
              assertThat(alarm.subject()).isEqualTo("node c");
              assertThat(alarm.detail()).contains("2 of 3 shares", "DELETE /admin/v1/nodes/c");
            });
    assertThat(readiness.state().ready()).isTrue();
    ReadinessRules.missing(view, readiness);
    assertThat(readiness.state().alarms()).isEmpty();
  }

  /** Or a balancer would send requests where none is served, and not to the other side. */
  @Test
  void aSideWithoutAnyShareIsNotReady() {
    readiness.met(ReadinessRules.VERTICLES);
    View view = view(Set.of(Role.INGRESS, Role.ROUTER, Role.BATCHER));
    Absent gone = new Absent(new NodeId("n2"), "c", "10.0.0.3:5701");
    View nothing = new View(view.nodes(), List.of(gone), new LimitShare(0, 3), 0);
    ReadinessRules.apply(nothing, Set.of(Role.INGRESS), readiness);
    assertThat(readiness.state().ready()).isFalse();
    ReadinessRules.apply(view, Set.of(Role.INGRESS), readiness);
    assertThat(readiness.state().ready()).isTrue();
  }

  @SafeVarargs
  private static View view(Set<Role>... nodes) {
    return new View(
        IntStream.range(0, nodes.length)
            .mapToObj(
                i -> new View.Node(new NodeId("n" + i), "n" + i, "", nodes[i], 1, "hash", false))
            .collect(Collectors.toList()));
  }
}
