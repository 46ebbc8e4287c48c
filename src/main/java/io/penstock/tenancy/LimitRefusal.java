package io.penstock.tenancy;

import io.penstock.fault.Fault;

/**
 * Why a request is refused by a limit.
 *
 * @param retryAfterMillis when another try may succeed; 0 when none will
 */
public record LimitRefusal(Fault fault, String message, long retryAfterMillis) {}
