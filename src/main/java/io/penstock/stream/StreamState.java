package io.penstock.stream;

/**
 * Where a request is between its first byte in and its last byte out.
 *
 * <pre>
 * RECEIVED → QUEUED → CONNECTING → AWAITING_FIRST → STREAMING → FINISHED
 * any of these → CANCELLED (the client left) | FAILED (the client was told)
 * </pre>
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
  /** The client has been sent content. */
  STREAMING,
  /** The engine said that it was done and the client was sent all of it. */
  FINISHED,
  /** The client left before the end. */
  CANCELLED,
  /** The client was told what went wrong. */
  FAILED;

  /** Whether nothing can follow. */
  public boolean isFinal() {
    return switch (this) {
      case RECEIVED, QUEUED, CONNECTING, AWAITING_FIRST, STREAMING -> false;
      case FINISHED, CANCELLED, FAILED -> true;
    };
  }

  /** Whether {@code next} may follow this state directly. */
  public boolean allows(StreamState next) {
    return switch (next) {
      case RECEIVED -> false;
      case QUEUED -> this == RECEIVED || this == QUEUED;
      case CONNECTING -> this == QUEUED;
      case AWAITING_FIRST -> this == CONNECTING;
      case STREAMING -> this == AWAITING_FIRST;
      case FINISHED -> this == STREAMING || this == AWAITING_FIRST;
      case CANCELLED, FAILED -> !isFinal();
    };
  }
}
