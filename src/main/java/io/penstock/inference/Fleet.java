package io.penstock.inference;

import java.util.List;
import java.util.Optional;

/**
 * What all nodes of a cluster serve; the same on each of them.
 *
 * @param enableFallback whether a request whose pools have no usable replica goes to {@code
 *     fallbackModel}
 * @param tiers where requests may leave the choice of the model to the router
 * @param hash a digest of the section as configured; nodes compare it
 */
public record Fleet(
    List<Pool> pools,
    boolean enableFallback,
    Optional<ModelName> fallbackModel,
    Optional<TierPolicy> tiers,
    String hash) {
  public Fleet {
    pools = List.copyOf(pools);
  }

  /** A fleet without tiers. */
  public Fleet(
      List<Pool> pools, boolean enableFallback, Optional<ModelName> fallbackModel, String hash) {
    this(pools, enableFallback, fallbackModel, Optional.empty(), hash);
  }
}
