package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * A batcher or a router has begun and knows nothing of the replicas. Published to all probers, each
 * of which publishes a {@link HealthReport} of all of them at once, or 200 ms after it did so for
 * another.
 */
public record AskHealth(NodeId node) implements Message {}
