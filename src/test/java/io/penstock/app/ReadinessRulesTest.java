package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.telemetry.Readiness;
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
    ReadinessRules.starting(readiness);

    ReadinessRules.apply(view(own), own, readiness);
    assertThat(readiness.state().ready()).isFalse();

    readiness.met(ReadinessRules.VERTICLES);
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
