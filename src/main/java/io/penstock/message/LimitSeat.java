package io.penstock.message;

import io.penstock.inference.NodeId;

/**
 * An equal part of every limit, and who may use it while the cluster is split.
 *
 * @param origin the node that it was given to while nobody was missing: its name
 * @param state what has become of it
 * @param holder who has it or, where nobody does, had it last
 */
public record LimitSeat(NodeId origin, State state, NodeId holder) {
  /** What has become of a seat. */
  public enum State {
    /** Its holder may use it, wherever that is. */
    HELD,

    /** Nobody uses it; it is this side's to give. */
    FREE,

    /** It is in use somewhere, or may be: no more is known. */
    ADRIFT,

    /** It is said for certain that nobody will use it, and the parts of the others grow by it. */
    GONE
  }
}
