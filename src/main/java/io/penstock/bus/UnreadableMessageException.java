package io.penstock.bus;

/** Bytes from another node that this node makes no message of. They are dropped and counted. */
final class UnreadableMessageException extends Exception {
  /** Why; the label in metrics. */
  enum Reason {
    /** Not the JSON of an envelope. */
    MALFORMED("malformed"),
    /** The sender speaks a version that came after this node was built. */
    NEWER_VERSION("newer_version"),
    /** A kind of message that came after this node was built. */
    UNKNOWN_TYPE("unknown_type"),
    /** A field that has no default is absent, or has a value that this node does not know. */
    INVALID("invalid");

    private final String label;

    Reason(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  private final Reason reason;

  UnreadableMessageException(Reason reason, String found) {
    super(found);
    this.reason = reason;
  }

  UnreadableMessageException(Reason reason, String found, Throwable cause) {
    super(found, cause);
    this.reason = reason;
  }

  Reason reason() {
    return reason;
  }
}
