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

  /** From here on an answer is embeddings, megabytes of numbers, and only its end is read. */
  static final int LARGE_BYTES = 64 << 10;

  private static final int TAIL_BYTES = 4 << 10;

  /**
   * Scans a whole body. One of 64 KiB or more whose usage stands at its end is taken to be
   * well-formed.
   */
  public static ResponseScan of(byte[] body) {
    EventJson json = new EventJson();
    if (body.length >= LARGE_BYTES) {
      Optional<TokenUsage> usage = json.readTail(body, TAIL_BYTES);
      if (usage.isPresent()) {
        return new ResponseScan(Kind.RESULT, usage);
      }
    }
    return switch (json.read(body, 0, body.length)) {
      case MALFORMED, TOO_LARGE -> new ResponseScan(Kind.MALFORMED, Optional.empty());
      case ERROR -> new ResponseScan(Kind.ERROR, Optional.ofNullable(json.usageOrNull()));
      case CONTENT, EMPTY, USAGE_ONLY, DONE, COMMENT ->
          new ResponseScan(Kind.RESULT, Optional.ofNullable(json.usageOrNull()));
    };
  }
}
