package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.eventbus.MessageConsumer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The bus over the Vert.x event bus, clustered or not. May be called from any thread.
 *
 * <p>A message to this node's own stations is sent with {@code localOnly}: it goes straight to the
 * handler's event loop, and neither the cluster's registry nor the codec is asked. One consumer per
 * address serves both kinds of senders. A broadcast takes another address than a message to one
 * station, so the two are not ordered against each other.
 */
final class VertxBus implements Bus {
  private static final DeliveryOptions CLUSTERED =
      new DeliveryOptions().setCodecName(WireCodec.NAME);
  private static final DeliveryOptions LOCAL = new DeliveryOptions(CLUSTERED).setLocalOnly(true);

  private final EventBus eventBus;
  private final NodeId self;
  private final Set<Station> taken = ConcurrentHashMap.newKeySet();
  private final Set<Station> reachable = ConcurrentHashMap.newKeySet();

  /** Registers the codec, so there is one bus per {@code vertx}. */
  VertxBus(Vertx vertx, NodeId self, WireCodec codec) {
    this.eventBus = vertx.eventBus().registerCodec(codec);
    this.self = self;
  }

  @Override
  public NodeId self() {
    return self;
  }

  @Override
  public Future<Void> send(Station to, Message message) {
    DeliveryOptions options = to.node().equals(self) ? LOCAL : CLUSTERED;
    return eventBus.<Message>sender(BusAddresses.of(to), options).write(message);
  }

  @Override
  public void publish(Room room, Message message) {
    eventBus.publish(BusAddresses.broadcast(room), message, CLUSTERED);
  }

  @Override
  public Future<Registration> consume(Room room, int lane, Consumer<Message> handler) {
    Station station = new Station(self, room, lane);
    if (!taken.add(station)) {
      return Future.failedFuture(
          new IllegalStateException(
              BusAddresses.of(station)
                  + " is consumed already (expected: one consumer per station)"));
    }
    MessageConsumer<Message> own = listen(BusAddresses.of(station), handler);
    MessageConsumer<Message> shared = listen(BusAddresses.broadcast(room), handler);
    Registration registration = () -> cancel(station, own, shared);
    return Future.join(own.completion(), shared.completion())
        .map(
            both -> {
              reachable.add(station);
              return registration;
            })
        .recover(failure -> registration.cancel().transform(x -> Future.failedFuture(failure)));
  }

  /** The addresses under which other nodes should be able to reach this one. */
  Set<String> reachableAddresses() {
    return reachable.stream()
        .flatMap(s -> Stream.of(BusAddresses.of(s), BusAddresses.broadcast(s.room())))
        .collect(Collectors.toUnmodifiableSet());
  }

  private MessageConsumer<Message> listen(String address, Consumer<Message> handler) {
    return eventBus.consumer(
        address,
        delivery -> {
          Message message = delivery.body();
          if (message != null) { // null: the codec could not read it, and has said so
            handler.accept(message);
          }
        });
  }

  private Future<Void> cancel(
      Station station, MessageConsumer<Message> own, MessageConsumer<Message> shared) {
    reachable.remove(station);
    return Future.join(own.unregister(), shared.unregister())
        .onComplete(x -> taken.remove(station))
        .mapEmpty();
  }
}
