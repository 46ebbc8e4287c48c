package io.penstock.inference;

import java.util.Optional;

/** How a pool's engines are asked to go on with a message that another one has begun. */
public enum ResumeMode {
  /** By what the engine is and what its own API description says; not at all where neither does. */
  AUTO("auto"),
  /**
   * {@code continue_final_message: true} and {@code add_generation_prompt: false}, as vLLM and
   * SGLang have it.
   */
  CONTINUE_FINAL_MESSAGE("continue_final_message"),
  /** {@code prefix: true} in the last message. */
  PREFIX("prefix"),
  /** Never: a stream that breaks ends with an error. */
  OFF("off");

  private final String label;

  ResumeMode(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<ResumeMode> of(String label) {
    for (ResumeMode each : values()) {
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
