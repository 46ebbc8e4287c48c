package io.penstock.adapter.kvevents;

import io.penstock.inference.KvEventSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.KvCacheState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/** The events of one replica, all its publishers together. Belongs to the reader's thread. */
final class Following {
  /** Least time between two states, unless one says that the cache has become empty. */
  static final long GAP_MILLIS = 200;

  /** Between two tries to open what can not be, such as a host without an address. */
  static final long RETRY_MILLIS = 5_000;

  private static final Logger log = LoggerFactory.getLogger(Following.class);

  private final ReplicaSpec replica;
  private final KvEventSource source;
  private final Consumer<KvCacheState> onState;
  private final List<RankSocket> ranks = new ArrayList<>();
  private boolean isOpen;
  private boolean isComplained;
  private long nextTryMillis = Long.MIN_VALUE;
  private boolean isTold;
  private long toldMillis;
  private long toldChanges;
  private long toldEmpties;

  /**
   * @param onState called on the reader's thread
   */
  Following(ReplicaSpec replica, KvEventSource source, Consumer<KvCacheState> onState) {
    this.replica = replica;
    this.source = source;
    this.onState = onState;
  }

  /** Opens its sockets unless they are; tried again later where one can not be. */
  void openOnce(ZContext zmq, ZMQ.Poller poller, long nowMillis) {
    if (isOpen || nowMillis < nextTryMillis) {
      return;
    }
    nextTryMillis = nowMillis + RETRY_MILLIS;
    try {
      open(zmq, poller, nowMillis);
      isOpen = true;
    } catch (RuntimeException e) {
      if (!isComplained) {
        isComplained = true;
        log.warn("{}: its events can not be followed yet: {}", this, e.toString());
      }
      close();
    }
  }

  private void open(ZContext zmq, ZMQ.Poller poller, long nowMillis) {
    for (int nth = 0; nth < source.ranks(); nth++) {
      String name = "replica " + replica.id() + (source.ranks() == 1 ? "" : ", rank " + nth);
      Optional<String> events = address(source.endpoint(), nth);
      Optional<String> replays = Optional.empty();
      if (source.replayEndpoint().isPresent()) {
        replays = address(source.replayEndpoint().get(), nth);
      }
      if (events.isPresent()) {
        RankSocket rank = new RankSocket(name, events.get(), replays, source.topic(), zmq, poller);
        ranks.add(rank);
        rank.connect(nowMillis);
      }
    }
  }

  private Optional<String> address(String endpoint, int rank) {
    return KvEventSource.address(endpoint, replica.url(), rank);
  }

  /** Reads what has come, and says how the cache stands where that has changed. */
  void turn(long nowMillis) {
    long changes = 0;
    long empties = 0;
    for (RankSocket each : ranks) {
      each.turn(nowMillis);
      changes += each.stream().changes();
      empties += each.stream().empties();
    }
    boolean isDue = nowMillis - toldMillis >= GAP_MILLIS || !isTold;
    if (changes == toldChanges || (!isDue && empties == toldEmpties)) {
      return;
    }
    KvCacheState now =
        KvCacheState.sum(ranks.stream().map(each -> each.stream().state(nowMillis)).toList());
    if (isTold || now.following()) {
      isTold = true;
      toldMillis = nowMillis;
      toldChanges = changes;
      toldEmpties = empties;
      onState.accept(now);
    }
  }

  void close() {
    ranks.forEach(RankSocket::close);
    ranks.clear();
  }

  @Override
  public String toString() {
    return "replica " + replica.id();
  }
}
