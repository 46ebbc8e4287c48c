package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.time.Duration;

/**
 * When a replica that fails gets no more work, and how it comes back. Names are the guide's {@code
 * HAConfig}.
 *
 * @param threshold share of failures that opens the breaker; > 0, at most 1
 * @param window over which they are counted
 * @param minRequests fewer in the window say nothing
 * @param recovery from open to half-open
 * @param slowStart how long a replica that is new or back takes to reach its full share; 0: at once
 */
public record BreakerPolicy(
    boolean enabled,
    double threshold,
    Duration window,
    int minRequests,
    Duration recovery,
    Duration slowStart) {
  /** The guide's: half of at least 10 requests in 60 s, 60 s open, then 30 s of slow start. */
  public static final BreakerPolicy DEFAULT =
      new BreakerPolicy(
          true, 0.5, Duration.ofSeconds(60), 10, Duration.ofSeconds(60), Duration.ofSeconds(30));

  public BreakerPolicy {
    require(threshold > 0 && threshold <= 1, "threshold", threshold, "> 0 and <= 1");
    require(minRequests >= 1, "minRequests", minRequests, ">= 1");
  }
}
