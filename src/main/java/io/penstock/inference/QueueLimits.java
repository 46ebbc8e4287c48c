package io.penstock.inference;

import java.time.Duration;

/**
 * Bounds of one pool's queue.
 *
 * @param maxRequests requests that may wait in each priority class
 * @param maxBytes bytes of waiting request bodies over all classes
 * @param interactive how long a request of the class may wait
 * @param standard how long a request of the class {@code default} may wait
 * @param bulk how long a request of the class may wait
 */
public record QueueLimits(
    int maxRequests, long maxBytes, Duration interactive, Duration standard, Duration bulk) {
  /** 5,000 requests a class, 1 GiB in all, 30, 60 and 300 s. */
  public static final QueueLimits DEFAULT =
      new QueueLimits(
          5_000, 1L << 30, Duration.ofSeconds(30), Duration.ofSeconds(60), Duration.ofSeconds(300));

  /** How long a request of this class may wait. */
  public Duration waitOf(Priority priority) {
    return switch (priority) {
      case INTERACTIVE -> interactive;
      case DEFAULT -> standard;
      case BULK -> bulk;
    };
  }
}
