package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaState;
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
  static PoolReport of(AskPool question, NodeId self, PoolOwner owner) {
    Optional<Admission> admission = owner.admission();
    if (admission.isEmpty()) {
      return unknown(question, self);
    }
    List<QueueDepth> waiting = new ArrayList<>();
    for (Priority each : Priority.values()) {
      waiting.add(new QueueDepth(each, admission.get().waiting(each)));
    }
    return new PoolReport(
        question.question(),
        question.pool(),
        self,
        true,
        owner.draining(),
        waiting,
        owner.roster().all().stream().map(Reports::of).toList());
  }

  /** The answer of a node that does not own the pool. */
  static PoolReport unknown(AskPool question, NodeId self) {
    PoolName pool = question.pool();
    return new PoolReport(question.question(), pool, self, false, false, List.of(), List.of());
  }

  private static ReplicaReport of(Replica replica) {
    return new ReplicaReport(
        replica.id(),
        replica.listed() ? replica.spec().zone() : "",
        Optional.ofNullable(replica.reported),
        replica.usable(),
        replica.usable() ? "" : why(replica),
        replica.live(),
        replica.maxConcurrent(),
        "",
        replica.draining());
  }

  private static String why(Replica replica) {
    if (!replica.listed() || replica.reported == ReplicaState.REMOVED) {
      return "has left its pool's list; what runs on it may end";
    }
    if (replica.draining()) {
      return "is being drained";
    }
    if (replica.reported == null) {
      return "no prober has reported on it yet";
    }
    return switch (replica.reported) {
      case STARTING -> "has not answered a health check yet";
      case UNHEALTHY -> "fails its health checks";
      case HEALTHY -> "is held back by its pool's failover policy or its breaker";
      case REMOVED -> "has left its pool's list";
    };
  }
}
