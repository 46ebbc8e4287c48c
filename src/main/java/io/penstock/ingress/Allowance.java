package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.Outcome;
import io.penstock.openai.ScannedBody;
import io.penstock.tenancy.Identity;
import io.penstock.tenancy.LimitRefusal;
import io.penstock.tenancy.Ticket;
import io.vertx.core.MultiMap;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who one request is from and what it may have of the limits that apply: reserved before it is
 * served, settled once with what it has used.
 */
final class Allowance {
  private final LoopParts loop;
  private Identity identity = Identity.ANONYMOUS; // until it is known
  private @Nullable Ticket ticket;

  Allowance(LoopParts loop) {
    this.loop = loop;
  }

  Identity identity() {
    return identity;
  }

  void identified(Identity known) {
    identity = known;
  }

  /**
   * Takes what it may need of the limits.
   *
   * @param decided called when {@link #isHeld} or {@link #refusal} have changed
   */
  void reserve(ModelName model, ScannedBody scan, long nowMillis, Runnable decided) {
    ticket =
        loop.limits()
            .reserve(
                identity,
                model,
                TokenBill.reserved(loop.limits(), model, scan),
                nowMillis,
                decided);
  }

  /** Whether it may be served. */
  boolean isHeld() {
    return ticket != null && ticket.isHeld();
  }

  /** Why it may not be; empty while it may, or may later. */
  Optional<LimitRefusal> refusal() {
    return Optional.ofNullable(ticket).map(Ticket::refusal);
  }

  /** What was used takes the place of what was reserved. */
  void settle(ModelName model, ScannedBody scan, Attempts attempts, Outcome outcome) {
    if (ticket == null) {
      return;
    }
    long used = TokenBill.used(scan, attempts, outcome, ticket.tokens());
    loop.limits().settle(ticket, used, loop.clock().millis());
    int generated = attempts.usage().completionTokens();
    if (outcome == Outcome.OK && generated > 0) {
      loop.limits().generated(model, generated / Math.max(1, scan.choices()));
    }
  }

  /** How the limits stand. */
  void headers(MultiMap headers) {
    if (ticket != null) {
      LimitHeaders.of(headers, ticket, loop.clock().millis());
    }
  }
}
