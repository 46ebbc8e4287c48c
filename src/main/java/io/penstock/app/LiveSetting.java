package io.penstock.app;

import io.penstock.bus.Setting;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** A setting that this node changes when its file is read again. Thread-safe. */
final class LiveSetting<T> implements Setting<T> {
  private record Listener<T>(Context context, Consumer<T> consumer) {
    Future<Void> tell(T value) {
      Promise<Void> told = Promise.promise();
      context.runOnContext(
          turn -> {
            try {
              consumer.accept(value);
              told.complete();
            } catch (RuntimeException bug) {
              told.fail(bug);
            }
          });
      return told.future();
    }
  }

  private final Vertx vertx;
  private final AtomicReference<T> value;
  private final List<Listener<T>> listeners = new CopyOnWriteArrayList<>();

  LiveSetting(Vertx vertx, T first) {
    this.vertx = vertx;
    this.value = new AtomicReference<>(first);
  }

  @Override
  public T now() {
    return Objects.requireNonNull(value.get());
  }

  @Override
  public void onChange(Consumer<T> listener) {
    Listener<T> added = new Listener<>(vertx.getOrCreateContext(), listener);
    listeners.add(added);
    added.tell(now());
  }

  /**
   * Takes a new value.
   *
   * @return completes when every listener has heard of it; fails when one of them threw
   */
  Future<Void> become(T next) {
    value.set(next);
    return Future.join(listeners.stream().map(listener -> listener.tell(next)).toList()).mapEmpty();
  }
}
