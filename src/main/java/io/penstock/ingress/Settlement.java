package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Cost;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.TenantId;
import io.penstock.inference.TierName;
import io.penstock.stream.RequestLife;
import java.util.List;
import java.util.Optional;

/**
 * How one request ended: written exactly once for each, into metrics and the access line.
 *
 * @param epochMillis when it ended
 * @param model the canonical name; empty when it was never routed
 * @param prefix a registered one that stood before its prompt
 * @param status the HTTP status sent; 0 when none was
 * @param fault what the client was told went wrong; empty when the engine answered or the client
 *     left
 * @param tiers those that were tried for it, in order; empty where it named a model
 * @param answered the one whose answer the client has, else the last of them
 * @param escalation where a rejected draft is the answer
 * @param cost of all that was generated for it; empty where no model of those has a price
 * @param bytesOut bytes of body sent to the client
 */
record Settlement(
    long epochMillis,
    Caller caller,
    TenantId tenant,
    Operation operation,
    Optional<ModelName> model,
    Optional<PoolName> pool,
    boolean streams,
    Optional<PromptPrefix> prefix,
    int status,
    Outcome outcome,
    Optional<Fault> fault,
    Attempts attempts,
    List<TierName> tiers,
    Optional<TierName> answered,
    Optional<FailedEscalation> escalation,
    Optional<Cost> cost,
    long bytesOut,
    RequestLife life) {}
