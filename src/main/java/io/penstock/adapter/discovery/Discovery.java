package io.penstock.adapter.discovery;

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
 * whoever starts the simulated engines lists them.
 */
public final class Discovery implements ReplicaLists {
  private static final Duration FILE_POLL = Duration.ofSeconds(1);

  private final Vertx vertx;
  private final Duration filePoll;

  /** Timers, files and DNS questions of {@code vertx}. */
  public Discovery(Vertx vertx) {
    this(vertx, FILE_POLL);
  }

  Discovery(Vertx vertx, Duration filePoll) {
    this.vertx = vertx;
    this.filePoll = filePoll;
  }

  @Override
  public Subscription follow(Pool pool, Consumer<List<ReplicaSpec>> listener) {
    ReplicaSource source = pool.replicas();
    if (source instanceof ReplicaSource.Listed listed) {
      listener.accept(listed.replicas());
      return Future::succeededFuture;
    }
    if (source instanceof ReplicaSource.Dns dns) {
      DnsList list = new DnsList(vertx, pool, dns, DnsLookup.of(vertx, dns), listener);
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
