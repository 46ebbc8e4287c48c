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
  CAPABILITY_BASED("capability_based"),
  /** The less loaded of two replicas drawn at random. */
  POWER_OF_TWO("power_of_two"),
  /** The replica that has most of the prompt in its cache, unless it is busier than others. */
  PREFIX_CACHE("prefix_cache"),
  /** The replica whose first token is expected soonest. */
  PREDICTED_LATENCY("predicted_latency");

  private final String label;

  RoutingStrategy(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** Whether it wants to hear of each first token when it comes, not only when its answer ends. */
  public boolean learnsFromFirstTokens() {
    return this == PREDICTED_LATENCY;
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
