package io.penstock.message;

import io.penstock.inference.Capability;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import java.util.Optional;
import java.util.Set;

/**
 * Asks a pool's owner for a slot. Sent by ingress, at least once (idempotent by {@code id});
 * answered to {@code replyTo} by exactly one {@link Grant}, {@link Seat}, {@link Refusal} or, by a
 * node that does not own the pool, {@link NotOwner}.
 *
 * @param attempt 1 for the first try; a retry goes to the head of its class
 * @param promptTokens estimate of the prompt's length
 * @param maxTokens what the client allows to be generated; 0 when it did not say
 * @param bodyBytes what the waiting request holds in the ingress node's memory
 * @param affinity hash of the session; replicas are chosen by it under {@code hash_based}
 * @param excluded replicas that have failed this request
 * @param waitMillis how long the client still waits for a slot, from now; relative, since clocks
 *     differ between nodes
 * @param knownEpoch the highest epoch of the pool's owner that the sender has seen; 0 when none
 * @param company with whom it may share a call; empty when with nobody
 */
public record Admit(
    RequestId id,
    Station replyTo,
    PoolName pool,
    TenantId tenant,
    Priority priority,
    int attempt,
    int promptTokens,
    int maxTokens,
    int bodyBytes,
    long affinity,
    Set<Capability> needs,
    Set<ReplicaId> excluded,
    long waitMillis,
    long knownEpoch,
    Optional<Company> company)
    implements Message {
  /** One that shares its call with nobody. */
  public Admit(
      RequestId id,
      Station replyTo,
      PoolName pool,
      TenantId tenant,
      Priority priority,
      int attempt,
      int promptTokens,
      int maxTokens,
      int bodyBytes,
      long affinity,
      Set<Capability> needs,
      Set<ReplicaId> excluded,
      long waitMillis,
      long knownEpoch) {
    this(
        id,
        replyTo,
        pool,
        tenant,
        priority,
        attempt,
        promptTokens,
        maxTokens,
        bodyBytes,
        affinity,
        needs,
        excluded,
        waitMillis,
        knownEpoch,
        Optional.empty());
  }
}
