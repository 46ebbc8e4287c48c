package io.penstock.tenancy;

import io.penstock.bus.Setting;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import java.util.Optional;

/** Where each event loop of the ingress gets its door. */
public interface Doors {
  /** One for the event loop of the caller. */
  Door open(Vertx vertx);

  /** Where the loop's limits are kept outside of the cluster; empty: in the cluster. */
  default Optional<LimitStore> limits(Vertx vertx) {
    return Optional.empty();
  }

  /** Doors that let everybody in. */
  static Doors unlocked() {
    return vertx ->
        new Door(
            vertx,
            Setting.fixed(Register.OPEN),
            Setting.fixed(Jwks.NONE),
            () -> {},
            "",
            Clock.system());
  }
}
