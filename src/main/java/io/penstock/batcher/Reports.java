package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.message.AskPool;
import io.penstock.message.PoolReport;
import io.penstock.message.QueueDepth;
import io.penstock.message.ReplicaReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** How a pool stands, in the words of the admin API. */
final class Reports {
  private Reports() {}

  /** Answers the question about a pool that this node may or may not own. */
  static PoolReport of(AskPool question, NodeId self, PoolOwner owner, long nowMillis) {
    Optional<Admission> admission = owner.admission();
    // During a census it is not known what lives: an owner that said so would call it drained.
    if (admission.isEmpty() || owner.tenure() != PoolOwner.Tenure.SERVING) {
      return unknown(question, self);
    }
    List<QueueDepth> waiting = new ArrayList<>();
    for (Priority each : Priority.values()) {
      waiting.add(new QueueDepth(each, admission.get().waiting(each)));
    }
    Standing standing = owner.standing(nowMillis);
    List<ReplicaReport> replicas = new ArrayList<>();
    for (Standing.OfReplica each : standing.replicas()) {
      owner.roster().find(each.id()).ifPresent(replica -> replicas.add(of(replica, each)));
    }
    return new PoolReport(
        question.question(),
        question.pool(),
        self,
        true,
        owner.draining(),
        standing.healthy(),
        standing.minHealthy(),
        standing.belowMin(),
        waiting,
        replicas);
  }

  /** The answer of a node that does not own the pool. */
  static PoolReport unknown(AskPool question, NodeId self) {
    PoolName pool = question.pool();
    return new PoolReport(
        question.question(), pool, self, false, false, 0, 0, false, List.of(), List.of());
  }

  private static ReplicaReport of(Replica replica, Standing.OfReplica standing) {
    return new ReplicaReport(
        replica.id(),
        replica.zone(),
        Optional.ofNullable(replica.reported),
        standing.usable(),
        standing.why(),
        replica.live(),
        standing.limit(),
        standing.breaker().label(),
        replica.draining());
  }
}
