package io.penstock.bus;

import io.vertx.core.Future;
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

  /**
   * An operator says that a node that is missing works no more and will not come back; any thread.
   *
   * @param nameOrId of one of {@link View#missing}
   * @param force even if its process still accepts connections
   */
  Future<Forgetting> forget(String nameOrId, boolean force);

  /** What comes of {@link #forget}. */
  enum Forgetting {
    /** Nobody counts on it any more. */
    DONE,

    /** None of this name or id is missing. */
    NOT_MISSING,

    /** Its process still accepts connections: it may be working. */
    ALIVE
  }
}
