package io.penstock.calibrate;

/** Labels that can not be used: says where, what was found and what was expected. */
public final class LabelException extends Exception {
  private static final long serialVersionUID = 1;

  LabelException(String message) {
    super(message);
  }
}
