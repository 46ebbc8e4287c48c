package io.penstock.openai;

import io.penstock.fault.Fault;
import java.util.Optional;
import java.util.function.Function;

/**
 * The result of reading something that a client wrote: its value, or why it is refused. Reading
 * never throws.
 *
 * @param <T> the value
 */
public sealed interface Checked<T> permits Checked.Valid, Checked.Rejected {
  /** One function per case; the result is that of the one that applies. */
  <R> R fold(
      Function<? super T, ? extends R> valid, Function<? super Rejected<T>, ? extends R> rejected);

  /** What the client meant; throws where it is refused, for callers that know that it is not. */
  T value();

  /**
   * The first of several parts that is refused, as the refusal of the whole that they were to make;
   * empty where each has its {@link #value}.
   */
  static <W> Optional<Rejected<W>> rejection(Checked<?>... parts) {
    for (Checked<?> part : parts) {
      if (part instanceof Rejected<?> no) {
        return Optional.of(new Rejected<>(no.fault(), no.param(), no.message()));
      }
    }
    return Optional.empty();
  }

  /** What the client meant. */
  record Valid<T>(T value) implements Checked<T> {
    @Override
    public <R> R fold(
        Function<? super T, ? extends R> valid,
        Function<? super Rejected<T>, ? extends R> rejected) {
      return valid.apply(value);
    }
  }

  /**
   * What the client is told.
   *
   * @param param the field or header at fault: {@code messages[2].role}; empty when none is
   * @param message what was found, where, and what was expected
   */
  record Rejected<T>(Fault fault, String param, String message) implements Checked<T> {
    @Override
    public T value() {
      throw new IllegalStateException(message);
    }

    @Override
    public <R> R fold(
        Function<? super T, ? extends R> valid,
        Function<? super Rejected<T>, ? extends R> rejected) {
      return rejected.apply(this);
    }
  }
}
