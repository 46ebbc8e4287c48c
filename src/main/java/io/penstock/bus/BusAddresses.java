package io.penstock.bus;

import io.penstock.message.Room;
import io.penstock.message.Station;

/**
 * The one place that knows what an address looks like. Each is an entry in the cluster's registry,
 * so there are few and they are fixed: one per node, room and lane, and one broadcast address per
 * room. Ids travel in the message.
 */
final class BusAddresses {
  private BusAddresses() {}

  /** {@code penstock.batcher.0@4f1c…}. */
  static String of(Station station) {
    return broadcast(station.room()) + '.' + station.lane() + '@' + station.node().value();
  }

  /** {@code penstock.batcher}: every lane of the room on every node. */
  static String broadcast(Room room) {
    return switch (room) {
      case INGRESS -> "penstock.ingress";
      case ROUTER -> "penstock.router";
      case BATCHER -> "penstock.batcher";
      case PROBER -> "penstock.prober";
      case NODE -> "penstock.node";
      case DRAIN -> "penstock.drain";
      case TENANCY -> "penstock.tenancy";
      case PREFIX -> "penstock.prefix";
      case LIMITS -> "penstock.limits";
      case ADMIN -> "penstock.admin";
    };
  }
}
