package io.penstock.app;

import io.penstock.admin.FleetHealth;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.telemetry.Readiness;
import java.util.Optional;
import java.util.Set;

/**
 * When a node is ready: its own verticles are up, the roles that its requests need are taken, and,
 * at its start, each pool has a healthy replica.
 *
 * <p>The last is waited for once, so that a cluster that starts takes no request which it must
 * refuse: for {@link #PATIENCE_MILLIS} at most, and for {@link #OTHERS_MILLIS} where some pool has
 * one, which is more than the first look at a replica takes and less than a model takes to load. It
 * is a matter of the start alone: a fleet that is lost later is lost for every node, and if all of
 * them said that they were not ready, clients would find nobody who tells them so (503, with the
 * time to come back), and a rolling update, which waits for each new node to become ready, would
 * never end. For the same reason too few healthy replicas are an alarm, not a condition.
 */
final class ReadinessRules {
  /** The condition that this node's verticles are deployed and announced. */
  static final String VERTICLES = "verticles";

  /** The condition that replicas were healthy, or were waited for long enough, since the start. */
  static final String REPLICA = "replica";

  /** The condition that this side of a split cluster may serve anything at all. */
  static final String SHARE = "share";

  /** The alarm that a node serves another fleet. */
  static final String FLEETS_DIFFER = "fleets_differ";

  /** The alarm that nodes are gone and may be working where this one can't see it. */
  static final String NODES_MISSING = "nodes_missing";

  /** The alarm that a change of keys or tenants is not where it outlives the cluster. */
  static final String KEYS_UNWRITTEN = "keys_unwritten";

  /** The same of registered prefixes. */
  static final String PREFIXES_UNWRITTEN = "prefixes_unwritten";

  static final long PATIENCE_MILLIS = 30_000;

  static final long OTHERS_MILLIS = 10_000;

  private ReadinessRules() {}

  /** Before anything is up. */
  static void starting(Set<Role> own, Readiness readiness) {
    readiness.unmet(VERTICLES, "this node is starting");
    if (own.contains(Role.INGRESS)) {
      readiness.unmet(
          REPLICA,
          "not every pool is known to have a healthy replica yet; this node waits for that for up to "
              + OTHERS_MILLIS / 1_000
              + " s after its start, and while none has one for up to "
              + PATIENCE_MILLIS / 1_000
              + " s");
    }
  }

  /**
   * After a look at the fleet.
   *
   * @param upMillis time since the start
   */
  static void apply(FleetHealth fleet, long upMillis, Readiness readiness) {
    readiness.alarms(FleetHealth.BELOW_MIN, fleet.belowMin());
    readiness.alarms(FleetHealth.SILENT_EVENTS, fleet.silentEvents());
    long patience = fleet.anyHealthy() ? OTHERS_MILLIS : PATIENCE_MILLIS;
    if (isWaiting(readiness) && (fleet.eachHealthy() || upMillis >= patience)) {
      readiness.met(REPLICA);
    }
  }

  /** Whether the first healthy replicas are waited for. */
  static boolean isWaiting(Readiness readiness) {
    return !readiness.state().conditions().getOrDefault(REPLICA, "").isEmpty();
  }

  /**
   * A change of keys or tenants was not stored, or all are.
   *
   * @param why empty when all are
   */
  static void keysUnwritten(Optional<String> why, Readiness readiness) {
    unwritten(KEYS_UNWRITTEN, "keys", "keys or tenants", why, readiness);
  }

  /** The same of registered prefixes. */
  static void prefixesUnwritten(Optional<String> why, Readiness readiness) {
    unwritten(PREFIXES_UNWRITTEN, "prefixes", "registered prefixes", why, readiness);
  }

  private static void unwritten(
      String kind, String subject, String what, Optional<String> why, Readiness readiness) {
    readiness.alarms(
        kind,
        why
            .map(
                text ->
                    new Readiness.Alarm(
                        kind,
                        subject,
                        "a change of "
                            + what
                            + " could not be written to "
                            + text
                            + "; all nodes go by it, it is tried again, and lost if all are down"
                            + " before"))
            .stream()
            .toList());
  }

  /** After a look at the cluster: whose fleet is another than this node's. */
  static void compareFleets(View view, NodeId self, Readiness readiness) {
    String own =
        view.nodes().stream()
            .filter(node -> node.id().equals(self))
            .map(View.Node::fleetHash)
            .findFirst()
            .orElse("");
    readiness.alarms(
        FLEETS_DIFFER,
        view.nodes().stream()
            .filter(node -> !node.fleetHash().equals(own))
            .map(
                node ->
                    new Readiness.Alarm(
                        FLEETS_DIFFER,
                        "node " + node.name(),
                        "serves another fleet than this node (expected: the same on all nodes)"))
            .toList());
  }

  /** After a look at the cluster: who is missing. */
  static void missing(View view, Readiness readiness) {
    readiness.alarms(
        NODES_MISSING,
        view.missing().stream()
            .map(
                who ->
                    new Readiness.Alarm(
                        NODES_MISSING,
                        "node " + who.name(),
                        (view.nodes().stream().anyMatch(node -> node.id().equals(who.node()))
                                ? "is here but misses this node: look at the network; "
                                : "is gone and may be working where this node can not see it; ")
                            + view.share().present()
                            + " of "
                            + view.share().expected()
                            + " shares of every limit are used here (if it hangs, end it; if its host is"
                            + " lost for good: DELETE /admin/v1/nodes/"
                            + who.name()
                            + ")"))
            .toList());
  }

  /** After a look at the cluster. */
  static void apply(View view, Set<Role> own, Readiness readiness) {
    if (own.contains(Role.INGRESS)) {
      taken(view, Role.ROUTER, readiness);
      taken(view, Role.BATCHER, readiness);
      if (view.share().present() == 0) {
        readiness.unmet(
            SHARE,
            "the cluster is split, and none of the "
                + view.share().expected()
                + " shares of every limit are on this side");
      } else {
        readiness.met(SHARE);
      }
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
