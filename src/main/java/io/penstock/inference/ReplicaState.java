package io.penstock.inference;

import java.util.Optional;

/** What the prober says of a replica. */
public enum ReplicaState {
  /** Never answered yet. */
  STARTING("starting"),
  /** Takes requests. */
  HEALTHY("healthy"),
  /** Failed its probes. */
  UNHEALTHY("unhealthy"),
  /** No longer in its pool's list. */
  REMOVED("removed");

  private final String label;

  ReplicaState(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<ReplicaState> of(String label) {
    for (ReplicaState each : values()) {
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
