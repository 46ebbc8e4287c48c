package io.penstock.app;

import io.penstock.ingress.IngressConfig;
import io.penstock.telemetry.OpsHandler;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;

/**
 * Health and metrics of a node without the role {@code ingress}, on the port that it would have.
 */
final class OpsVerticle extends VerticleBase {
  private final IngressConfig config;
  private final OpsHandler ops;

  OpsVerticle(IngressConfig config, OpsHandler ops) {
    this.config = config;
    this.ops = ops;
  }

  @Override
  public Future<HttpServer> start() {
    Router router = Router.router(vertx);
    ops.mount(router);
    return vertx
        .createHttpServer(new HttpServerOptions())
        .requestHandler(router)
        .listen(config.port(), config.host());
  }
}
