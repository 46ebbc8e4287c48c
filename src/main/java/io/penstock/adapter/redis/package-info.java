/**
 * Redis, where it is configured: the port {@link io.penstock.tenancy.LimitStore}. One client and
 * one guard for each event loop.
 */
@NullMarked
package io.penstock.adapter.redis;

import org.jspecify.annotations.NullMarked;
