package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.fault.Fault;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.handler.CorsHandler;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which browsers' pages may call, what they may send, and what they may read. */
final class CorsRules {
  private static final int MAX_AGE_SECONDS = 600;

  private CorsRules() {}

  static CorsHandler of(IngressConfig.Cors cors) {
    CorsHandler handler = CorsHandler.create().allowCredentials(cors.credentials());
    for (String origin : cors.origins()) {
      if (origin.equals("*")) {
        handler.addOriginWithRegex(".*");
      } else {
        handler.addOrigin(origin);
      }
    }
    return handler
        .allowedMethods(Set.of(HttpMethod.GET, HttpMethod.POST, HttpMethod.OPTIONS))
        .allowedHeaders(
            Set.of(
                "authorization",
                "content-type",
                "x-api-key",
                "x-request-id",
                "x-model-id",
                "x-penstock-priority",
                "x-penstock-session",
                "x-penstock-timeout-ms",
                "x-penstock-capabilities",
                "traceparent",
                "tracestate"))
        .exposedHeaders(
            Stream.of(
                    "x-ratelimit-limit-requests",
                    "x-ratelimit-remaining-requests",
                    "x-ratelimit-reset-requests",
                    "x-ratelimit-limit-tokens",
                    "x-ratelimit-remaining-tokens",
                    "x-ratelimit-reset-tokens",
                    Headers.REQUEST_ID,
                    Headers.MODEL,
                    Headers.POOL,
                    Headers.REPLICA,
                    Headers.QUEUE_MS,
                    Headers.ATTEMPTS,
                    Headers.SERVER_TIMING,
                    HttpHeaderNames.RETRY_AFTER,
                    Headers.RETRY_AFTER_MS,
                    Headers.SHOULD_RETRY)
                .map(CharSequence::toString)
                .collect(Collectors.toSet()))
        .maxAgeSeconds(MAX_AGE_SECONDS);
  }

  static void refuse(HttpServerRequest request, String clientRequestId) {
    ErrorResponse.send(
        request,
        clientRequestId,
        Fault.ORIGIN_NOT_ALLOWED,
        "origin: '"
            + request.getHeader(HttpHeaderNames.ORIGIN)
            + "' (expected: one of those in ingress.cors.origins)",
        "origin",
        0);
  }
}
