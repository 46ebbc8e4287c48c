package io.penstock.app;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import java.util.EnumSet;
import java.util.Set;

/** What a node that leaves can give to others before it has finished its own streams. */
final class Handover {
  private Handover() {}

  /** Those of the roles that no node has. */
  static Set<Role> nobodys(View view, Set<Role> roles) {
    Set<Role> left = EnumSet.noneOf(Role.class);
    left.addAll(roles);
    view.nodes().forEach(node -> left.removeAll(node.roles()));
    return left;
  }

  /**
   * The roles of {@code self}, but {@code ingress}, that a node which is not leaving has too. The
   * rest stays until the end: a queue that nobody could take over is served while it can be.
   */
  static Set<Role> roles(View view, NodeId self) {
    Set<Role> own = EnumSet.noneOf(Role.class);
    Set<Role> others = EnumSet.noneOf(Role.class);
    for (View.Node node : view.nodes()) {
      if (node.id().equals(self)) {
        own.addAll(node.roles());
      } else if (!node.draining()) {
        others.addAll(node.roles());
      }
    }
    own.remove(Role.INGRESS);
    own.retainAll(others);
    return own;
  }
}
