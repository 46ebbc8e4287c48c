package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Future;
import java.util.function.Consumer;

/**
 * Carries messages between rooms. One-way: an answer is a message of its own, sent to the {@code
 * replyTo} of the question. Delivery is at most once and in order per pair of stations; a message
 * to another node may be lost with the node. There is no back-pressure, so whatever flows in
 * numbers is bounded by its sender.
 */
public interface Bus {
  /** How much later than sent a message goes at most by {@link #sendAlong}. */
  long ALONG_MILLIS = 5;

  /** This node. */
  NodeId self();

  /**
   * Sends to one station. Within the node the object itself is delivered; to another node it is
   * encoded.
   *
   * @return fails when nobody listens there or the node can not be reached; success means written,
   *     not handled
   */
  Future<Void> send(Station to, Message message);

  /**
   * Sends what may come a little later. To another node it goes with the next message to that
   * station, and after {@link #ALONG_MILLIS} without one: two that come together cost the receiver
   * less. The order of what is sent to a station stays.
   */
  default void sendAlong(Station to, Message message) {
    send(to, message);
  }

  /**
   * Sends to every station of a room on every node, this one included. A station of another node
   * that has registered a moment ago may miss it, so whatever is published is published again:
   * beacons, reports and censuses are.
   */
  void publish(Room room, Message message);

  /**
   * Hands each message to {@code handler} on the calling verticle's event loop. Registers the
   * station {@code (self, room, lane)} and the room's broadcasts.
   *
   * @return completes when other nodes can reach it
   */
  Future<Registration> consume(Room room, int lane, Consumer<Message> handler);

  /** A consumer that can be taken away. */
  interface Registration {
    Future<Void> cancel();
  }
}
