package io.penstock.bus;

/** What is in a {@link MarkStore} is not as it was written; says what is wrong, in words. */
public final class UnreadableBookException extends Exception {
  private static final long serialVersionUID = 1;

  public UnreadableBookException(String message, Throwable cause) {
    super(message, cause);
  }
}
