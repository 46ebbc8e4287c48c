package io.penstock.message;

/** The kinds of consumer on the bus. */
public enum Room {
  INGRESS,
  ROUTER,
  BATCHER,
  PROBER,
  /** The node itself: beacons. */
  NODE,
  /** The node's book of drains. */
  DRAIN,
  /** The admin API. */
  ADMIN
}
