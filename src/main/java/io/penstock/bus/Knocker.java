package io.penstock.bus;

import io.vertx.core.Future;

/** Finds out whether a process that is gone has ended. */
interface Knocker {
  /**
   * Knocks once. Event loop.
   *
   * @param address {@code host:port} at which the process listened
   * @return completes within {@link TcpKnocker#PATIENCE}, true when the host has refused the
   *     connection; never fails
   */
  Future<Boolean> refused(String address);
}
