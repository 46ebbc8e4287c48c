package io.penstock.batcher;

/** What a waiting request may hope for from its pool's replicas. */
enum Reach {
  /** A usable replica can serve it once it has a free slot. */
  SERVED,
  /** Only a replica that is starting, or of which nothing has been heard yet, may. */
  HOPED_FOR,
  /** None can: all that could are unhealthy, gone or excluded. */
  NONE
}
