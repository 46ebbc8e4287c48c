package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import java.util.List;
import java.util.Optional;

/**
 * How a pool stands, by its owner.
 *
 * @param question of the {@link AskPool}
 * @param owner whether {@code node} owns the pool; where it does not, it knows nothing of the rest
 * @param draining whether it takes no new requests
 * @param healthy replicas that are healthy and have nothing held against them
 * @param minHealthy fewer of them are an alarm
 * @param belowMin whether it is
 * @param slots how many requests its usable replicas take at a time now
 * @param grants that this owner has given
 * @param waiting its queue by class, classes with none included
 * @param tenants who has something waiting or running, most waiting first, where it was asked for;
 *     at most {@link #TENANTS_MAX}
 * @param otherRows rows of tenants that are left out
 * @param otherWaiting requests in the queue that are theirs
 * @param otherLive requests that run and are theirs
 * @param request of the {@link AskPool}; empty also where it neither waits nor runs here
 */
public record PoolReport(
    long question,
    PoolName pool,
    NodeId node,
    boolean owner,
    boolean draining,
    int healthy,
    int minHealthy,
    boolean belowMin,
    int slots,
    long grants,
    List<QueueDepth> waiting,
    List<ReplicaReport> replicas,
    List<TenantDepth> tenants,
    int otherRows,
    int otherWaiting,
    int otherLive,
    Optional<RequestPlace> request)
    implements Message {
  /** Most rows of tenants. */
  public static final int TENANTS_MAX = 50;

  /** Requests of all classes in the queue. */
  public int waitingSum() {
    return waiting.stream().mapToInt(QueueDepth::requests).sum();
  }

  /** Live grants of all replicas. */
  public int liveSum() {
    return replicas.stream().mapToInt(ReplicaReport::live).sum();
  }
}
