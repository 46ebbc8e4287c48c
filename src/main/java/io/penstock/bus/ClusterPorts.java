package io.penstock.bus;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.stream.Collectors;

/**
 * Looks before the node leaps: Hazelcast's own words for a wrong address or a port in use are a
 * stack trace that does not name the setting.
 */
final class ClusterPorts {
  private ClusterPorts() {}

  /**
   * Checks that the node can listen where it is told to. May ask the DNS.
   *
   * @return {@link ClusterConfig#host()}, resolved
   */
  static InetAddress check(ClusterConfig cluster) {
    InetAddress host = resolve(cluster.host());
    checkLocal(cluster.host(), host);
    if (cluster.hazelcastFile().isEmpty()) {
      checkFree("cluster.port", host, cluster.port());
      if (cluster.port() == cluster.busPort()) {
        throw new ClusterException(
            "cluster.bus_port: "
                + cluster.busPort()
                + " (expected: another one than cluster.port)");
      }
    }
    checkFree("cluster.bus_port", host, cluster.busPort());
    return host;
  }

  private static InetAddress resolve(String name) {
    try {
      InetAddress host = InetAddress.getByName(name);
      if (host.isAnyLocalAddress()) {
        throw new ClusterException(
            "cluster.host: " + name + " (expected: the one address that other nodes reach)");
      }
      return host;
    } catch (UnknownHostException e) {
      throw new ClusterException(
          "cluster.host: " + name + " (expected: a name or an address that resolves)", e);
    }
  }

  private static void checkLocal(String name, InetAddress host) {
    try {
      if (NetworkInterface.getByInetAddress(host) == null) {
        throw new ClusterException(
            "cluster.host: "
                + name
                + " is not an address of this machine (expected: one of "
                + ownAddresses()
                + ")");
      }
    } catch (SocketException e) {
      throw new ClusterException("cluster.host: " + name + " can not be checked: " + e, e);
    }
  }

  private static String ownAddresses() throws SocketException {
    return NetworkInterface.networkInterfaces()
        .flatMap(NetworkInterface::inetAddresses)
        .map(InetAddress::getHostAddress)
        .sorted()
        .collect(Collectors.joining(", "));
  }

  private static void checkFree(String setting, InetAddress host, int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(host, port));
    } catch (IOException e) {
      throw new ClusterException(
          setting
              + ": "
              + port
              + " on "
              + host.getHostAddress()
              + " can not be opened: "
              + e.getMessage()
              + " (expected: a free port)",
          e);
    }
  }
}
