package io.penstock.bus;

import java.util.function.Consumer;

/**
 * What an operator has set and may set anew while the node runs.
 *
 * @param <T> immutable
 */
public interface Setting<T> {
  /** The latest value; may be called from any thread. */
  T now();

  /**
   * Calls {@code listener} with each new value, on the event loop of the caller of this method,
   * starting with the current one.
   */
  void onChange(Consumer<T> listener);

  /** One that never changes. */
  static <T> Setting<T> fixed(T value) {
    return new Setting<>() {
      @Override
      public T now() {
        return value;
      }

      @Override
      public void onChange(Consumer<T> listener) {
        listener.accept(value);
      }
    };
  }
}
