package io.penstock.bus;

import io.vertx.core.Future;

/** Finds out whether a process that is gone has ended. */
interface Knocker {
  /** What comes of it. */
  enum Answer {
    /** The host has refused the connection: nobody listens. */
    REFUSED,

    /** The connection was accepted: the process is there, whether it works or hangs. */
    ACCEPTED,

    /** Nothing: the host is cut off, or gone. */
    NONE
  }

  /**
   * Knocks once. Event loop.
   *
   * @param address {@code host:port} at which the process listened
   * @return completes within {@link TcpKnocker#PATIENCE}; never fails
   */
  Future<Answer> knock(String address);
}
