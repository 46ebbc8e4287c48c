package io.penstock.ingress;

import io.penstock.message.LimitKind;
import io.penstock.tenancy.Ticket;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;

/** {@code x-ratelimit-*}: how the tightest limits of the request's caller stand. */
final class LimitHeaders {
  private static final CharSequence[] REQUESTS = names("requests");
  private static final CharSequence[] TOKENS = names("tokens");

  private LimitHeaders() {}

  private static CharSequence[] names(String kind) {
    return new CharSequence[] {
      HttpHeaders.createOptimized("x-ratelimit-limit-" + kind),
      HttpHeaders.createOptimized("x-ratelimit-remaining-" + kind),
      HttpHeaders.createOptimized("x-ratelimit-reset-" + kind)
    };
  }

  static void of(MultiMap headers, Ticket ticket, long nowMillis) {
    set(headers, REQUESTS, ticket.standing(LimitKind.REQUESTS, nowMillis));
    set(headers, TOKENS, ticket.standing(LimitKind.TOKENS, nowMillis));
  }

  private static void set(
      MultiMap headers,
      CharSequence[] names,
      Ticket.@org.jspecify.annotations.Nullable Standing standing) {
    if (standing != null) {
      headers.set(names[0], Long.toString(standing.limit()));
      headers.set(names[1], Long.toString(standing.remaining()));
      headers.set(names[2], duration(standing.resetMillis()));
    }
  }

  /** {@code 1s}, {@code 6m0s}, {@code 250ms}. */
  static String duration(long millis) {
    if (millis < 1_000) {
      return millis == 0 ? "0s" : millis + "ms";
    }
    long seconds = (millis + 999) / 1_000;
    return seconds < 60 ? seconds + "s" : seconds / 60 + "m" + seconds % 60 + "s";
  }
}
