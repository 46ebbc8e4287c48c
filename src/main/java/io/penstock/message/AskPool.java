package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import java.util.Optional;

/**
 * Asks a pool's owner how the pool stands; answered to {@code replyTo} by one {@link PoolReport}.
 *
 * @param question number that the asker knows the answer by
 * @param tenants whether the report is to tell of tenants
 * @param request the id, as its client knows it, of a request of which the report is to tell where
 *     it is
 */
public record AskPool(
    long question, Station replyTo, PoolName pool, boolean tenants, Optional<RequestId> request)
    implements Message {}
