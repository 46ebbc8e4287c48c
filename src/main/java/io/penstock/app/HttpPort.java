package io.penstock.app;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/**
 * The ports that clients and operators use, before anything else is started: a port in use should
 * be said in one line, not by a node that has joined its cluster already. All loops of a node share
 * the port, so 0 is made a number here.
 */
final class HttpPort {
  private HttpPort() {}

  /**
   * Opens the port and closes it again. May ask the DNS.
   *
   * @param port 0 for any free one
   * @return the port, never 0
   * @throws NodeException when it can not be opened
   */
  static int free(String host, int port) {
    return free("HTTP", host, port);
  }

  /**
   * The same for another server.
   *
   * @param what the port is for, as messages call it
   */
  static int free(String what, String host, int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
      return socket.getLocalPort();
    } catch (UnknownHostException e) {
      throw new NodeException(
          "the "
              + what
              + " host "
              + host
              + " does not resolve (expected: an address of this machine)",
          e);
    } catch (IOException e) {
      throw new NodeException(
          "the "
              + what
              + " port "
              + port
              + " on "
              + host
              + " can not be opened: "
              + e.getMessage()
              + " (expected: a free port on an address of this machine)",
          e);
    }
  }
}
