package io.penstock.tenancy;

import io.penstock.message.LimitGrant;
import io.penstock.message.LimitKind;
import io.penstock.message.LimitLine;
import java.util.List;

/**
 * One limit at one ingress loop: what it has of it. Pure.
 *
 * <p>A large limit is drawn on in leases of a quarter of this loop's share; a small one request by
 * request, so that nothing of it lies idle at one loop that another would need.
 */
final class Gauge {
  /** A lease that is not worth at least so many requests is not taken. */
  private static final long LEASE_REQUESTS_MIN = 32;

  /** What nobody has used for so long goes back. */
  private static final long IDLE_MILLIS = 1_000;

  private final String subject;
  private final LimitKind kind;
  private final Minute minute = new Minute();
  private long limit;
  private long atHand;
  private long reserved;
  private long used;
  private long touchedMillis;
  private long saidUsed;
  private long saidHolding;
  private boolean isUnheard; // what was said has not been answered

  // By the keeper's last word.
  private long free;
  private long idle; // at hand of other loops
  private long retryMillis;
  private long resetAtMillis;

  Gauge(String subject, LimitKind kind, long limit) {
    this.subject = subject;
    this.kind = kind;
    this.limit = limit;
    this.free = limit;
  }

  void limit(long next) {
    if (next != limit) {
      free = Math.max(0, free + next - limit);
      limit = next;
    }
  }

  String subject() {
    return subject;
  }

  /** Whether it is the limit of a model, not of the tenant or a key as a whole. */
  boolean isOfModel() {
    return subject.startsWith("model ");
  }

  LimitKind kind() {
    return kind;
  }

  long limit() {
    return limit;
  }

  /** Whether so much can be had without asking. */
  boolean has(long amount) {
    return atHand >= amount;
  }

  /** Reserves what is at hand; and what is not, where the loop decides by itself. */
  void reserve(long amount, long nowMillis) {
    touchedMillis = nowMillis;
    atHand = Math.max(0, atHand - amount);
    if (kind == LimitKind.REQUESTS) {
      use(amount, nowMillis);
    } else {
      reserved += amount;
    }
  }

  private void use(long amount, long nowMillis) {
    used += amount;
    minute.add(nowMillis, amount);
  }

  /**
   * What a request has reserved was used by so much, or is free again.
   *
   * @param actual less than that or more; not looked at where it is not tokens
   */
  void settle(long amount, long actual, long loops, long nowMillis) {
    touchedMillis = nowMillis;
    switch (kind) {
      case REQUESTS -> {} // was used when it was admitted
      case CONCURRENT -> {
        reserved -= amount;
        atHand += lease(loops, 1) > 0 ? amount : 0;
      }
      case TOKENS -> {
        reserved -= amount;
        use(actual, nowMillis);
        atHand += lease(loops, amount) > 0 ? Math.max(0, amount - actual) : 0;
      }
    }
  }

  /** How much is asked for besides what is needed; 0 for a limit of which nothing is kept. */
  long lease(long loops, long perRequest) {
    long lease = limit / (4 * Math.max(1, loops));
    return lease >= LEASE_REQUESTS_MIN * Math.max(1, perRequest) ? lease : 0;
  }

  /** Gives back what lies idle, and what is of a limit of which nothing is kept. */
  void tidy(long loops, long nowMillis) {
    if (nowMillis - touchedMillis >= IDLE_MILLIS || lease(loops, 1) == 0) {
      atHand = 0;
    }
  }

  /** Whether the keeper has not been told how it stands. */
  boolean hasNews() {
    return saidUsed != used || saidHolding != holding();
  }

  /** Whether others could have what the keeper believes to be here. */
  boolean returnsSome() {
    return saidUsed + saidHolding > used + holding();
  }

  /** Whether something is reserved or at hand. */
  boolean holdsSome() {
    return holding() != 0;
  }

  /** Whether there is nothing that the keeper does not know, nor that it must hear again. */
  boolean isQuiet() {
    return !isUnheard && !hasNews() && !holdsSome();
  }

  private long holding() {
    return atHand + reserved;
  }

  /** Whether it need not be remembered. */
  boolean isIdle(long nowMillis) {
    return holding() == 0 && saidHolding == 0 && saidUsed == used && minute.sum(nowMillis) == 0;
  }

  /**
   * What the keeper is told.
   *
   * @param need of the requests that wait
   * @param perRequest the largest of them
   * @param anew whether the keeper does not know of the last minute
   */
  LimitLine line(long need, long perRequest, long loops, boolean anew, long nowMillis) {
    saidUsed = used;
    saidHolding = holding();
    isUnheard = true;
    return new LimitLine(
        subject,
        kind,
        limit,
        used,
        saidHolding,
        atHand,
        Math.max(0, need - atHand),
        lease(loops, perRequest),
        anew && kind != LimitKind.CONCURRENT ? minute.seconds(nowMillis) : List.of());
  }

  /** The keeper has answered. */
  void granted(LimitGrant grant, long nowMillis) {
    isUnheard = false;
    atHand += grant.granted();
    saidHolding += grant.granted();
    touchedMillis = grant.granted() > 0 ? nowMillis : touchedMillis;
    free = grant.free();
    idle = grant.idle();
    retryMillis = grant.retryMillis();
    resetAtMillis = nowMillis + grant.resetMillis();
  }

  /**
   * Whether the loop's own share allows so much more.
   *
   * @param loops of the whole cluster
   */
  boolean shareHas(long amount, long loops, long nowMillis) {
    long share = limit / Math.max(1, loops);
    if (kind != LimitKind.TOKENS) {
      share = Math.max(1, share);
    }
    return minute.sum(nowMillis) + reserved + amount <= share;
  }

  /** What can be had here, as far as this loop knows. */
  long available() {
    return Math.min(limit, free + atHand);
  }

  /**
   * What the caller has left of the limit: all of it that is neither used nor reserved, wherever it
   * is at hand. As it was when the keeper last answered, less what this loop has used since; that
   * was a second ago or little more where there are requests, since their use is told within a
   * quarter of it and what lies idle for a second is given back.
   */
  long remaining() {
    return Math.min(limit, free + idle + atHand);
  }

  long resetMillis(long nowMillis) {
    return Math.max(0, resetAtMillis - nowMillis);
  }

  /** When what it lacks may be there. */
  long retryMillis(long nowMillis) {
    return retryMillis > 0 ? retryMillis : Math.max(1_000, minute.untilGone(nowMillis, 1));
  }
}
