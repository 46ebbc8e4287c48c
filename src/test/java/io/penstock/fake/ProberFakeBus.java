package io.penstock.fake;

import io.penstock.bus.Bus;
import io.penstock.inference.NodeId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * A bus of several nodes in one process: each message goes to the consumers of its room, on their
 * event loops, in order. What was published is kept for the test.
 */
public final class ProberFakeBus {
  private record Consumption(Station at, Context context, Consumer<Message> handler) {}

  private final List<Consumption> consumers = new CopyOnWriteArrayList<>();
  private final Map<Room, List<Message>> published = new ConcurrentHashMap<>();

  /** The bus as one node sees it. */
  public Bus of(NodeId self) {
    return new NodeBus(self);
  }

  /** All that was published to a room, by whichever node. */
  public List<Message> published(Room room) {
    return List.copyOf(published.getOrDefault(room, List.of()));
  }

  /** Consumers of a room, on all nodes. */
  public int consumers(Room room) {
    return (int) consumers.stream().filter(c -> c.at().room() == room).count();
  }

  private final class NodeBus implements Bus {
    private final NodeId self;

    NodeBus(NodeId self) {
      this.self = self;
    }

    @Override
    public NodeId self() {
      return self;
    }

    @Override
    public Future<Void> send(Station to, Message message) {
      List<Consumption> found = consumers.stream().filter(c -> c.at().equals(to)).toList();
      found.forEach(c -> deliver(c, message));
      return found.isEmpty()
          ? Future.failedFuture("nobody listens at " + to)
          : Future.succeededFuture();
    }

    @Override
    public void publish(Room room, Message message) {
      published.computeIfAbsent(room, r -> new CopyOnWriteArrayList<>()).add(message);
      consumers.stream().filter(c -> c.at().room() == room).forEach(c -> deliver(c, message));
    }

    @Override
    public Future<Registration> consume(Room room, int lane, Consumer<Message> handler) {
      Consumption consumption =
          new Consumption(new Station(self, room, lane), Vertx.currentContext(), handler);
      consumers.add(consumption);
      return Future.succeededFuture(
          () -> {
            consumers.remove(consumption);
            return Future.succeededFuture();
          });
    }

    private void deliver(Consumption consumption, Message message) {
      consumption.context().runOnContext(go -> consumption.handler().accept(message));
    }
  }
}
