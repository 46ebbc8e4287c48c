package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.fault.Fault;
import io.vertx.core.http.HttpServerRequest;

/** Refusals of paths and methods that are not served. */
final class Paths {
  private static final String SERVED =
      "POST /v1/chat/completions, POST /v1/completions, POST /v1/embeddings, GET /v1/models,"
          + " GET /v1/models/{id}, GET /health/live, GET /health/ready, GET /metrics";
  private static final int SHOWN_MAX = 200;

  private Paths() {}

  static void refuse(HttpServerRequest request, String clientRequestId) {
    String path = request.path() == null ? "" : request.path();
    if (path.equals("/v1/models")
        || path.startsWith("/v1/models/")
        || path.startsWith("/health/")
        || path.equals("/metrics")) {
      refuseMethod(request, clientRequestId, "GET");
      return;
    }
    String shown = path.length() > SHOWN_MAX ? path.substring(0, SHOWN_MAX) + "…" : path;
    ErrorResponse.send(
        request,
        clientRequestId,
        Fault.UNKNOWN_PATH,
        "path: '" + shown + "' (expected: one of " + SERVED + ")",
        "",
        0);
  }

  static void refuseMethod(HttpServerRequest request, String clientRequestId, String allowed) {
    request.response().putHeader(HttpHeaderNames.ALLOW, allowed);
    ErrorResponse.send(
        request,
        clientRequestId,
        Fault.METHOD_NOT_ALLOWED,
        "method: " + request.method() + " on " + request.path() + " (expected: " + allowed + ")",
        "",
        0);
  }
}
