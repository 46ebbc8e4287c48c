package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * A batcher or a router has begun and knows nothing of the replicas. Published to all probers, each
 * of which publishes a {@link HealthReport} at once instead of with its next interval.
 */
public record AskHealth(NodeId node) implements Message {}
