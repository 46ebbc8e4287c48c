package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;

/**
 * The node does not own the pool; who asked looks at the cluster again and sends its Admit to the
 * owner.
 *
 * @param by the node that was asked
 */
public record NotOwner(RequestId id, PoolName pool, NodeId by) implements Message {}
