package io.penstock.ingress;

import io.netty.util.AsciiString;
import io.penstock.inference.RequestId;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

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

  private static final String[] HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings"
  };

  private static final MultiMap NOT_FORWARDED =
      setOf(
          HOP_BY_HOP,
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

  private static final AsciiString[] NOT_FORWARDED_PREFIXES =
      prefixes("x-penstock-", "x-stainless-", "access-control-", "sec-", ":");

  /** Of clients' libraries, browsers, proxies and tracers. */
  private static final MultiMap OF_THE_WAY =
      setOf(
          new String[0],
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

  private static final AsciiString[] OF_THE_WAY_PREFIXES =
      prefixes("x-forwarded-", "x-envoy-", "x-b3-", "cf-");

  private static final MultiMap NOT_RETURNED =
      setOf(
          HOP_BY_HOP, "content-length", "server", "date", "x-request-id", "set-cookie", "alt-svc");

  private static final AsciiString[] NOT_RETURNED_PREFIXES =
      prefixes("access-control-", "x-ratelimit-", "x-penstock-");

  private Headers() {}

  private static CharSequence name(String text) {
    return HttpHeaders.createOptimized(text);
  }

  /**
   * A set of names: of all maps it is that of headers which finds one in any case, and without
   * reading it, since names that have arrived have their hash with them.
   */
  private static MultiMap setOf(String[] names, String... more) {
    MultiMap set = HttpHeaders.headers();
    Stream.of(names, more).flatMap(Stream::of).forEach(each -> set.add(name(each), ""));
    return set;
  }

  private static AsciiString[] prefixes(String... prefixes) {
    return Stream.of(prefixes).map(AsciiString::new).toArray(AsciiString[]::new);
  }

  private static boolean isOf(MultiMap names, AsciiString[] prefixes, CharSequence name) {
    if (names.contains(name)) {
      return true;
    }
    for (AsciiString prefix : prefixes) {
      if (AsciiString.regionMatches(name, true, 0, prefix, 0, prefix.length())) {
        return true;
      }
    }
    return false;
  }

  /** Those of HTTP/1 as they have arrived; a string of each would be made to be looked at once. */
  private static void each(MultiMap headers, BiConsumer<CharSequence, CharSequence> what) {
    if (headers instanceof io.netty.handler.codec.http.HttpHeaders arrived) {
      arrived
          .iteratorCharSequence()
          .forEachRemaining(header -> what.accept(header.getKey(), header.getValue()));
    } else {
      headers.forEach(what::accept);
    }
  }

  /**
   * The client's headers that an engine may see: no hop-by-hop ones, no credentials, none that are
   * meant for the gateway.
   */
  static MultiMap forEngine(MultiMap client) {
    MultiMap engine = HttpHeaders.headers();
    each(
        client,
        (name, value) -> {
          if (!isOf(NOT_FORWARDED, NOT_FORWARDED_PREFIXES, name)) {
            engine.add(lower(name), value);
          }
        });
    return engine;
  }

  /**
   * Whether a request may share a call, which has none of its headers: whether those that an engine
   * would see say nothing about the request itself.
   */
  static boolean saysNothing(MultiMap client) {
    for (String each : client.names()) {
      if (!isOf(NOT_FORWARDED, NOT_FORWARDED_PREFIXES, each)
          && !isOf(OF_THE_WAY, OF_THE_WAY_PREFIXES, each)) {
        return false;
      }
    }
    return true;
  }

  /** Copies an engine's headers that a client may see. */
  static void toClient(MultiMap engine, MultiMap client) {
    each(
        engine,
        (name, value) -> {
          if (!isOf(NOT_RETURNED, NOT_RETURNED_PREFIXES, name)) {
            client.set(lower(name), value);
          }
        });
  }

  private static CharSequence lower(CharSequence name) {
    return name instanceof AsciiString ascii
        ? ascii.toLowerCase() // the same, where there is nothing to do
        : name.toString().toLowerCase(Locale.ROOT);
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
