package io.penstock.ingress;

import io.penstock.stream.FailureClass;

/**
 * How an attempt failed, and in what words.
 *
 * @param message for the client, where it is told; names the replica, never an address
 * @param retryAfterMillis when the engine wants to be asked again; 0 when it did not say
 */
record Failure(FailureClass row, String message, long retryAfterMillis) {
  static Failure of(FailureClass row, String message) {
    return new Failure(row, message, 0);
  }
}
