package io.penstock.time;

/** Where a shell reads the time. Thread-safe; never handed to a core. */
public interface Clock {
  /** Wall-clock time in milliseconds since the epoch; may jump. For logs and records only. */
  long epochMillis();

  /** Monotonic time in nanoseconds from an arbitrary origin. For every duration and deadline. */
  long nanos();

  /** {@link #nanos()} in milliseconds, what cores take as {@code nowMillis}. */
  default long millis() {
    return nanos() / 1_000_000L;
  }

  /** The clock of the machine. */
  static Clock system() {
    return SystemClock.INSTANCE;
  }
}
