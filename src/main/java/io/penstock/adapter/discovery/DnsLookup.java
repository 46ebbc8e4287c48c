package io.penstock.adapter.discovery;

import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSource.RecordType;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.dns.DnsClient;
import io.vertx.core.dns.DnsClientOptions;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One kind of question to the DNS. */
interface DnsLookup {
  int DNS_PORT = 53;

  /**
   * A place where a replica listens.
   *
   * @param host name or address to connect to
   * @param identity what its id is made of: stays the same when only the address changes
   * @param weight > 0
   */
  record Endpoint(String host, String identity, int port, int weight) {}

  /** Asks; fails when there is no answer or no record in it. */
  Future<List<Endpoint>> lookup();

  /** Releases what it holds. */
  default Future<Void> close() {
    return Future.succeededFuture();
  }

  /**
   * A records without a name server of their own go the system's way, which knows hosts files and
   * search domains; everything else is asked of a name server directly, the system's first one
   * where none is given.
   */
  static DnsLookup of(Vertx vertx, ReplicaSource.Dns source) {
    if (source.type() == RecordType.A && source.nameServer().isEmpty()) {
      return () -> system(vertx, source);
    }
    DnsClient client =
        source
            .nameServer()
            .map(server -> vertx.createDnsClient(options(server)))
            .orElseGet(vertx::createDnsClient);
    return new ServerLookup(client, source);
  }

  private static Future<List<Endpoint>> system(Vertx vertx, ReplicaSource.Dns source) {
    return vertx
        .executeBlocking(() -> InetAddress.getAllByName(source.name()), false)
        .map(addresses -> endpoints(addresses, source.port()));
  }

  /** IPv4 where there is any: a host of both kinds is one replica, not two. */
  private static List<Endpoint> endpoints(InetAddress[] addresses, int port) {
    boolean hasV4 = Arrays.stream(addresses).anyMatch(Inet4Address.class::isInstance);
    List<Endpoint> endpoints = new ArrayList<>();
    for (InetAddress address : addresses) {
      if (!hasV4 || address instanceof Inet4Address) {
        String host = address.getHostAddress();
        endpoints.add(new Endpoint(host, host, port, 1));
      }
    }
    return endpoints;
  }

  private static DnsClientOptions options(String server) {
    int colon = server.lastIndexOf(':');
    boolean isBare =
        colon < 0
            || server.endsWith("]")
            || (server.indexOf(':') != colon && !server.contains("]"));
    String host = isBare ? server : server.substring(0, colon);
    int port = isBare ? DNS_PORT : Integer.parseInt(server.substring(colon + 1));
    return new DnsClientOptions()
        .setHost(host.replace("[", "").replace("]", ""))
        .setPort(port)
        .setQueryTimeout(DnsList.LOOKUP_TIMEOUT_MILLIS / 2);
  }
}
