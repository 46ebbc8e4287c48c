package io.penstock.message;

import io.penstock.inference.Priority;
import io.penstock.inference.TenantId;

/**
 * What one tenant has in one class of a pool.
 *
 * @param weight by its newest request
 * @param waiting requests in the queue
 * @param live requests that run
 * @param waitMillis how long another request of it would wait; -1 when unknown
 */
public record TenantDepth(
    TenantId tenant, Priority priority, double weight, int waiting, int live, long waitMillis) {}
