package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * A node that owned pools, is gone without a word, and may be working where others can't see it.
 *
 * @param name as configured
 * @param address {@code host:port} at which its process listened for other members; empty when it
 *     has told none
 */
public record Absent(NodeId node, String name, String address) {}
