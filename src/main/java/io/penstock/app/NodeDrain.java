package io.penstock.app;

import io.penstock.admin.NodeControl.Standing;
import io.penstock.bus.ClusterNode;
import io.penstock.bus.View;
import io.penstock.inference.Role;
import io.penstock.telemetry.Readiness;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one way in which a node stops taking work, whether by SIGTERM or by order of the admin API:
 * it is not ready, says so to the cluster, gives up the roles that others can take, and refuses new
 * requests; what is live goes on. Thread-safe.
 */
final class NodeDrain {
  private static final Logger log = LoggerFactory.getLogger(NodeDrain.class);

  private final ClusterNode cluster;
  private final Readiness readiness;
  private final Supplier<Set<Role>> roles;
  private final List<Node.Drainable> lanes;

  private final Context context;

  // Touched on the context only. Orders are carried out one after another.
  private boolean draining;
  private boolean leaving;
  private Future<Set<Role>> last = Future.succeededFuture(Set.of());
  private Set<Role> handed = Set.of();
  private Set<Role> takenBack = Set.of();

  /**
   * @param roles that the node has while it does not drain
   */
  NodeDrain(
      ClusterNode cluster,
      Readiness readiness,
      Supplier<Set<Role>> roles,
      List<Node.Drainable> lanes) {
    this.cluster = cluster;
    this.readiness = readiness;
    this.roles = roles;
    this.lanes = lanes;
    this.context = cluster.vertx().getOrCreateContext();
    context.runOnContext(turn -> cluster.directory().onChange(this::viewChanged));
  }

  /**
   * Two nodes that drain at the same time hand their roles to each other: what nobody has is taken
   * back, and handed over again once a node has it that does not drain.
   */
  private void viewChanged(View view) {
    if (!draining) {
      return;
    }
    Set<Role> nobodys = Handover.nobodys(view, handed);
    nobodys.retainAll(roles.get());
    Set<Role> again = Handover.roles(view, cluster.bus().self());
    again.retainAll(takenBack);
    if (!nobodys.isEmpty()) {
      log.warn(
          "no node has {} any more; this one takes it back until another has, or it leaves",
          nobodys.stream().sorted().toList());
      handed = moved(handed, Set.of(), nobodys);
      takenBack = moved(takenBack, nobodys, Set.of());
      nobodys.forEach(cluster::take);
    }
    if (!again.isEmpty()) {
      log.info("another node has {} again", again.stream().sorted().toList());
      handed = moved(handed, again, Set.of());
      takenBack = moved(takenBack, Set.of(), again);
      cluster.withdraw(again);
    }
  }

  private static Set<Role> moved(Set<Role> of, Set<Role> in, Set<Role> out) {
    Set<Role> now = EnumSet.noneOf(Role.class);
    now.addAll(of);
    now.addAll(in);
    now.removeAll(out);
    return now;
  }

  private <T> Future<T> here(Supplier<Future<T>> order) {
    Promise<T> done = Promise.promise();
    context.runOnContext(turn -> order.get().onComplete(done));
    return done.future();
  }

  /**
   * Begins, unless it has begun.
   *
   * @return completes with the roles that others take now, when they have been told
   */
  Future<Set<Role>> begin() {
    return here(this::beginHere);
  }

  /** Begins if need be, for good: {@link #end} has no effect any more. */
  Future<Set<Role>> leave() {
    return here(
        () -> {
          boolean again = draining && !leaving;
          leaving = true;
          if (again) {
            last = last.transform(before -> giveUp()); // it may have taken roles back since
          }
          return beginHere();
        });
  }

  private Future<Set<Role>> beginHere() {
    if (!draining) {
      draining = true;
      last = last.transform(before -> giveUp());
    }
    return last;
  }

  private Future<Set<Role>> giveUp() {
    readiness.drain();
    Set<Role> given = Handover.roles(cluster.directory().view(), cluster.bus().self());
    log.info(
        "draining; {}",
        given.isEmpty() ? "no other node takes over" : "other nodes take over " + given);
    return cluster
        .setDraining()
        .compose(said -> cluster.withdraw(given))
        .otherwise(
            unsaid -> {
              log.error("other nodes could not be told; draining all the same", unsaid);
              return null;
            })
        .map(
            said -> {
              lanes.forEach(Node.Drainable::drain);
              context.runOnContext(
                  turn -> {
                    handed = given;
                    takenBack = Set.of();
                    viewChanged(cluster.directory().view());
                  });
              return given;
            });
  }

  /** Completes when the last live request has ended; to be called after {@link #begin}. */
  Future<?> finished() {
    return Future.all(lanes.stream().map(Node.Drainable::drain).toList());
  }

  /** Takes it back, unless the node is leaving. */
  Future<Void> end() {
    return here(
        () -> {
          if (leaving) {
            log.warn("the node is leaving; its drain is not taken back");
          } else if (draining) {
            draining = false;
            last = last.transform(before -> takeUp());
          }
          return last.mapEmpty();
        });
  }

  private Future<Set<Role>> takeUp() {
    return Future.join(lanes.stream().map(Node.Drainable::resume).toList())
        .compose(resumed -> cluster.resume(roles))
        .map(
            announced -> {
              readiness.resume();
              log.info(
                  "draining no more; {} taken up again", roles.get().stream().sorted().toList());
              return Set.of();
            });
  }

  /** How far it is. */
  Future<Standing> standing() {
    return here(
        () -> {
          boolean drains = draining;
          List<Future<Integer>> counts = lanes.stream().map(Node.Drainable::live).toList();
          return Future.all(counts)
              .map(
                  all ->
                      new Standing(drains, counts.stream().mapToInt(Future::result).sum(), held()));
        });
  }

  private Set<Role> held() {
    Set<Role> held = new HashSet<>();
    for (View.Node node : cluster.directory().view().nodes()) {
      if (node.id().equals(cluster.bus().self())) {
        held.addAll(node.roles());
      }
    }
    return held;
  }
}
