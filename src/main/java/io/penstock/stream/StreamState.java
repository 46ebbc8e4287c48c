package io.penstock.stream;

/**
 * Where a request is between its first byte in and its last byte out.
 *
 * <pre>
 * RECEIVED → QUEUED → CONNECTING → AWAITING_FIRST → STREAMING → FINISHED
 *               ↑         │              │           │     ↑
 *               └─────────┴─ RETRYING ◀──┘           └▶ RESUMING
 *
 * in a cascade, on all tiers that have one above:
 * AWAITING_FIRST → DRAFTING → JUDGING → STREAMING | FINISHED   (the draft is the answer)
 *                      └──────────┴──▶ RETRYING                (the next tier, or a failure)
 * QUEUED, CONNECTING, AWAITING_FIRST, DRAFTING, RETRYING of the next tier
 *            → FINISHED                                        (it failed: the draft is the answer)
 *
 * any but the last three → CANCELLED (the client left) | FAILED (the client was told)
 * </pre>
 *
 * <p>A request that does not stream, and a stream that ends without content, go from AWAITING_FIRST
 * to FINISHED; a resumed stream of which nothing was missing goes there from RESUMING.
 */
public enum StreamState {
  /** Its body is being read, or the router is being asked what serves it. */
  RECEIVED,
  /** It waits for a slot at its pool's owner. */
  QUEUED,
  /** It has a slot; the connection to the replica is being made and the request written. */
  CONNECTING,
  /**
   * The engine has the request; nothing with content has come back. A request that does not stream
   * stays here until its whole answer is there.
   */
  AWAITING_FIRST,
  /** In a cascade: the engine writes an answer that is held until it has been judged. */
  DRAFTING,
  /** In a cascade: a whole answer is held, and a judge is asked. */
  JUDGING,
  /**
   * An attempt failed before the client saw any of it, and the next one waits for its backoff; or a
   * draft was not good enough, and the next tier is asked.
   */
  RETRYING,
  /** The client has been sent content. */
  STREAMING,
  /**
   * The replica was lost in mid-stream; the stream is queued, connecting or awaiting its next frame
   * on another.
   */
  RESUMING,
  /** The engine said that it was done and the client was sent all of it. */
  FINISHED,
  /** The client left before the end. */
  CANCELLED,
  /** The client was told what went wrong. */
  FAILED;

  /** Whether nothing can follow. */
  public boolean isFinal() {
    return switch (this) {
      case RECEIVED,
          QUEUED,
          CONNECTING,
          AWAITING_FIRST,
          DRAFTING,
          JUDGING,
          RETRYING,
          STREAMING,
          RESUMING ->
          false;
      case FINISHED, CANCELLED, FAILED -> true;
    };
  }

  /** Whether {@code next} may follow this state directly. */
  public boolean allows(StreamState next) {
    return switch (next) {
      case RECEIVED -> false;
      case QUEUED -> this == RECEIVED || this == QUEUED || this == RETRYING;
      case CONNECTING -> this == QUEUED;
      case AWAITING_FIRST -> this == CONNECTING;
      case DRAFTING -> this == AWAITING_FIRST;
      case JUDGING -> this == AWAITING_FIRST || this == DRAFTING;
      case RETRYING ->
          this == QUEUED
              || this == CONNECTING
              || this == AWAITING_FIRST
              || this == DRAFTING
              || this == JUDGING;
      case STREAMING ->
          this == AWAITING_FIRST || this == DRAFTING || this == JUDGING || this == RESUMING;
      case RESUMING -> this == STREAMING || this == RESUMING;
      case FINISHED -> !isFinal() && this != RECEIVED;
      case CANCELLED, FAILED -> !isFinal();
    };
  }
}
