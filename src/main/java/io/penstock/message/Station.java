package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * Where a message goes: one consumer on one event loop of one node.
 *
 * @param lane 0 for rooms with one verticle per node; the ordinal of the instance for rooms with
 *     several
 */
public record Station(NodeId node, Room room, int lane) {}
