package io.penstock.telemetry;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;

/**
 * {@code GET /health/live}, {@code /health/ready} and {@code /metrics}, for Kubernetes and
 * Prometheus. Live says that an event loop answers; ready answers 503 with the reasons while a
 * condition is missing or the node drains, and lists alarms either way. Metrics are rendered on a
 * worker thread.
 */
public final class OpsHandler {
  private static final String JSON = "application/json";

  private final Metrics metrics;
  private final Readiness readiness;

  public OpsHandler(Metrics metrics, Readiness readiness) {
    this.metrics = metrics;
    this.readiness = readiness;
  }

  /** Adds the three routes. */
  public void mount(Router router) {
    router.get("/health/live").handler(this::live);
    router.get("/health/ready").handler(this::ready);
    router.get("/metrics").handler(this::metrics);
  }

  private void live(RoutingContext context) {
    answer(context, 200, new JsonObject().put("status", "live"));
  }

  private void ready(RoutingContext context) {
    Readiness.State state = readiness.state();
    String status = state.draining() ? "draining" : state.ready() ? "ready" : "not_ready";
    answer(
        context,
        state.ready() ? 200 : 503,
        new JsonObject()
            .put("status", status)
            .put("reasons", reasons(state))
            .put("alarms", alarms(state)));
  }

  private static JsonArray alarms(Readiness.State state) {
    JsonArray alarms = new JsonArray();
    for (Readiness.Alarm alarm : state.alarms()) {
      alarms.add(
          new JsonObject()
              .put("alarm", alarm.kind())
              .put("subject", alarm.subject())
              .put("detail", alarm.detail()));
    }
    return alarms;
  }

  private static JsonArray reasons(Readiness.State state) {
    JsonArray reasons = new JsonArray();
    if (state.draining()) {
      reasons.add(reason("draining", "this node is being drained"));
    }
    for (Map.Entry<String, String> condition : state.conditions().entrySet()) {
      if (!condition.getValue().isEmpty()) {
        reasons.add(reason(condition.getKey(), condition.getValue()));
      }
    }
    return reasons;
  }

  private static JsonObject reason(String condition, String detail) {
    return new JsonObject().put("condition", condition).put("detail", detail);
  }

  private void metrics(RoutingContext context) {
    String accept = context.request().getHeader(HttpHeaders.ACCEPT);
    context
        .vertx()
        .executeBlocking(() -> metrics.scrape(accept == null ? "" : accept), false)
        .onSuccess(
            scrape ->
                context
                    .response()
                    .putHeader(HttpHeaders.CONTENT_TYPE, scrape.contentType())
                    .end(scrape.body()))
        .onFailure(context::fail);
  }

  private static void answer(RoutingContext context, int status, JsonObject body) {
    context
        .response()
        .setStatusCode(status)
        .putHeader(HttpHeaders.CONTENT_TYPE, JSON)
        .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
        .end(body.toBuffer());
  }
}
