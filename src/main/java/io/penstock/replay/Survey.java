package io.penstock.replay;

import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;

/** What a policy that is compared with may look at. */
interface Survey {
  /** The request of this id. */
  Call call(RequestId id);

  /** The replica of this id. */
  VirtualReplica replica(ReplicaId id);

  /** How many replicas there are in all pools. */
  int replicas();

  /** Tokens of a block of the engines' caches. */
  int blockTokens();

  long nowNanos();
}
