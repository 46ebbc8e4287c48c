package io.penstock.bus;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * A setting that this node itself changes, when its file is read again or it has learned something.
 * Thread-safe.
 */
public final class LiveSetting<T> implements Setting<T> {
  private final Vertx vertx;
  private final AtomicReference<T> value;
  private final Listeners<T> listeners = new Listeners<>();

  /** One with a first value. */
  public LiveSetting(Vertx vertx, T first) {
    this.vertx = vertx;
    this.value = new AtomicReference<>(first);
  }

  @Override
  public T now() {
    return Objects.requireNonNull(value.get());
  }

  @Override
  public void onChange(Consumer<T> listener) {
    listeners.add(vertx, listener, this::now);
  }

  /**
   * Takes a new value.
   *
   * @return completes when every listener has heard of it; fails when one of them threw
   */
  public Future<Void> become(T next) {
    value.set(next);
    return listeners.tell(next);
  }
}
