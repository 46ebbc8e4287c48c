package io.penstock.ingress;

/** A call that requests share has gone without one of them, or was lost with who made it. */
final class LaneLostException extends Exception {
  private static final long serialVersionUID = 1L;

  LaneLostException(String why) {
    super(why, null, false, false);
  }
}
