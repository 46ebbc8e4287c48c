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
  /** The node's book of keys and tenants. */
  TENANCY,
  /** The node's book of registered prefixes. */
  PREFIX,
  /** The keeper of the limits of some tenants. */
  LIMITS,
  /** The admin API. */
  ADMIN
}
