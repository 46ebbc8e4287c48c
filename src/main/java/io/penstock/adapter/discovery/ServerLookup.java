package io.penstock.adapter.discovery;

import io.penstock.inference.ReplicaSource;
import io.vertx.core.Future;
import io.vertx.core.dns.DnsClient;
import io.vertx.core.dns.DnsException;
import io.vertx.core.dns.DnsResponseCode;
import io.vertx.core.dns.SrvRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks one name server. Of SRV records only those of the lowest priority number count, as RFC 2782
 * has it for targets that can be reached. Over {@code http} a target's address is asked of the same
 * server; over {@code https} the name stays, because the certificate bears it, and the system must
 * be able to resolve it.
 */
final class ServerLookup implements DnsLookup {
  private static final int ALIASES_MAX = 8;

  private final DnsClient client;
  private final ReplicaSource.Dns source;

  ServerLookup(DnsClient client, ReplicaSource.Dns source) {
    this.client = client;
    this.source = source;
  }

  @Override
  public Future<List<Endpoint>> lookup() {
    return switch (source.type()) {
      case A -> addresses(source.name(), 0).map(this::replicasAt);
      case SRV -> client.resolveSRV(source.name()).compose(this::targets);
    };
  }

  @Override
  public Future<Void> close() {
    return client.close();
  }

  private List<Endpoint> replicasAt(List<String> addresses) {
    return addresses.stream().map(host -> new Endpoint(host, host, source.port(), 1)).toList();
  }

  /** The client answers with records of the very name only: aliases are for us to follow. */
  private Future<List<String>> addresses(String name, int aliases) {
    return client
        .resolveA(name)
        .compose(
            found -> {
              if (!found.isEmpty() || aliases == ALIASES_MAX) {
                return Future.succeededFuture(found);
              }
              return client
                  .resolveCNAME(name)
                  .compose(
                      alias ->
                          alias.isEmpty()
                              ? Future.succeededFuture(List.<String>of())
                              : addresses(withoutDot(alias.get(0)), aliases + 1));
            });
  }

  private Future<List<Endpoint>> targets(List<SrvRecord> records) {
    int best = records.stream().mapToInt(SrvRecord::priority).min().orElse(0);
    List<Future<Endpoint>> targets = new ArrayList<>();
    for (SrvRecord srv : records) {
      if (srv.priority() == best) {
        targets.add(target(srv));
      }
    }
    return Future.all(targets).map(all -> targets.stream().map(Future::result).toList());
  }

  private Future<Endpoint> target(SrvRecord srv) {
    String name = withoutDot(srv.target());
    int weight = Math.max(1, srv.weight());
    if (source.scheme().equals("https")) {
      return Future.succeededFuture(new Endpoint(name, name, srv.port(), weight));
    }
    return addresses(name, 0)
        .compose(
            found ->
                found.isEmpty()
                    ? Future.failedFuture(new DnsException(DnsResponseCode.NXDOMAIN))
                    : Future.succeededFuture(
                        new Endpoint(
                            found.stream().sorted().toList().get(0), name, srv.port(), weight)));
  }

  private static String withoutDot(String name) {
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }
}
