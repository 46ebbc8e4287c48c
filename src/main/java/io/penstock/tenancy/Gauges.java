package io.penstock.tenancy;

import io.penstock.inference.RateLimits;
import io.penstock.message.LimitKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The limits of one subject at one ingress loop; those that there are. Pure.
 *
 * <p>A limit that is taken away limits nobody any more, but its gauge stays as long as this object:
 * what has been reserved of it is given back to it, the keeper is told so, and should the limit be
 * put again, what still runs counts.
 */
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
    if (before == null) {
      return limit == 0 ? null : new Gauge(subject, kind, limit);
    }
    before.limit(limit);
    return before;
  }

  /** The limit of now; null where there is none. */
  @Nullable Gauge of(LimitKind kind) {
    @Nullable Gauge known = known(kind);
    return known == null || known.limit() == 0 ? null : known;
  }

  /** The limit of now, or one that there was before. */
  @Nullable Gauge known(LimitKind kind) {
    return switch (kind) {
      case REQUESTS -> requests;
      case TOKENS -> tokens;
      case CONCURRENT -> concurrent;
    };
  }

  /** Those of now, and those that there were before. */
  List<Gauge> all() {
    List<Gauge> all = new ArrayList<>(LimitKind.values().length);
    for (LimitKind kind : LimitKind.values()) {
      @Nullable Gauge gauge = known(kind);
      if (gauge != null) {
        all.add(gauge);
      }
    }
    return all;
  }

  /** Whether the keeper knows all of it, and nothing is held. */
  boolean isQuiet() {
    return all().stream().allMatch(Gauge::isQuiet);
  }

  /** Whether it need not be remembered. */
  boolean isIdle(long nowMillis) {
    return all().stream().allMatch(gauge -> gauge.isIdle(nowMillis));
  }
}
