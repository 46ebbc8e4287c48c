package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;

/**
 * A replica has read a request's prompt: the first token of its answer is there. Sent by the holder
 * of the grant, at most once per grant; where it is lost the owner goes by its own estimate until
 * the {@link Release}.
 *
 * @param epoch of the grant
 * @param firstTokenMillis from the grant to the token
 */
public record FirstToken(
    RequestId id, PoolName pool, long epoch, ReplicaId replica, long firstTokenMillis)
    implements Message {}
