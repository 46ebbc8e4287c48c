package io.penstock.bus;

import java.util.function.Consumer;

/**
 * Who is in the cluster now. A node is listed when it is a member and its beacon has been heard.
 */
public interface Directory {
  /** The latest view; may be called from any thread. */
  View view();

  /**
   * Calls {@code listener} with each new view, on the event loop of the caller of this method,
   * starting with the current one.
   */
  void onChange(Consumer<View> listener);
}
