package io.penstock.load;

/** A run that could not begin, in words for its user. */
public final class LoadException extends RuntimeException {
  LoadException(String message) {
    super(message);
  }
}
