package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * Some of what a node knows of drains. Published to {@link Room#DRAIN} on each change and again
 * within a second; sent to a node whose {@link BookDigest} shows that it lacks them.
 */
public record DrainMarks(NodeId from, List<DrainMark> marks) implements Message {}
