package io.penstock.app;

import io.penstock.admin.NodeControl.Standing;
import io.penstock.bus.ClusterNode;
import io.penstock.bus.View;
import io.penstock.inference.Role;
import io.penstock.telemetry.Readiness;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
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
  private final Set<Role> roles;
  private final List<Node.Drainable> lanes;

  /** Completes with the roles that others take; null while the node does not drain. */
  private final AtomicReference<@Nullable Promise<Set<Role>>> begun = new AtomicReference<>();

  private final AtomicBoolean leaving = new AtomicBoolean();

  NodeDrain(ClusterNode cluster, Readiness readiness, Set<Role> roles, List<Node.Drainable> lanes) {
    this.cluster = cluster;
    this.readiness = readiness;
    this.roles = roles;
    this.lanes = lanes;
  }

  /**
   * Begins, unless it has begun.
   *
   * @return completes with the roles that others take now, when they have been told
   */
  Future<Set<Role>> begin() {
    Promise<Set<Role>> mine = Promise.promise();
    Promise<Set<Role>> before = begun.compareAndExchange(null, mine);
    if (before != null) {
      return before.future();
    }
    readiness.drain();
    Set<Role> handed = Handover.roles(cluster.directory().view(), cluster.bus().self());
    log.info(
        "draining; {}",
        handed.isEmpty() ? "no other node takes over" : "other nodes take over " + handed);
    cluster
        .setDraining()
        .compose(said -> cluster.withdraw(handed))
        .onSuccess(
            given -> {
              lanes.forEach(Node.Drainable::drain);
              mine.complete(handed);
            })
        .onFailure(mine::fail);
    return mine.future();
  }

  /** As {@link #begin}, and nobody can take it back any more: the process is ending. */
  Future<Set<Role>> leave() {
    leaving.set(true);
    return begin();
  }

  /** Completes when the last live request has ended; to be called after {@link #begin}. */
  Future<?> finished() {
    return Future.all(lanes.stream().map(Node.Drainable::drain).toList());
  }

  /** Takes it back; without effect once the process is ending. */
  Future<Void> end() {
    if (leaving.get()) {
      log.warn("this process is ending; its drain is not taken back");
      return Future.succeededFuture();
    }
    Promise<Set<Role>> before = begun.getAndSet(null);
    if (before == null) {
      return Future.succeededFuture();
    }
    return before
        .future()
        .transform(done -> Future.join(lanes.stream().map(Node.Drainable::resume).toList()))
        .compose(resumed -> cluster.resume(roles))
        .onSuccess(
            announced -> {
              readiness.resume();
              log.info("draining no more; {} taken up again", roles.stream().sorted().toList());
            });
  }

  /** How far it is. */
  Future<Standing> standing() {
    boolean draining = begun.get() != null;
    List<Future<Integer>> counts = lanes.stream().map(Node.Drainable::live).toList();
    return Future.all(counts)
        .map(all -> new Standing(draining, counts.stream().mapToInt(Future::result).sum(), held()));
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
