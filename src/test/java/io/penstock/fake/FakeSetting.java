package io.penstock.fake;

import io.penstock.bus.Setting;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A setting that a test changes. A listener that was added on a Vert.x context is called there, any
 * other on the caller's thread. Thread-safe.
 */
public final class FakeSetting<T> implements Setting<T> {
  private record Listener<T>(@Nullable Context context, Consumer<T> consumer) {}

  private final AtomicReference<T> value;
  private final List<Listener<T>> listeners = new CopyOnWriteArrayList<>();

  public FakeSetting(T first) {
    value = new AtomicReference<>(first);
  }

  @Override
  public T now() {
    return Objects.requireNonNull(value.get());
  }

  @Override
  public void onChange(Consumer<T> listener) {
    Listener<T> added = new Listener<>(Vertx.currentContext(), listener);
    listeners.add(added);
    listener.accept(now());
  }

  /** Completes when every listener has heard of it. */
  public CompletableFuture<Void> become(T next) {
    value.set(next);
    return CompletableFuture.allOf(
        listeners.stream().map(each -> tell(each, next)).toArray(CompletableFuture<?>[]::new));
  }

  private static <T> CompletableFuture<Void> tell(Listener<T> listener, T value) {
    CompletableFuture<Void> told = new CompletableFuture<>();
    Runnable call =
        () -> {
          listener.consumer().accept(value);
          told.complete(null);
        };
    if (listener.context() == null) {
      call.run();
    } else {
      listener.context().runOnContext(turn -> call.run());
    }
    return told;
  }
}
