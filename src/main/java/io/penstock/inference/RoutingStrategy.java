package io.penstock.inference;

import java.util.Optional;

/** How a pool chooses among its free replicas. */
public enum RoutingStrategy {
  /** Smooth weighted round robin. */
  ROUND_ROBIN("round_robin"),
  /** Least live grants over max_concurrent, exact. */
  LEAST_LOADED("least_loaded"),
  /** Weighted random. */
  RANDOM("random"),
  /** Consistent hashing with bounded load. */
  HASH_BASED("hash_based"),
  /** The least capable replica that still can. */
  CAPABILITY_BASED("capability_based");

  private final String label;

  RoutingStrategy(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<RoutingStrategy> of(String label) {
    for (RoutingStrategy each : values()) {
      if (each.label.equals(label)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  @Override
  public String toString() {
    return label;
  }
}
