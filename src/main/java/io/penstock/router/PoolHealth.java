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
  private boolean takesWork;
  private Set<ReplicaId> draining = Set.of();

  PoolHealth(Pool pool) {
    if (pool.replicas() instanceof ReplicaSource.Listed listed) {
      listed.replicas().forEach(replica -> unheard.add(replica.id()));
    }
    review();
  }

  void report(ReplicaStatus status) {
    heard = true;
    ReplicaId id = status.spec().id();
    boolean isNew = unheard.remove(id);
    ReplicaState before = states.get(id);
    if (before == null && states.size() >= Pool.REPLICAS_MAX) {
      return;
    }
    if (status.state() == ReplicaState.REMOVED) {
      states.remove(id);
    } else {
      states.put(id, status.state());
    }
    if (isNew || before != states.get(id)) {
      review();
    }
  }

  /** Which replicas get no new work, of this pool and others. */
  void draining(Set<ReplicaId> replicas) {
    draining = replicas;
    review();
  }

  private void review() {
    takesWork = false;
    for (Map.Entry<ReplicaId, ReplicaState> each : states.entrySet()) {
      takesWork |= each.getValue() == ReplicaState.HEALTHY && !draining.contains(each.getKey());
    }
    for (ReplicaId each : unheard) {
      takesWork |= !draining.contains(each);
    }
  }

  boolean usable() {
    return takesWork || (!heard && unheard.isEmpty());
  }
}
