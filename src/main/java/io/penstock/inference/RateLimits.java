package io.penstock.inference;

import static io.penstock.inference.Checks.require;

/**
 * How much somebody may have; 0 where there is no limit.
 *
 * @param requestsPerMinute in any 60 seconds
 * @param tokensPerMinute of prompts and completions together, in any 60 seconds
 * @param maxConcurrent requests that are being served or wait to be
 */
public record RateLimits(long requestsPerMinute, long tokensPerMinute, long maxConcurrent) {
  /** As much as there is. */
  public static final RateLimits NONE = new RateLimits(0, 0, 0);

  /** Far beyond what a cluster can serve, and sums of it still fit a {@code long}. */
  public static final long MAX = 1_000_000_000_000L;

  public RateLimits {
    check(requestsPerMinute, "requests_per_minute");
    check(tokensPerMinute, "tokens_per_minute");
    check(maxConcurrent, "max_concurrent");
  }

  private static void check(long limit, String name) {
    require(limit >= 0 && limit <= MAX, name, limit, "0.." + MAX);
  }

  /** Whether nothing is limited. */
  public boolean isNone() {
    return requestsPerMinute == 0 && tokensPerMinute == 0 && maxConcurrent == 0;
  }
}
