package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * Somebody's word on one target. Of two words on one target that with the higher stamp holds; of
 * equal stamps that of the higher node.
 */
public interface Mark {
  /** What it is about; equal for words that undo each other. */
  String target();

  /** Wall-clock milliseconds of the node that said so, and above every stamp that it knew. */
  long stamp();

  /** The node that said so. */
  NodeId by();

  /** How many usual marks, of half a kilobyte, it is as long as. */
  default int weight() {
    return 1;
  }
}
