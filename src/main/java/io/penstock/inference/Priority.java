package io.penstock.inference;

import java.util.Optional;

/** The class in which a request waits; the order of the constants is the order of service. */
public enum Priority {
  /** A person is waiting. */
  INTERACTIVE("interactive"),
  /** Nothing was said. */
  DEFAULT("default"),
  /** Nobody is waiting. */
  BULK("bulk");

  private final String label;

  Priority(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<Priority> of(String label) {
    for (Priority each : values()) {
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
