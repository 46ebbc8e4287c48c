package io.penstock.app;

import io.penstock.admin.AdminConfig;
import io.penstock.bus.LiveSetting;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Fleet;
import io.penstock.ingress.IngressConfig;
import io.penstock.tenancy.TenancyConfig;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Optional;

/**
 * What of a node's configuration may change while it runs.
 *
 * @param admin absent: no admin API
 */
record Settings(
    LiveSetting<Fleet> fleet,
    LiveSetting<IngressConfig> ingress,
    LiveSetting<TenancyConfig> tenants,
    Optional<LiveSetting<AdminConfig>> admin) {

  static Settings of(Vertx vertx, NodeConfig config) {
    return new Settings(
        new LiveSetting<>(vertx, config.fleet()),
        new LiveSetting<>(vertx, config.ingress()),
        new LiveSetting<>(vertx, config.tenants()),
        config.admin().map(admin -> new LiveSetting<>(vertx, admin)));
  }

  /** Completes when every part of the node goes by the new ones. */
  Future<Void> become(NodeConfig next) {
    Future<Void> keyed =
        admin.isPresent() && next.admin().isPresent()
            ? admin.get().become(next.admin().get())
            : Future.succeededFuture();
    return Future.join(
            fleet.become(next.fleet()),
            ingress.become(next.ingress()),
            tenants.become(next.tenants()),
            keyed)
        .mapEmpty();
  }
}
