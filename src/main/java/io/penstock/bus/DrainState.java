package io.penstock.bus;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import java.util.Set;

/**
 * What gets no new work by operators' orders, at one moment.
 *
 * @param replicas that get no new grants; perhaps some that no pool has
 * @param pools that take no new requests; perhaps some that the fleet does not have
 */
public record DrainState(Set<ReplicaId> replicas, Set<PoolName> pools) {
  /** Nothing drains. */
  public static final DrainState NONE = new DrainState(Set.of(), Set.of());

  public DrainState {
    replicas = Set.copyOf(replicas);
    pools = Set.copyOf(pools);
  }
}
