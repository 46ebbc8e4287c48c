package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import java.util.List;

/**
 * How a pool stands, by its owner.
 *
 * @param question of the {@link AskPool}
 * @param owner whether {@code node} owns the pool; where it does not, it knows nothing of the rest
 * @param draining whether it takes no new requests
 * @param healthy replicas that are healthy and have nothing held against them
 * @param minHealthy fewer of them are an alarm
 * @param belowMin whether it is
 * @param waiting requests in its queue by class, classes with none included
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
    List<QueueDepth> waiting,
    List<ReplicaReport> replicas)
    implements Message {
  /** Requests of all classes in the queue. */
  public int waitingSum() {
    return waiting.stream().mapToInt(QueueDepth::requests).sum();
  }

  /** Live grants of all replicas. */
  public int liveSum() {
    return replicas.stream().mapToInt(ReplicaReport::live).sum();
  }
}
