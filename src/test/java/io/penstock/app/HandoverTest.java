package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HandoverTest {
  private static final Set<Role> ALL = EnumSet.allOf(Role.class);
  private static final NodeId SELF = new NodeId("a");

  @Test
  void aloneItKeepsEverythingToTheEnd() {
    assertThat(Handover.roles(view(node("a", ALL, false)), SELF)).isEmpty();
  }

  @Test
  void othersTakeWhatTheyAlsoDo() {
    View view =
        view(
            node("a", ALL, false),
            node("b", Set.of(Role.BATCHER, Role.INGRESS), false),
            node("c", Set.of(Role.ROUTER), false));

    assertThat(Handover.roles(view, SELF)).containsExactlyInAnyOrder(Role.BATCHER, Role.ROUTER);
  }

  @Test
  void streamsAreNotHandedOver() {
    View view = view(node("a", ALL, false), node("b", ALL, false));

    assertThat(Handover.roles(view, SELF))
        .containsExactlyInAnyOrder(Role.ROUTER, Role.BATCHER, Role.HEALTH_PROBER);
  }

  @Test
  void aNodeThatLeavesTakesNothing() {
    View view = view(node("a", ALL, false), node("b", ALL, true));

    assertThat(Handover.roles(view, SELF)).isEmpty();
  }

  @Test
  void nothingIsGivenThatItDoesNotHave() {
    View view = view(node("a", Set.of(Role.INGRESS, Role.ROUTER), false), node("b", ALL, false));

    assertThat(Handover.roles(view, SELF)).containsExactly(Role.ROUTER);
  }

  @Test
  void whatNobodyHasIsSeen() {
    View view = view(node("a", Set.of(Role.INGRESS), true), node("b", Set.of(Role.ROUTER), true));
    assertThat(Handover.nobodys(view, Set.of(Role.ROUTER, Role.BATCHER)))
        .containsExactly(Role.BATCHER);
    assertThat(Handover.nobodys(view, Set.of())).isEmpty();
  }

  private static View view(View.Node... nodes) {
    return new View(List.of(nodes));
  }

  private static View.Node node(String id, Set<Role> roles, boolean draining) {
    return new View.Node(new NodeId(id), id, "", roles, 1, "hash", draining);
  }
}
