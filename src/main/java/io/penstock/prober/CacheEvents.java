package io.penstock.prober;

import io.penstock.inference.KvEventSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.KvCacheState;
import io.vertx.core.Future;
import java.util.function.Consumer;

/**
 * How the prober hears what engines publish of their prefix caches. Called, and answered, on the
 * prober's event loop; whatever is read is read elsewhere.
 */
public interface CacheEvents {

  /**
   * Subscribes to the events of one replica, and goes on trying while it can't be reached.
   *
   * @param onState told when something has changed, of several changes in a row the last at least;
   *     not before what the engine still has of the past was heard, nor after the end
   */
  Subscription follow(ReplicaSpec replica, KvEventSource source, Consumer<KvCacheState> onState);

  /** Ends all subscriptions and what serves them; none can be made afterwards. */
  Future<Void> close();

  /** One replica's events. */
  interface Subscription {
    /** Ends it. */
    void cancel();
  }
}
