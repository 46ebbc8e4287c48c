package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * Some of what a node knows of keys and tenants. Published to {@link Room#TENANCY} on each change
 * and again within a second; sent to a node whose {@link BookDigest} shows that it lacks them.
 */
public record TenancyMarks(NodeId from, List<TenancyMark> marks) implements Message {}
