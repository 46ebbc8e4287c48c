package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import java.util.Optional;

/**
 * A slot on a replica. The holder renews it until it sends {@link Release}.
 *
 * @param epoch of the owner that granted; a holder refuses grants of an epoch lower than the
 *     highest it has seen
 * @param url base URL of the replica
 * @param queuedMillis how long the request waited at the owner
 * @param continuesMessages whether the replica's API says that it can go on with a message that
 *     another has begun; empty when it is not known
 * @param roomy whether at most half of the slots of the pool, and of the replica, were taken with
 *     it and nobody waited: what its holder says of it may come some milliseconds later
 */
public record Grant(
    RequestId id,
    PoolName pool,
    long epoch,
    ReplicaId replica,
    String url,
    long queuedMillis,
    Optional<Boolean> continuesMessages,
    boolean roomy)
    implements Message {}
