package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * One prober's share of the replicas, published every signal interval and at once on a change of
 * state.
 *
 * @param sequence grows by one with each report of this prober
 */
public record HealthReport(NodeId prober, long sequence, List<ReplicaStatus> replicas)
    implements Message {}
