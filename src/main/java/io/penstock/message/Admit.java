package io.penstock.message;

import static io.penstock.inference.Checks.require;

import io.penstock.inference.Appraisal;
import io.penstock.inference.Capability;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
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
 * @param callerId the {@code x-request-id} that the client knows, which may be another's too
 * @param weight of the tenant: its share against that of others in the pool's queue; over 0. 1
 *     where a node of an older release does not send it
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
 * @param streams whether its holder tells when the first token is there ({@link FirstToken})
 * @param blocks what its prompt begins with; none where a node of an older release does not send it
 * @param appraisal how complex its task is, for the receipt; empty where a model was named
 */
public record Admit(
    RequestId id,
    String callerId,
    Station replyTo,
    PoolName pool,
    TenantId tenant,
    double weight,
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
    Optional<Company> company,
    boolean streams,
    PromptBlocks blocks,
    Optional<Appraisal> appraisal)
    implements Message {
  public Admit {
    weight = weight == 0 ? 1 : weight;
    require(weight > 0 && weight < Double.POSITIVE_INFINITY, "weight", weight, "> 0, finite");
  }

  /** Of a request that named a model. */
  public Admit(
      RequestId id,
      String callerId,
      Station replyTo,
      PoolName pool,
      TenantId tenant,
      double weight,
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
      Optional<Company> company,
      boolean streams,
      PromptBlocks blocks) {
    this(
        id,
        callerId,
        replyTo,
        pool,
        tenant,
        weight,
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
        company,
        streams,
        blocks,
        Optional.empty());
  }
}
