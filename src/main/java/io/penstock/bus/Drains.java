package io.penstock.bus;

import io.penstock.message.DrainKind;
import io.vertx.core.Future;
import java.util.function.Consumer;

/** Which replicas and pools get no new work by an operator's order, in the whole cluster. */
public interface Drains {
  /** The latest orders that this node has heard of; may be called from any thread. */
  DrainState now();

  /**
   * Calls {@code listener} with each new state, on the event loop of the caller of this method,
   * starting with the current one.
   */
  void onChange(Consumer<DrainState> listener);

  /**
   * Orders a drain, or its end; any thread.
   *
   * @return completes when this node goes by it and has told the others
   */
  Future<Void> mark(DrainKind kind, String name, boolean draining);

  /** Where nothing ever drains. */
  static Drains none() {
    return new Drains() {
      @Override
      public DrainState now() {
        return DrainState.NONE;
      }

      @Override
      public void onChange(Consumer<DrainState> listener) {
        listener.accept(DrainState.NONE);
      }

      @Override
      public Future<Void> mark(DrainKind kind, String name, boolean draining) {
        return Future.failedFuture("nothing drains here (expected: a node's own book)");
      }
    };
  }
}
