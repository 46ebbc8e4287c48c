package io.penstock.telemetry;

import io.penstock.inference.Cost;
import io.penstock.inference.ModelName;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TierName;
import io.penstock.inference.TokenUsage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How one request went. Absent values are left out of the line.
 *
 * @param epochMillis when it ended
 * @param traceId of {@code traceparent}
 * @param operation label of the operation, or the path's name for other endpoints
 * @param model canonical name once the router has said it, else as the client wrote it
 * @param pool that served it, or the last one tried
 * @param replica that served it, or the last one tried
 * @param node name of the node that carried it
 * @param status of the status line; 0 when none was sent
 * @param code of the error body; null when the request succeeded
 * @param attempts grants used; 0 when it never got one
 * @param resumes how often another replica was asked to go on with the stream
 * @param queueNanos waited for slots, over all attempts; -1 when it never asked for one
 * @param firstTokenNanos from its arrival to the first token sent to the client; -1 when none was
 * @param totalNanos from its arrival to its end
 * @param usage as the engine counted it; null when it did not
 * @param tiers those that were tried, in order; empty where a model was named
 * @param tier the one that answered, else the last of them; null where a model was named
 * @param escalationFailed code of why the last of them did not answer, where a rejected draft of
 *     one below is the answer; else null
 * @param cost what it is charged; null where its models have no prices
 * @param bytesOut of the response's body
 * @param client address of the peer
 */
public record AccessLine(
    long epochMillis,
    RequestId requestId,
    @Nullable String traceId,
    @Nullable TenantId tenant,
    String operation,
    @Nullable ModelName model,
    @Nullable PoolName pool,
    @Nullable ReplicaId replica,
    String node,
    int status,
    Outcome outcome,
    @Nullable String code,
    boolean stream,
    int attempts,
    int resumes,
    long queueNanos,
    long firstTokenNanos,
    long totalNanos,
    @Nullable TokenUsage usage,
    List<TierName> tiers,
    @Nullable TierName tier,
    @Nullable String escalationFailed,
    @Nullable Cost cost,
    long bytesOut,
    @Nullable String client) {}
