package io.penstock.inference;

import java.util.Optional;

/** What a request may need of a model beyond text in and text out. */
public enum Capability {
  /** Function calling. */
  TOOLS("tools"),
  /** Image parts in messages. */
  VISION("vision"),
  /** Audio parts in messages. */
  AUDIO("audio"),
  /** Output held to a JSON schema. */
  JSON_SCHEMA("json_schema"),
  /** Log probabilities of tokens. */
  LOGPROBS("logprobs"),
  /** Serves {@code /v1/embeddings}. */
  EMBEDDINGS("embeddings");

  private final String label;

  Capability(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<Capability> of(String label) {
    for (Capability each : values()) {
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
