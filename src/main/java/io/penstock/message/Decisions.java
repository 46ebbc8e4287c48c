package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import java.util.List;

/**
 * Receipts of a pool's latest choices, by its owner.
 *
 * @param question of the {@link AskDecisions}
 * @param owner whether {@code node} owns the pool; where it does not, it knows of none
 * @param decisions the newest first
 */
public record Decisions(
    long question, PoolName pool, NodeId node, boolean owner, List<Decision> decisions)
    implements Message {}
