package io.penstock.bus;

import io.penstock.inference.NodeId;
import java.util.Set;

/** The cluster manager's word on who is a member. */
interface Members {
  /**
   * The members now, this node among them; empty when it has ceased to be one. Does not block; any
   * thread.
   */
  Set<NodeId> now();

  /** Calls {@code listener}, on any thread, when {@link #now} may say something else. */
  void onChange(Runnable listener);

  /** Calls {@code listener}, on any thread, once this node has ceased to be a member. */
  void onEnd(Runnable listener);

  /** A node without a cluster. */
  static Members alone(NodeId self) {
    Set<NodeId> only = Set.of(self);
    return new Members() {
      @Override
      public Set<NodeId> now() {
        return only;
      }

      @Override
      public void onChange(Runnable listener) {}

      @Override
      public void onEnd(Runnable listener) {}
    };
  }
}
