package io.penstock.load;

import java.util.Optional;

/** What is asked of the server. */
public enum Endpoint {
  /** {@code POST /v1/chat/completions}. */
  CHAT("chat", "/v1/chat/completions"),
  /** {@code POST /v1/completions}. */
  COMPLETIONS("completions", "/v1/completions");

  private final String label;
  private final String path;

  Endpoint(String label, String path) {
    this.label = label;
    this.path = path;
  }

  /** The name on the command line. */
  public String label() {
    return label;
  }

  /** The path below the target's address. */
  public String path() {
    return path;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<Endpoint> of(String label) {
    for (Endpoint each : values()) {
      if (each.label.equals(label)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }
}
