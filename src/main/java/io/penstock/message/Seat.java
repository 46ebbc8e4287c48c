package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;

/**
 * A request's answer to its {@link Admit} where it shares a call: it has no slot of its own and
 * sends its inputs to the batch's host.
 *
 * @param epoch of the owner, as in {@link Grant}
 * @param queuedMillis how long it waited at the owner
 * @param leads whether it is the first of the batch
 */
public record Seat(
    RequestId id,
    PoolName pool,
    long epoch,
    RequestId batch,
    Station host,
    ReplicaId replica,
    long queuedMillis,
    boolean leads)
    implements Message {}
