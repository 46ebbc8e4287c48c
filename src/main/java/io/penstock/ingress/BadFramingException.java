package io.penstock.ingress;

/** An engine's answer was not as its transfer coding has it. */
final class BadFramingException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param what it sent instead
   */
  BadFramingException(String what) {
    super(what, null, false, false);
  }
}
