package io.penstock.message;

import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;

/**
 * Gives a slot back, exactly once per grant, and says how it went.
 *
 * @param firstTokenMillis from the grant to the first token; -1 when none came
 * @param totalMillis from the grant to the end
 * @param retryAfterMillis how long the engine, by its own word, wants to be left alone; 0 when it
 *     did not say
 */
public record Release(
    RequestId id,
    PoolName pool,
    long epoch,
    ReplicaId replica,
    Outcome outcome,
    TokenUsage usage,
    long firstTokenMillis,
    long totalMillis,
    long retryAfterMillis)
    implements Message {}
