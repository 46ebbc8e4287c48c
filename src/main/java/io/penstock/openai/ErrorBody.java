package io.penstock.openai;

import io.penstock.fault.Fault;

/** The OpenAI error object: {@code {"error":{"message","type","param","code"}}}, in UTF-8. */
public final class ErrorBody {
  private ErrorBody() {}

  /**
   * The body of an error response.
   *
   * @param param the field at fault; empty becomes null
   */
  public static byte[] of(Fault fault, String message, String param) {
    throw new UnsupportedOperationException();
  }

  /** The same as the last event of a stream that can not be finished. */
  public static byte[] frame(Fault fault, String message, String param) {
    throw new UnsupportedOperationException();
  }

  /**
   * An engine's own error, for the client: {@code body} itself where it is an OpenAI error object,
   * else its message in one; at most a few KiB of it.
   *
   * @param status the engine's HTTP status
   */
  public static byte[] reshape(int status, byte[] body) {
    throw new UnsupportedOperationException();
  }
}
