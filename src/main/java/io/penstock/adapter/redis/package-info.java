/**
 * Redis, where it is configured: the ports {@link io.penstock.tenancy.LimitStore}, with one client
 * and one guard for each event loop, and {@link io.penstock.bus.MarkStore}.
 */
@NullMarked
package io.penstock.adapter.redis;

import org.jspecify.annotations.NullMarked;
