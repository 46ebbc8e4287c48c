package io.penstock.app;

/**
 * The node can not start. The message says what was found and what to do, and is meant to be shown
 * to the operator as it is.
 */
public final class NodeException extends RuntimeException {
  NodeException(String message) {
    super(message);
  }

  NodeException(String message, Throwable cause) {
    super(message, cause);
  }
}
