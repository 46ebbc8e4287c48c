package io.penstock.bus;

/**
 * The node can not join or found its cluster. The message names the setting, what was found and
 * what was expected, and is meant to be shown to the operator as it is.
 */
public final class ClusterException extends RuntimeException {
  ClusterException(String message) {
    super(message);
  }

  ClusterException(String message, Throwable cause) {
    super(message, cause);
  }
}
