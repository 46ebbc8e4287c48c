package io.penstock.app;

import io.penstock.bus.View;
import io.penstock.inference.Role;
import io.penstock.telemetry.Readiness;
import java.util.Set;

/**
 * When a node is ready: its own verticles are up, and the roles that its requests need are taken.
 */
final class ReadinessRules {
  /** The condition that this node's verticles are deployed and announced. */
  static final String VERTICLES = "verticles";

  private ReadinessRules() {}

  /** Before anything is up. */
  static void starting(Readiness readiness) {
    readiness.unmet(VERTICLES, "this node is starting");
  }

  /** After a look at the cluster. */
  static void apply(View view, Set<Role> own, Readiness readiness) {
    if (own.contains(Role.INGRESS)) {
      taken(view, Role.ROUTER, readiness);
      taken(view, Role.BATCHER, readiness);
    }
  }

  private static void taken(View view, Role role, Readiness readiness) {
    if (view.with(role).isEmpty()) {
      readiness.unmet(role.label(), "no node that this one hears of has the role " + role.label());
    } else {
      readiness.met(role.label());
    }
  }
}
