package io.penstock.app;

import io.penstock.config.NodeConfig;
import io.vertx.core.*;

final class SimulatedPools {
  static void check(NodeConfig c) {}

  static Future<NodeConfig> start(Vertx v, NodeConfig c) {
    return Future.succeededFuture(c);
  }
}
