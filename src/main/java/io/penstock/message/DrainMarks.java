package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * All that a node knows of drains. Published to {@link Room#DRAIN} on each change, when the cluster
 * changes, and every ten seconds; nobody answers.
 */
public record DrainMarks(NodeId from, List<DrainMark> marks) implements Message {}
