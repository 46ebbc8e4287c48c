package io.penstock.ingress;

/** A lane's client has let too much of its answer wait for too long. */
final class SlowReaderException extends Exception {
  private static final long serialVersionUID = 1L;

  SlowReaderException() {
    super("the client reads too slowly", null, false, false);
  }
}
