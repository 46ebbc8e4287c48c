package io.penstock.openai;

import io.penstock.inference.TokenUsage;
import java.util.Optional;

/**
 * What the gateway needs to know of an answer that is not a stream.
 *
 * @param usage the top-level {@code usage}, where there is one
 */
public record ResponseScan(Kind kind, Optional<TokenUsage> usage) {
  /** What a body is. */
  public enum Kind {
    /** A JSON object. */
    RESULT,
    /** A JSON object with a top-level {@code error} that is not null. */
    ERROR,
    /** Not a JSON object. */
    MALFORMED
  }

  /** Scans a whole body. */
  public static ResponseScan of(byte[] body) {
    throw new UnsupportedOperationException();
  }
}
