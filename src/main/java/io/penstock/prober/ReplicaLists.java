package io.penstock.prober;

import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import io.vertx.core.Future;
import java.util.List;
import java.util.function.Consumer;

/** Where the prober learns which replicas a pool has. */
public interface ReplicaLists {

  /**
   * Hands the pool's whole list to {@code listener}, on the caller's event loop: once when it is
   * known first, which may be before this method returns, and again after each change. A source
   * that fails keeps its last list, and says nothing while it has none.
   *
   * @throws IllegalArgumentException when the pool's source is of a kind that can not be followed
   */
  Subscription follow(Pool pool, Consumer<List<ReplicaSpec>> listener);

  /** A list that is being followed. */
  interface Subscription {
    /** Ends it; the listener is not called again once this method has returned. */
    Future<Void> cancel();
  }
}
