package io.penstock.bus;

import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.Locale;

/**
 * The one place that knows what an address looks like. Each is an entry in the cluster's registry,
 * so there are few and they are fixed: one per node, room and lane, and one broadcast address per
 * room. Ids travel in the message.
 */
final class Addresses {
  private static final String PREFIX = "penstock.";
  private static final String[] ROOMS = roomNames();

  private Addresses() {}

  /** {@code penstock.batcher.0@4f1c…}. */
  static String of(Station station) {
    return ROOMS[station.room().ordinal()] + '.' + station.lane() + '@' + station.node().value();
  }

  /** {@code penstock.batcher}: every lane of the room on every node. */
  static String broadcast(Room room) {
    return ROOMS[room.ordinal()];
  }

  private static String[] roomNames() {
    Room[] rooms = Room.values();
    String[] names = new String[rooms.length];
    for (Room room : rooms) {
      names[room.ordinal()] = PREFIX + room.name().toLowerCase(Locale.ROOT);
    }
    return names;
  }
}
