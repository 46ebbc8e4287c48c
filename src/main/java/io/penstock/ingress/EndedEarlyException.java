package io.penstock.ingress;

/** The engine has ended an answer, in order, before all of it was there. */
final class EndedEarlyException extends Exception {
  private static final long serialVersionUID = 1L;

  EndedEarlyException() {
    super("ended early", null, false, false);
  }
}
