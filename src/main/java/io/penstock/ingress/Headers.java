package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Names of headers, and which of them pass through. */
final class Headers {
  static final CharSequence REQUEST_ID = name("x-request-id");
  static final CharSequence API_KEY = name("x-api-key");
  static final CharSequence MODEL = name("x-penstock-model");
  static final CharSequence POOL = name("x-penstock-pool");
  static final CharSequence REPLICA = name("x-penstock-replica");
  static final CharSequence TIER = name("x-penstock-tier");
  static final CharSequence CASCADE = name("x-penstock-cascade");
  static final CharSequence ESCALATION_FAILED = name("x-penstock-escalation-failed");
  static final CharSequence COST = name("x-penstock-cost");
  static final CharSequence QUEUE_MS = name("x-penstock-queue-ms");
  static final CharSequence ATTEMPTS = name("x-penstock-attempts");
  static final CharSequence SERVER_TIMING = name("server-timing");
  static final CharSequence SHOULD_RETRY = name("x-should-retry");
  static final CharSequence RETRY_AFTER_MS = name("retry-after-ms");
  static final CharSequence ACCEL_BUFFERING = name("x-accel-buffering");
  static final CharSequence TRACEPARENT = name("traceparent");

  static final CharSequence JSON = name("application/json");
  static final CharSequence EVENT_STREAM = name("text/event-stream");
  static final CharSequence NO_CACHE = name("no-cache");
  static final CharSequence NO = name("no");
  static final CharSequence CLOSE = name("close");
  static final CharSequence FALSE = name("false");
  static final CharSequence TRUE = name("true");

  private static final Set<String> HOP_BY_HOP =
      Set.of(
          "connection",
          "keep-alive",
          "proxy-authenticate",
          "proxy-authorization",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "http2-settings");

  private static final Set<String> NOT_FORWARDED =
      Set.of(
          "host",
          "content-length",
          "content-encoding",
          "expect",
          "accept-encoding",
          "authorization",
          "x-api-key",
          "cookie",
          "origin",
          "referer",
          "idempotency-key",
          "x-model-id",
          "x-request-id",
          "traceparent");

  /** Of clients' libraries, browsers, proxies and tracers. */
  private static final Set<String> OF_THE_WAY =
      Set.of(
          "accept",
          "accept-language",
          "b3",
          "baggage",
          "cache-control",
          "content-type",
          "dnt",
          "forwarded",
          "openai-organization",
          "openai-project",
          "pragma",
          "priority",
          "tracestate",
          "user-agent",
          "via",
          "x-amzn-trace-id",
          "x-cloud-trace-context",
          "x-real-ip");

  private static final Set<String> NOT_RETURNED =
      Set.of("content-length", "server", "date", "x-request-id", "set-cookie", "alt-svc");

  private Headers() {}

  private static CharSequence name(String text) {
    return HttpHeaders.createOptimized(text);
  }

  /**
   * The client's headers that an engine may see: no hop-by-hop ones, no credentials, none that are
   * meant for the gateway.
   */
  static MultiMap forEngine(MultiMap client) {
    MultiMap engine = HttpHeaders.headers();
    for (Map.Entry<String, String> each : client) {
      String key = lower(each.getKey());
      if (!HOP_BY_HOP.contains(key)
          && !NOT_FORWARDED.contains(key)
          && !key.startsWith("x-penstock-")
          && !key.startsWith("x-stainless-")
          && !key.startsWith("access-control-")
          && !key.startsWith("sec-")
          && !key.startsWith(":")) {
        engine.add(key, each.getValue());
      }
    }
    return engine;
  }

  /**
   * Whether a request may share a call, which has none of its headers: whether those that an engine
   * would see say nothing about the request itself.
   */
  static boolean saysNothing(MultiMap client) {
    for (String each : forEngine(client).names()) {
      if (!OF_THE_WAY.contains(each)
          && !each.startsWith("x-forwarded-")
          && !each.startsWith("x-envoy-")
          && !each.startsWith("x-b3-")
          && !each.startsWith("cf-")) {
        return false;
      }
    }
    return true;
  }

  /** Copies an engine's headers that a client may see. */
  static void toClient(MultiMap engine, MultiMap client) {
    for (Map.Entry<String, String> each : engine) {
      String key = lower(each.getKey());
      if (!HOP_BY_HOP.contains(key)
          && !NOT_RETURNED.contains(key)
          && !key.startsWith("access-control-")
          && !key.startsWith("x-ratelimit-")
          && !key.startsWith("x-penstock-")) {
        client.set(key, each.getValue());
      }
    }
  }

  private static String lower(String key) {
    for (int i = 0; i < key.length(); i++) {
      char c = key.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        return key.toLowerCase(Locale.ROOT);
      }
    }
    return key;
  }

  /**
   * Who sent a request.
   *
   * @param id for a request that has none that can be kept
   */
  static Caller caller(HttpServerRequest request, RequestId id) {
    return Caller.of(
        request.getHeader(REQUEST_ID),
        request.getHeader(TRACEPARENT),
        request.remoteAddress() == null ? "" : request.remoteAddress().hostAddress(),
        id);
  }
}
