package io.penstock.sim;

import io.vertx.core.buffer.Buffer;

/** How an answer gets to the client. All calls on the connection's event loop. */
interface Wire {
  /**
   * Sends status and headers.
   *
   * @param length of the body in bytes; -1 for a chunked one
   */
  void head(int status, String contentType, int length);

  /** A part of the body. */
  void write(Buffer bytes);

  /** The body's proper end. */
  void end();

  /** Whether the client is behind; then nothing should be written until {@link #onDrain}. */
  boolean isFull();

  /** Called each time that a full wire has room again. */
  void onDrain(Runnable action);

  /** Resets the connection (RST) when what was written so far is out. */
  void reset();

  /** Closes the connection (FIN) in the middle of the answer, when what was written is out. */
  void cut();

  /** Adds a header before {@link #head}. */
  void header(String name, String value);

  /** An answer in one piece. */
  default void whole(int status, String contentType, Buffer body) {
    head(status, contentType, body.length());
    write(body);
    end();
  }
}
