package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.Outcome;
import io.penstock.openai.ScannedBody;
import io.penstock.tenancy.Identity;
import io.penstock.tenancy.LimitRefusal;
import io.penstock.tenancy.Ticket;
import io.vertx.core.MultiMap;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who one request is from and what it may have of the limits that apply: reserved before it is
 * served, settled once with what it has used. In a cascade each tier reserves for its own model,
 * and is settled when the next one begins; for its tenant and its key the request counts once, with
 * the tokens of all.
 */
final class Allowance {
  private final LoopParts loop;
  private final List<Ticket> before = new ArrayList<>(0);
  private final Set<ModelName> models = new HashSet<>(0);
  private Identity identity = Identity.ANONYMOUS; // until it is known
  private @Nullable ModelName model;
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
   * Takes what the request, or its next tier, may need of the limits.
   *
   * @param of the model that is to serve it
   * @param decided called when {@link #isHeld} or {@link #refusal} have changed
   */
  void reserve(ModelName of, ScannedBody scan, long nowMillis, Runnable decided) {
    long tokens = TokenBill.reserved(loop.limits(), of, scan);
    boolean isNew = models.add(of);
    model = of;
    ticket =
        before.isEmpty()
            ? loop.limits().reserve(identity, of, tokens, nowMillis, decided)
            : loop.limits().reserveFurther(identity, of, isNew, tokens, nowMillis, decided);
  }

  /** Whether it may be served. */
  boolean isHeld() {
    return ticket != null && ticket.isHeld();
  }

  /** Why it may not be; empty while it may, or may later. */
  Optional<LimitRefusal> refusal() {
    return Optional.ofNullable(ticket).map(Ticket::refusal);
  }

  /** A tier is over and another follows: it is charged, and its model is free for others. */
  void partOver(ScannedBody scan, Attempts attempts, long nowMillis) {
    if (ticket != null) {
      loop.limits().settlePart(ticket, TokenBill.used(scan, attempts), nowMillis);
      before.add(ticket);
      learn(scan, attempts);
    }
  }

  /**
   * What was used takes the place of what was reserved.
   *
   * @param outcome of the tier of now
   */
  void settle(ScannedBody scan, Attempts attempts, Outcome outcome) {
    if (ticket == null) {
      return;
    }
    long nowMillis = loop.clock().millis();
    long used = TokenBill.used(scan, attempts, outcome, ticket.tokens());
    loop.limits().settle(ticket, used, nowMillis);
    before.forEach(each -> loop.limits().settle(each, 0, nowMillis));
    if (outcome == Outcome.OK) {
      learn(scan, attempts);
    }
  }

  private void learn(ScannedBody scan, Attempts attempts) {
    ModelName asked = model;
    for (Attempts.Use use : attempts.usesOfStage()) {
      int generated = use.usage().completionTokens();
      if (generated > 0 && asked != null) {
        loop.limits().generated(asked, generated / Math.max(1, scan.choices()));
      }
    }
  }

  /**
   * How the limits stand of the tier of now; of the first one where a draft stands in for a tier
   * that failed, perhaps since a limit of its model was used up, which is none of the next request.
   */
  void headers(MultiMap headers, boolean ofFirst) {
    Ticket told = ofFirst && !before.isEmpty() ? before.get(0) : ticket;
    if (told != null) {
      LimitHeaders.of(headers, told, loop.clock().millis());
    }
  }
}
