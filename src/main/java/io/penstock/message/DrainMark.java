package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * Somebody's word on whether a replica or a pool drains. Of two words on one target that with the
 * higher stamp holds; of equal stamps that of the higher node.
 *
 * @param name id of the replica or name of the pool
 * @param draining false: the drain has been ended
 * @param stamp wall-clock milliseconds of the node that said so, and above every stamp that it knew
 */
public record DrainMark(DrainKind kind, String name, boolean draining, long stamp, NodeId by)
    implements Mark {
  @Override
  public String target() {
    return kind + ":" + name;
  }
}
