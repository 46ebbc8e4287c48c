package io.penstock.bus;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who is told of each new value of something, each on the event loop on which it asked to be. A
 * verticle that is gone is told no more, and forgotten: see {@link #retire}. Thread-safe.
 *
 * @param <T> what they are told
 */
public final class Listeners<T> {
  private static final Object RETIRED = new Object();

  private record Listener<T>(Context context, Consumer<T> consumer) {
    boolean isRetired() {
      @Nullable Object mark = context.get(RETIRED);
      return mark != null;
    }

    /** What the consumer throws is its verticle's to handle, and the caller's to know. */
    Future<Void> tell(T value) {
      Promise<Void> told = Promise.promise();
      context.runOnContext(
          turn -> {
            boolean heard = isRetired();
            try {
              if (!heard) {
                consumer.accept(value);
              }
              heard = true;
            } finally {
              if (heard) {
                told.complete();
              } else {
                told.fail("a listener threw");
              }
            }
          });
      return told.future();
    }
  }

  private final List<Listener<T>> listeners = new CopyOnWriteArrayList<>();

  /** Adds one that is told on the event loop of the caller, beginning with the value of now. */
  public void add(Vertx vertx, Consumer<T> consumer, Supplier<T> now) {
    add(vertx.getOrCreateContext(), consumer, now);
  }

  void add(Context context, Consumer<T> consumer, Supplier<T> now) {
    Listener<T> added = new Listener<>(context, consumer);
    listeners.add(added); // before looking: a value that comes in between is told twice, not never
    context.runOnContext(
        turn -> {
          if (!added.isRetired()) {
            consumer.accept(now.get()); // looked at here: a newer one may have been told meanwhile
          }
        });
  }

  /**
   * Tells all; returns at once.
   *
   * @return completes when all have heard of it; fails when one of them threw
   */
  public Future<Void> tell(T value) {
    listeners.removeIf(Listener::isRetired);
    return Future.join(listeners.stream().map(each -> each.tell(value)).toList()).mapEmpty();
  }

  /** How many there are. */
  int size() {
    return listeners.size();
  }

  /** Nothing that was added in this context, of whichever list, is told anything from now on. */
  public static void retire(Context context) {
    context.put(RETIRED, true);
  }
}
