package io.penstock.router;

import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaState;
import io.penstock.message.ReplicaStatus;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Whether one pool has a replica that takes requests, as far as the probers have said. A pool of
 * which nothing has been heard counts as usable, and so does one with a listed replica of which
 * nothing has been heard: its owner knows better and refuses soon.
 */
final class PoolHealth {
  private final Map<ReplicaId, ReplicaState> states = new HashMap<>();
  private final Set<ReplicaId> unheard = new HashSet<>();
  private boolean heard;
  private int healthy;

  PoolHealth(Pool pool) {
    if (pool.replicas() instanceof ReplicaSource.Listed listed) {
      listed.replicas().forEach(replica -> unheard.add(replica.id()));
    }
  }

  void report(ReplicaStatus status) {
    heard = true;
    ReplicaId id = status.spec().id();
    unheard.remove(id);
    ReplicaState before = states.get(id);
    if (before == null && states.size() >= Pool.REPLICAS_MAX) {
      return;
    }
    if (status.state() == ReplicaState.REMOVED) {
      states.remove(id);
    } else {
      states.put(id, status.state());
    }
    healthy += (status.state() == ReplicaState.HEALTHY ? 1 : 0);
    healthy -= (before == ReplicaState.HEALTHY ? 1 : 0);
  }

  boolean usable() {
    return !heard || healthy > 0 || !unheard.isEmpty();
  }
}
