package io.penstock.kvevents;

/** A batch that is none: its message says what was found and what was expected. */
final class MalformedBatchException extends Exception {
  MalformedBatchException(String message) {
    super(message);
  }

  MalformedBatchException(Throwable cause) {
    super(String.valueOf(cause.getMessage()), cause);
  }
}
