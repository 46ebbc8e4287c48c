package io.penstock.ingress;

/** An engine's answer to a call that requests share is none to all of them. */
final class NotSplitException extends Exception {
  private static final long serialVersionUID = 1L;

  NotSplitException() {
    super("the answer can not be split", null, false, false);
  }
}
