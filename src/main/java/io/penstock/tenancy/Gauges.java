package io.penstock.tenancy;

import io.penstock.inference.RateLimits;
import io.penstock.message.LimitKind;
import org.jspecify.annotations.Nullable;

/** The limits of one subject at one ingress loop; those that there are. Pure. */
final class Gauges {
  private final String subject;
  private @Nullable Gauge requests;
  private @Nullable Gauge tokens;
  private @Nullable Gauge concurrent;
  private RateLimits limits = RateLimits.NONE;

  Gauges(String subject) {
    this.subject = subject;
  }

  /** With the limits of now. */
  Gauges with(RateLimits next) {
    if (!next.equals(limits)) {
      limits = next;
      requests = with(requests, LimitKind.REQUESTS, next.requestsPerMinute());
      tokens = with(tokens, LimitKind.TOKENS, next.tokensPerMinute());
      concurrent = with(concurrent, LimitKind.CONCURRENT, next.maxConcurrent());
    }
    return this;
  }

  private @Nullable Gauge with(@Nullable Gauge before, LimitKind kind, long limit) {
    if (limit == 0) {
      return null;
    }
    if (before == null) {
      return new Gauge(subject, kind, limit);
    }
    before.limit(limit);
    return before;
  }

  @Nullable Gauge of(LimitKind kind) {
    return switch (kind) {
      case REQUESTS -> requests;
      case TOKENS -> tokens;
      case CONCURRENT -> concurrent;
    };
  }
}
