package io.penstock.telemetry;

/** Where a request was when its client left, or when what it had was thrown away. */
public enum Phase {
  /** Its body was still arriving, or its route was being asked for. */
  RECEIVED("received"),
  /** It waited for a slot. */
  QUEUED("queued"),
  /** A connection to the engine was being opened. */
  CONNECTING("connecting"),
  /** The engine had it and had sent no token yet. */
  AWAITING_FIRST("awaiting_first"),
  /** A lower tier of a cascade wrote an answer that was held. */
  DRAFTING("drafting"),
  /** A judge was asked about such an answer. */
  JUDGING("judging"),
  /** An attempt had failed, and the next one waited for its backoff. */
  RETRYING("retrying"),
  /** Tokens were flowing. */
  STREAMING("streaming"),
  /** The replica was lost in mid-stream, and another was to go on. */
  RESUMING("resuming");

  private final String label;

  Phase(String label) {
    this.label = label;
  }

  /** The name in metrics and access lines. */
  public String label() {
    return label;
  }

  @Override
  public String toString() {
    return label;
  }
}
