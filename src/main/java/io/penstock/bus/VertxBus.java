package io.penstock.bus;

import com.hazelcast.core.HazelcastInstanceNotActiveException;
import io.penstock.inference.NodeId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.eventbus.MessageConsumer;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The bus over the Vert.x event bus, clustered or not. May be called from any thread.
 *
 * <p>A message to this node's own stations is sent with {@code localOnly}: it goes straight to the
 * handler's event loop, and neither the cluster's registry nor the codec is asked. Messages to
 * other nodes wait in the {@link Outbox} of their loop for the end of its turn, or for company. One
 * consumer per address serves both kinds of senders. A broadcast takes another address than a
 * message to one station, so the two are not ordered against each other.
 */
final class VertxBus implements Bus {
  private static final DeliveryOptions CLUSTERED =
      new DeliveryOptions().setCodecName(WireCodec.NAME);
  private static final DeliveryOptions LOCAL = new DeliveryOptions(CLUSTERED).setLocalOnly(true);

  private final EventBus eventBus;
  private final NodeId self;
  private final Map<Station, Ears> ears = new ConcurrentHashMap<>();
  private final ThreadLocal<Outbox> outbox =
      ThreadLocal.withInitial(() -> new Outbox(this::write, ALONG_MILLIS));

  /** Registers the codec, so there is one bus per {@code vertx}. */
  VertxBus(Vertx vertx, NodeId self, WireCodec codec) {
    this.eventBus = vertx.eventBus().registerCodec(codec);
    this.self = self;
  }

  /**
   * What listens at a station. Vert.x takes the consumers of a verticle away when it is undeployed,
   * whether or not the verticle does, so they are asked themselves.
   */
  private record Ears(MessageConsumer<Object> own, MessageConsumer<Object> shared) {
    boolean listen() {
      return own.isRegistered() || shared.isRegistered();
    }

    /** Whether the cluster knows of it. */
    boolean reachable() {
      return listen() && own.completion().succeeded() && shared.completion().succeeded();
    }

    Future<?> close() {
      return Future.join(own.unregister(), shared.unregister());
    }
  }

  @Override
  public NodeId self() {
    return self;
  }

  @Override
  public Future<Void> send(Station to, Message message) {
    Context context = Vertx.currentContext();
    return isStraight(to, context) ? write(to, message) : outbox.get().send(context, to, message);
  }

  @Override
  public void sendAlong(Station to, Message message) {
    Context context = Vertx.currentContext();
    if (isStraight(to, context)) {
      write(to, message);
    } else {
      outbox.get().sendAlong(context, to, message);
    }
  }

  private boolean isStraight(Station to, @Nullable Context context) {
    return to.node().equals(self) || context == null || !Context.isOnEventLoopThread();
  }

  private Future<Void> write(Station to, Object body) {
    DeliveryOptions options = to.node().equals(self) ? LOCAL : CLUSTERED;
    return eventBus.sender(BusAddresses.of(to), options).write(body);
  }

  @Override
  public void publish(Room room, Message message) {
    eventBus.publish(BusAddresses.broadcast(room), message, CLUSTERED);
  }

  @Override
  public Future<Registration> consume(Room room, int lane, Consumer<Message> handler) {
    Station station = new Station(self, room, lane);
    Ears before = ears.get(station);
    if (before != null && before.listen()) {
      return Future.failedFuture(
          new IllegalStateException(
              BusAddresses.of(station)
                  + " is consumed already (expected: one consumer per station)"));
    }
    Ears now =
        new Ears(
            listen(BusAddresses.of(station), handler),
            listen(BusAddresses.broadcast(room), handler));
    ears.put(station, now);
    Registration registration = () -> cancel(station, now);
    return Future.join(now.own().completion(), now.shared().completion())
        .map(both -> registration)
        .recover(failure -> registration.cancel().transform(x -> Future.failedFuture(failure)));
  }

  /** The addresses under which other nodes should be able to reach this one. */
  Set<String> reachableAddresses() {
    Set<String> addresses = new HashSet<>();
    ears.forEach(
        (station, each) -> {
          if (each.reachable()) {
            addresses.add(BusAddresses.of(station));
            addresses.add(BusAddresses.broadcast(station.room()));
          }
        });
    return addresses;
  }

  private MessageConsumer<Object> listen(String address, Consumer<Message> handler) {
    return eventBus.consumer(
        address,
        delivery -> {
          Object body = delivery.body();
          if (body instanceof Message message) {
            handler.accept(message);
          } else if (body instanceof Parcel parcel) {
            parcel.open(handler);
          } // null: the codec could not read it, and has said so
        });
  }

  private Future<Void> cancel(Station station, Ears closed) {
    return closed
        .close()
        .onComplete(x -> ears.remove(station, closed))
        .<Void>mapEmpty()
        .recover(VertxBus::unlessThereIsNoCluster);
  }

  /** Who has ceased to be a member is in nobody's registry. */
  private static Future<Void> unlessThereIsNoCluster(Throwable failure) {
    return failure instanceof HazelcastInstanceNotActiveException
        ? Future.succeededFuture()
        : Future.failedFuture(failure);
  }
}
