package io.penstock.adapter.discovery;

import io.penstock.adapter.discovery.DnsLookup.Endpoint;
import io.penstock.adapter.guard.Guard;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.prober.ReplicaLists;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A pool's replicas as a DNS name tells them. Belongs to one event loop. */
final class DnsList implements ReplicaLists.Subscription {
  static final long LOOKUP_TIMEOUT_MILLIS = 5_000;

  private static final Logger log = LoggerFactory.getLogger(DnsList.class);

  private final Vertx vertx;
  private final Pool pool;
  private final ReplicaSource.Dns source;
  private final DnsLookup lookup;
  private final Consumer<List<ReplicaSpec>> listener;
  private final NameServers servers;
  private final Guard guard;
  private List<ReplicaSpec> last = List.of();
  private @Nullable String failure;
  private long timer = -1;
  private boolean isCancelled;

  DnsList(
      Vertx vertx,
      Pool pool,
      ReplicaSource.Dns source,
      DnsLookup lookup,
      NameServers servers,
      Consumer<List<ReplicaSpec>> listener) {
    this.vertx = vertx;
    this.pool = pool;
    this.source = source;
    this.lookup = lookup;
    this.listener = listener;
    this.servers = servers;
    this.guard = servers.take(source);
  }

  void start() {
    guard.<List<Endpoint>>call(lookup::lookup).map(this::toReplicas).onComplete(this::ended);
  }

  @Override
  public Future<Void> cancel() {
    if (isCancelled) {
      return Future.succeededFuture();
    }
    isCancelled = true;
    vertx.cancelTimer(timer);
    servers.giveBack(source);
    return lookup.close();
  }

  private void ended(AsyncResult<List<ReplicaSpec>> answer) {
    if (isCancelled) {
      return;
    }
    if (answer.succeeded()) {
      arrived(answer.result());
    } else {
      failed(answer.cause());
    }
    timer = vertx.setTimer(Math.max(1, source.refresh().toMillis()), fired -> start());
  }

  private void arrived(List<ReplicaSpec> replicas) {
    if (failure != null) {
      log.info("pool {}: DNS name {} resolves again", pool.name(), source.name());
      failure = null;
    }
    if (!replicas.equals(last)) {
      log.info(
          "pool {}: DNS name {} lists {} replicas", pool.name(), source.name(), replicas.size());
      last = replicas;
      listener.accept(replicas);
    }
  }

  private void failed(Throwable cause) {
    boolean isRefused = Guard.isRefusal(cause);
    if (isRefused && failure != null) {
      return; // that it fails has been said
    }
    String why = isRefused ? "its name server does not answer" : words(cause);
    if (!why.equals(failure)) {
      log.warn(
          "pool {}: {} records of DNS name {} can not be had, the last {} replicas stay: {}",
          pool.name(),
          source.type(),
          source.name(),
          last.size(),
          why);
      failure = why;
    }
  }

  private static String words(Throwable cause) {
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }

  /** Sorted by id, so that a name server's rotation is no change. */
  private List<ReplicaSpec> toReplicas(List<Endpoint> endpoints) {
    if (endpoints.isEmpty()) {
      throw new IllegalStateException("no records");
    }
    Map<ReplicaId, ReplicaSpec> replicas = new LinkedHashMap<>();
    for (Endpoint endpoint : endpoints) {
      ReplicaId id = Addresses.idOf(pool.name(), endpoint.identity(), endpoint.port());
      String url =
          source.scheme() + "://" + Addresses.inUrl(endpoint.host()) + ":" + endpoint.port();
      replicas.putIfAbsent(
          id,
          new ReplicaSpec(
              id, url, endpoint.weight(), pool.maxConcurrent(), pool.capabilities(), ""));
    }
    return replicas.values().stream().sorted(Comparator.comparing(ReplicaSpec::id)).toList();
  }
}
