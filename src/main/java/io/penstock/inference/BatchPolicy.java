package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.time.Duration;

/**
 * Whether requests of a pool that ask for the same share calls to its engines.
 *
 * @param enabled for embeddings
 * @param maxSize most inputs of a call; a request that has more goes alone
 * @param timeout how long a request waits for company at most while no replica is idle
 * @param completions whether completions share calls too, for engines that do not batch themselves
 */
public record BatchPolicy(boolean enabled, int maxSize, Duration timeout, boolean completions) {
  /** Embeddings, up to 64 inputs, 50 ms. */
  public static final BatchPolicy DEFAULT = new BatchPolicy(true, 64, Duration.ofMillis(50));

  public BatchPolicy {
    require(maxSize >= 1, "maxSize", maxSize, ">= 1");
    require(!timeout.isNegative(), "timeout", timeout, ">= 0");
  }

  /** One for embeddings only. */
  public BatchPolicy(boolean enabled, int maxSize, Duration timeout) {
    this(enabled, maxSize, timeout, false);
  }

  /** The same for completions too. */
  public BatchPolicy withCompletions() {
    return new BatchPolicy(enabled, maxSize, timeout, true);
  }

  /** Whether such requests share calls. Chats never do: no engine takes several in one call. */
  public boolean shares(Operation operation) {
    return enabled
        && switch (operation) {
          case EMBEDDINGS -> true;
          case COMPLETION -> completions;
          case CHAT -> false;
        };
  }
}
