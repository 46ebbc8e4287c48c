package io.penstock.bus;

import io.vertx.core.Future;

/**
 * The cluster's map of who consumes which address. It is known to lose entries, or to keep those of
 * the dead, when members come and go faster than it is backed up, and after a partition.
 */
interface Registry {
  /** A node without a cluster has none. */
  Registry NONE =
      new Registry() {
        @Override
        public Future<Void> audit() {
          return Future.succeededFuture();
        }

        @Override
        public Future<Void> refresh(String address) {
          return Future.succeededFuture();
        }
      };

  /** Compares the map with what this node consumes and with who is a member, and mends it. */
  Future<Void> audit();

  /** Makes every node look {@code address} up again. */
  Future<Void> refresh(String address);
}
