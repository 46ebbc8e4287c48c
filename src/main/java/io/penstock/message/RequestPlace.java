package io.penstock.message;

import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import java.util.Optional;

/**
 * Where one request is.
 *
 * @param id as its client knows it
 * @param tenant {@link TenantId#ANONYMOUS} where it runs by the grant of an owner before
 * @param replica on which it runs; empty while it waits
 * @param place in the order of service as it is now, from 1; 0 when it runs
 * @param sinceMillis how long it has waited, or run
 * @param waitMillis until a grant, as far as it can be said; -1 when unknown, 0 when it runs
 * @param leftMillis until it is refused for having waited too long; 0 when it runs
 */
public record RequestPlace(
    RequestId id,
    TenantId tenant,
    Priority priority,
    Optional<ReplicaId> replica,
    int place,
    long sinceMillis,
    long waitMillis,
    long leftMillis) {}
