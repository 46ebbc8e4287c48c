package io.penstock.inference;

import java.util.List;
import java.util.Optional;

/**
 * What all nodes of a cluster serve; the same on each of them.
 *
 * @param enableFallback whether a request whose pools have no usable replica goes to {@code
 *     fallbackModel}
 * @param hash a digest of the section as configured; nodes compare it
 */
public record Fleet(
    List<Pool> pools, boolean enableFallback, Optional<ModelName> fallbackModel, String hash) {
  public Fleet {
    pools = List.copyOf(pools);
  }
}
