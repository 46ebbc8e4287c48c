package io.penstock.message;

import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;

/** One live grant as its holder sees it; part of {@link Renew} and {@link CensusAnswer}. */
public record Lease(RequestId id, ReplicaId replica) {}
