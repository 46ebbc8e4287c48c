package io.penstock.inference;

import java.util.Optional;

/** What a node does; each role is a verticle. */
public enum Role {
  /** Client and upstream connections. */
  INGRESS("ingress"),
  /** The route table. */
  ROUTER("router"),
  /** Queues and ledgers of the pools that the node owns. */
  BATCHER("batcher"),
  /** Probes a share of the replicas. */
  HEALTH_PROBER("health-prober");

  private final String label;

  Role(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<Role> of(String label) {
    for (Role each : values()) {
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
