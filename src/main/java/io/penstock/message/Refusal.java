package io.penstock.message;

import io.penstock.fault.Fault;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import java.util.Optional;

/**
 * Router or batcher will not serve a request.
 *
 * @param pool whose owner refuses; empty when a router does
 * @param detail what was wrong, where, and what to do; shown to the client
 * @param param the field at fault; empty when none is
 * @param retryAfterMillis when another try may succeed; 0 when unknown
 */
public record Refusal(
    RequestId id,
    Optional<PoolName> pool,
    Fault fault,
    String detail,
    String param,
    long retryAfterMillis)
    implements Message {}
