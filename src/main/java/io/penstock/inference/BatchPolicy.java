package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.time.Duration;

/**
 * Whether requests of a pool that ask for the same share calls to its engines.
 *
 * @param enabled for embeddings
 * @param maxSize most inputs of a call; a request that has more goes alone
 * @param timeout how long a request waits for company at most while no replica is idle
 */
public record BatchPolicy(boolean enabled, int maxSize, Duration timeout) {
  /** Embeddings, up to 64 inputs, 50 ms. */
  public static final BatchPolicy DEFAULT = new BatchPolicy(true, 64, Duration.ofMillis(50));

  public BatchPolicy {
    require(maxSize >= 1, "maxSize", maxSize, ">= 1");
    require(!timeout.isNegative(), "timeout", timeout, ">= 0");
  }
}
