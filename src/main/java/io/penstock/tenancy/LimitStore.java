package io.penstock.tenancy;

import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.vertx.core.Future;
import io.vertx.core.Vertx;

/** A keeper of limits outside of the cluster. Belongs to one event loop. */
public interface LimitStore {
  /** Asks it; fails soon when it does not answer in time. */
  Future<LimitAnswer> ask(LimitAsk ask);

  /** Opens one for the event loop of the caller. */
  interface Factory {
    LimitStore open(Vertx vertx);
  }
}
