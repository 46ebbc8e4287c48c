package io.penstock.message;

import io.penstock.fault.Fault;
import io.penstock.inference.RequestId;

/**
 * Router or batcher will not serve a request.
 *
 * @param detail what was wrong, where, and what to do; shown to the client
 * @param param the field at fault; empty when none is
 * @param retryAfterMillis when another try may succeed; 0 when unknown
 */
public record Refusal(RequestId id, Fault fault, String detail, String param, long retryAfterMillis)
    implements Message {}
