package io.penstock.adapter.discovery;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.prober.ReplicaLists;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * Follows static lists, DNS names and files. {@link ReplicaSource.Simulated} is not followed here:
 * whoever starts the simulated engines lists them. Belongs to the event loop on which it is asked,
 * and ends with it.
 */
public final class Discovery implements ReplicaLists {
  private static final Duration FILE_POLL = Duration.ofSeconds(1);

  /** How long a name server that has failed is left alone. */
  private static final Duration NAME_SERVER_REST = Duration.ofSeconds(10);

  private final Vertx vertx;
  private final Duration filePoll;
  private final NameServers servers;

  /** Timers, files and DNS questions of {@code vertx}. */
  public Discovery(Vertx vertx, MeterRegistry meters) {
    this(vertx, meters, FILE_POLL, NAME_SERVER_REST);
  }

  Discovery(Vertx vertx, MeterRegistry meters, Duration filePoll, Duration nameServerRest) {
    this.vertx = vertx;
    this.filePoll = filePoll;
    this.servers = new NameServers(vertx, meters, nameServerRest);
  }

  @Override
  public Subscription follow(Pool pool, Consumer<List<ReplicaSpec>> listener) {
    ReplicaSource source = pool.replicas();
    if (source instanceof ReplicaSource.Listed listed) {
      listener.accept(listed.replicas());
      return Future::succeededFuture;
    }
    if (source instanceof ReplicaSource.Dns dns) {
      DnsList list = new DnsList(vertx, pool, dns, DnsLookup.of(vertx, dns), servers, listener);
      list.start();
      return list;
    }
    if (source instanceof ReplicaSource.Watched watched) {
      FileList list = new FileList(vertx, pool, watched.file(), filePoll, listener);
      list.start();
      return list;
    }
    throw new IllegalArgumentException(
        "replicas of pool "
            + pool.name()
            + ": "
            + source
            + " (expected: a list, a DNS name or a file)");
  }
}
