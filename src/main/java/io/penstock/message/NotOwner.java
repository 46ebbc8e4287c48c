package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;

/**
 * The node does not own the pool; the sender looks at the cluster again and sends its Admit to the
 * owner.
 */
public record NotOwner(RequestId id, PoolName pool) implements Message {}
