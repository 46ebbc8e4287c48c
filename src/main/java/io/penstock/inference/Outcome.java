package io.penstock.inference;

import java.util.Optional;

/** How a grant ended; the class of streams that health, breakers and retries look at. */
public enum Outcome {
  /** The engine finished it. */
  OK("ok"),
  /** The engine refused the request itself (4xx but 408, 409, 429). */
  CLIENT_ERROR("client_error"),
  /** The engine said 429 or 503. */
  BACK_PRESSURE("back_pressure"),
  /** The engine said 5xx, or sent what can not be understood. */
  FAULT("fault"),
  /** Refused, reset, TLS, DNS, or an early end. */
  TRANSPORT("transport"),
  /** The engine was too slow: it did not connect, begin or go on in time. */
  TIMEOUT("timeout"),
  /** The request's total deadline passed, which says nothing about the engine. */
  DEADLINE("deadline"),
  /** The client left. */
  CANCELLED("cancelled");

  private final String label;

  Outcome(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<Outcome> of(String label) {
    for (Outcome each : values()) {
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
