package io.penstock.inference;

import java.util.Optional;

/** Which replicas of a pool carry work. Names are the guide's {@code FailoverStrategy}. */
public enum FailoverStrategy {
  /** All that are healthy. */
  ACTIVE_ACTIVE("active_active"),
  /** The first of the list; the next ones in their order while it can not. */
  ACTIVE_PASSIVE("active_passive"),
  /** All but one, which is held in reserve and joins when another is lost. */
  N_PLUS_ONE("n_plus_one");

  private final String label;

  FailoverStrategy(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<FailoverStrategy> of(String label) {
    for (FailoverStrategy each : values()) {
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
