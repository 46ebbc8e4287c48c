package io.penstock.fake;

import io.penstock.bus.Bus;
import io.penstock.inference.NodeId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A bus in memory: one node's end of a network that its {@link #peer}s share. In order and at most
 * once, like the real one. A consumer registered on a Vert.x context is called there, any other on
 * the sender's thread. Everything sent is kept and can be awaited. Thread-safe.
 */
public final class FakeBus implements Bus {
  /**
   * A message on the network.
   *
   * @param to with lane -1 when published to the whole room
   */
  public record Sent(NodeId from, Station to, Message message) {}

  private static final int BROADCAST = -1;

  private static final class Network {
    final Map<Station, Consumer<Message>> consumers = new LinkedHashMap<>();
    final List<Sent> sent = new ArrayList<>();
    final List<Waiter> waiters = new ArrayList<>();
    Predicate<Sent> lost = sent -> false;
  }

  private record Waiter(Predicate<Message> wanted, CompletableFuture<Message> found) {}

  private final NodeId self;
  private final Network network;

  /** A node on a network of its own. */
  public FakeBus(NodeId self) {
    this(self, new Network());
  }

  private FakeBus(NodeId self, Network network) {
    this.self = self;
    this.network = network;
  }

  /** Another node's end of the same network. */
  public FakeBus peer(NodeId other) {
    return new FakeBus(other, network);
  }

  /** Messages for which this holds vanish on their way; the sender's future succeeds. */
  public void lose(Predicate<Sent> lost) {
    synchronized (network) {
      network.lost = lost;
    }
  }

  /** All messages so far, lost ones included. */
  public List<Sent> sent() {
    synchronized (network) {
      return List.copyOf(network.sent);
    }
  }

  /** All messages of one kind so far. */
  public <T extends Message> List<T> sent(Class<T> kind) {
    return sent().stream().map(Sent::message).filter(kind::isInstance).map(kind::cast).toList();
  }

  /** All that was published to a room, by whichever node. */
  public List<Message> published(Room room) {
    return sent().stream()
        .filter(each -> each.to().lane() == BROADCAST && each.to().room() == room)
        .map(Sent::message)
        .toList();
  }

  /** Consumers of a room, on all nodes. */
  public int consumers(Room room) {
    synchronized (network) {
      return (int) network.consumers.keySet().stream().filter(at -> at.room() == room).count();
    }
  }

  /** Completes with the first message, sent before or after this call, that passes. */
  public <T extends Message> CompletableFuture<T> await(Class<T> kind, Predicate<T> wanted) {
    Predicate<Message> matches =
        message -> kind.isInstance(message) && wanted.test(kind.cast(message));
    CompletableFuture<Message> found = new CompletableFuture<>();
    synchronized (network) {
      for (Sent each : network.sent) {
        if (matches.test(each.message())) {
          return CompletableFuture.completedFuture(kind.cast(each.message()));
        }
      }
      network.waiters.add(new Waiter(matches, found));
    }
    return found.thenApply(kind::cast);
  }

  @Override
  public NodeId self() {
    return self;
  }

  @Override
  public Future<Void> send(Station to, Message message) {
    @Nullable Consumer<Message> consumer;
    boolean lost;
    synchronized (network) {
      lost = keep(new Sent(self, to, message));
      consumer = network.consumers.get(to);
    }
    if (lost) {
      return Future.succeededFuture();
    }
    if (consumer == null) {
      return Future.failedFuture("nobody listens at " + to);
    }
    consumer.accept(message);
    return Future.succeededFuture();
  }

  @Override
  public void publish(Room room, Message message) {
    List<Consumer<Message>> found = new ArrayList<>();
    synchronized (network) {
      if (!keep(new Sent(self, new Station(self, room, BROADCAST), message))) {
        network.consumers.forEach(
            (station, consumer) -> {
              if (station.room() == room) {
                found.add(consumer);
              }
            });
      }
    }
    found.forEach(consumer -> consumer.accept(message));
  }

  @Override
  public Future<Registration> consume(Room room, int lane, Consumer<Message> handler) {
    Station station = new Station(self, room, lane);
    @Nullable Context context = Vertx.currentContext();
    Consumer<Message> consumer =
        context == null
            ? handler
            : message -> context.runOnContext(turn -> handler.accept(message));
    synchronized (network) {
      if (network.consumers.putIfAbsent(station, consumer) != null) {
        return Future.failedFuture(station + ": consumed twice (expected: once)");
      }
    }
    return Future.succeededFuture(
        () -> {
          synchronized (network) {
            network.consumers.remove(station);
          }
          return Future.succeededFuture();
        });
  }

  private boolean keep(Sent sent) {
    network.sent.add(sent);
    network.waiters.removeIf(
        waiter -> waiter.wanted().test(sent.message()) && waiter.found().complete(sent.message()));
    return network.lost.test(sent);
  }
}
