package io.penstock.bus;

import com.hazelcast.cluster.MembershipAdapter;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceNotActiveException;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import io.penstock.inference.NodeId;
import io.vertx.core.Promise;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Hazelcast's list of members. It listens to Hazelcast itself, not to the cluster manager's {@code
 * nodeListener}, which speaks only after it has cleaned the shared maps, and is not told at all
 * when that fails.
 *
 * <p>That it has ended is asked of it besides: when memory runs out it ends without an event.
 */
final class HazelcastMembers implements Members {
  private final HazelcastClusterManager manager;
  private final HazelcastInstance hazelcast;
  private final NodeId self;
  private final Promise<Void> end = Promise.promise();

  HazelcastMembers(HazelcastClusterManager manager, NodeId self) {
    this.manager = manager;
    this.hazelcast = manager.getHazelcastInstance();
    this.self = self;
    hazelcast
        .getLifecycleService()
        .addLifecycleListener(
            event -> {
              if (event.getState() == LifecycleState.SHUTDOWN) {
                end.tryComplete();
              }
            });
  }

  @Override
  public Set<NodeId> now() {
    try {
      Set<NodeId> members =
          Stream.concat(Stream.of(self), manager.getNodes().stream().map(NodeId::new))
              .collect(Collectors.toUnmodifiableSet());
      if (hazelcast.getLifecycleService().isRunning()) { // then the list was no ended member's
        return members;
      }
    } catch (HazelcastInstanceNotActiveException e) {
      // It has ended.
    }
    end.tryComplete();
    return Set.of();
  }

  @Override
  public void onChange(Runnable listener) {
    hazelcast
        .getCluster()
        .addMembershipListener(
            new MembershipAdapter() {
              @Override
              public void memberAdded(MembershipEvent event) {
                listener.run();
              }

              @Override
              public void memberRemoved(MembershipEvent event) {
                listener.run();
              }
            });
    // A merge after a partition replaces the list without an event per member.
    hazelcast.getLifecycleService().addLifecycleListener(event -> listener.run());
  }

  @Override
  public void onEnd(Runnable listener) {
    end.future().onSuccess(ended -> listener.run());
  }
}
