package io.penstock.inference;

import java.util.Optional;

/** What a request asks of a model. */
public enum Operation {
  /** {@code POST /v1/chat/completions}. */
  CHAT("chat"),
  /** {@code POST /v1/completions}. */
  COMPLETION("text_completion"),
  /** {@code POST /v1/embeddings}. */
  EMBEDDINGS("embeddings");

  private final String label;

  Operation(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<Operation> of(String label) {
    for (Operation each : values()) {
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
