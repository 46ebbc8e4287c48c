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
import org.jspecify.annotations.Nullable;

/**
 * Whether one pool has a replica that takes requests, as far as the probers have said. A pool of
 * which nothing has been heard counts as usable, and so does one with a listed replica of which
 * nothing has been heard: its owner knows better and refuses soon. Of a written list only its
 * members count, at the addresses that it names; a prober may go by another version of it.
 */
final class PoolHealth {
  /** The addresses of a written list; null where the probers tell the list. */
  private final @Nullable Map<ReplicaId, String> written;

  private final Map<ReplicaId, ReplicaState> states = new HashMap<>();
  private final Set<ReplicaId> unheard = new HashSet<>();
  private boolean heard;
  private boolean takesWork;
  private Set<ReplicaId> draining = Set.of();

  PoolHealth(Pool pool) {
    if (pool.replicas() instanceof ReplicaSource.Listed listed) {
      Map<ReplicaId, String> urls = new HashMap<>();
      listed.replicas().forEach(replica -> urls.put(replica.id(), replica.url()));
      written = urls;
      unheard.addAll(urls.keySet());
    } else {
      written = null;
    }
    review();
  }

  /** The same pool by another definition, with what is known of the replicas that it still has. */
  PoolHealth(Pool pool, PoolHealth before) {
    this(pool);
    if (written == null && before.written == null) {
      heard = before.heard;
      states.putAll(before.states);
    } else if (written != null && before.written != null) {
      Map<ReplicaId, String> was = before.written;
      written.forEach((id, url) -> inherit(id, url.equals(was.get(id)), before));
    }
    review();
  }

  private void inherit(ReplicaId id, boolean isSame, PoolHealth before) {
    ReplicaState state = isSame ? before.states.get(id) : null;
    if (state != null) {
      heard = true;
      states.put(id, state);
      unheard.remove(id);
    }
  }

  void report(ReplicaStatus status) {
    ReplicaId id = status.spec().id();
    if (written != null
        && (!status.spec().url().equals(written.get(id))
            || status.state() == ReplicaState.REMOVED)) {
      return;
    }
    heard = true;
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
