package io.penstock.load;

import java.util.Locale;

/** How one planned request ended; exactly one for each. */
public enum Ending {
  /** HTTP 200 and a whole, well-formed answer. */
  OK,
  /** A status other than 200. */
  HTTP_ERROR,
  /** No connection: refused, unknown host, TLS, or too slow to open. */
  CONNECT,
  /** The connection was reset, or closed before any answer. */
  RESET,
  /** The answer stopped early: no {@code [DONE]}, or the HTTP body was cut. */
  TRUNCATED,
  /** An error object inside a 200 stream. */
  ERROR_FRAME,
  /** An answer that is not what the protocol says. */
  MALFORMED,
  /** Not finished within the driver's timeout. */
  TIMEOUT,
  /** Never sent: as many requests in flight as the driver was allowed. */
  SHED,
  /** Still in flight when the driver was stopped. */
  INTERRUPTED;

  private final String label = name().toLowerCase(Locale.ROOT);

  /** The name in reports. */
  public String label() {
    return label;
  }

  /** Whether this is the fault of the server or of the driver's bound, rather than of the user. */
  public boolean isFailure() {
    return this != OK && this != INTERRUPTED;
  }
}
