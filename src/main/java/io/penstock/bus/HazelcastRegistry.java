package io.penstock.bus;

import com.hazelcast.core.LifecycleEvent;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import io.penstock.bus.RegistrationAudit.Entry;
import io.penstock.bus.RegistrationAudit.Findings;
import io.penstock.inference.NodeId;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.spi.cluster.RegistrationInfo;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The registry that vertx-hazelcast keeps. Called on one event loop; the map is read on workers.
 */
final class HazelcastRegistry implements Registry {
  private static final Logger LOG = LoggerFactory.getLogger(HazelcastRegistry.class);

  /** No handler has it: the cluster manager counts them from 0. */
  private static final long REFRESH_SEQUENCE = -1;

  private final Vertx vertx;
  private final HazelcastClusterManager manager;
  private final VertxBus bus;
  private final Members members;
  private final RegistrationAudit audit;

  HazelcastRegistry(Vertx vertx, HazelcastClusterManager manager, VertxBus bus, Members members) {
    this.vertx = vertx;
    this.manager = manager;
    this.bus = bus;
    this.members = members;
    this.audit = new RegistrationAudit(bus.self().value());
  }

  @Override
  public Future<Void> audit() {
    Map<String, List<RegistrationInfo>> found = new HashMap<>();
    Future<?> read = Future.succeededFuture();
    for (String address : bus.reachableAddresses()) {
      read = read.compose(x -> lookUp(address)).onSuccess(infos -> found.put(address, infos));
    }
    return read.compose(x -> mend(found));
  }

  @Override
  public Future<Void> refresh(String address) {
    RegistrationInfo nobody = new RegistrationInfo(bus.self().value(), REFRESH_SEQUENCE, false);
    Promise<Void> added = Promise.promise();
    manager.addRegistration(address, nobody, added);
    return added.future().compose(x -> remove(new Entry(address, nobody)));
  }

  private Future<List<RegistrationInfo>> lookUp(String address) {
    Promise<List<RegistrationInfo>> infos = Promise.promise();
    manager.getRegistrations(address, infos);
    return infos.future();
  }

  private Future<Void> mend(Map<String, List<RegistrationInfo>> found) {
    Set<NodeId> now = members.now();
    if (now.isEmpty()) {
      return Future.succeededFuture(); // this node is none any more
    }
    // Consumers may have gone while the map was read.
    found.keySet().retainAll(bus.reachableAddresses());
    Findings findings =
        audit.look(found, now.stream().map(NodeId::value).collect(Collectors.toUnmodifiableSet()));
    List<Future<?>> work = new ArrayList<>();
    if (!findings.missing().isEmpty()) {
      LOG.error(
          "the cluster's registry has lost {}: other nodes could not reach this one; registering again",
          findings.missing());
      work.add(republish());
    }
    for (Entry entry : findings.stale()) {
      LOG.warn(
          "the cluster's registry still has {} of node {}, which is no member; removing it",
          entry.address(),
          entry.info().nodeId());
      work.add(remove(entry));
    }
    return Future.join(work).mapEmpty();
  }

  private Future<Void> remove(Entry entry) {
    Promise<Void> removed = Promise.promise();
    manager.removeRegistration(entry.address(), entry.info(), removed);
    return removed.future();
  }

  /** What the cluster manager does after a merge: it puts all registrations of this node again. */
  private Future<Void> republish() {
    return vertx.executeBlocking(
        () -> {
          manager.stateChanged(new LifecycleEvent(LifecycleState.MERGED));
          return null;
        },
        false);
  }
}
