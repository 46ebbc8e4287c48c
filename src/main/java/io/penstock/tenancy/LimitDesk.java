package io.penstock.tenancy;

import io.penstock.fault.Fault;
import io.penstock.inference.ModelName;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Where the requests of one ingress loop reserve what they need of their limits, before they are
 * served, and say afterwards what they have used. Pure; belongs to the loop.
 *
 * <p>What is at hand is taken at once. For what is not, the keeper is asked; of each tenant there
 * is one question under way, which speaks for all requests that wait. It has a budget of {@link
 * #BUDGET_MILLIS} to be answered, or {@link #HOME_BUDGET_MILLIS}. Then, and at once for the
 * requests that follow until it answers again, the loop decides by itself: what it has used in the
 * last minute, what it has reserved and what is asked for must fit its share, the limit divided by
 * the loops of the cluster. So loops that reach nobody allow no more than the limit together; what
 * they had been granted before beyond their shares comes to that for as long as a minute. A limit
 * smaller than the number of loops allows each of them one request.
 *
 * <p>A request reserves its prompt's estimate and what it may generate, and is charged with what
 * its engine has counted. The difference is the error of {@link LimitKeeper}'s bound.
 */
public final class LimitDesk {
  /** How long a request waits for a keeper elsewhere. */
  public static final long BUDGET_MILLIS = 5;

  /**
   * How long it waits for the keeper of its own node, which is there as long as the request's loop
   * is: when it is late, so is everything on this node, and to decide without it would only make a
   * limit of a cluster of one less exact. One that hangs holds each request up for as long.
   */
  public static final long HOME_BUDGET_MILLIS = 1_000;

  /** Between two questions to a keeper that does not answer. */
  private static final long ASK_AGAIN_MILLIS = 250;

  /**
   * How long a loop that holds something may be silent. A store that can not tell a loop that is
   * gone from one whose requests are long forgets what it holds after thrice as long.
   */
  static final long SILENT_MILLIS = 3_000;

  /** Who carries questions to the keepers. */
  public interface Outlet {
    /** Sends one; its answer goes to {@link LimitDesk#answered}. */
    void ask(LimitAsk ask);

    /** How long a request may wait for this tenant's keeper. */
    long budgetMillis(TenantId tenant);

    /** Calls {@link LimitDesk#expire} when the budget of a request that waits is used up. */
    void expireSoon();

    /** The loop has decided by itself. */
    void decidedLocally(boolean admitted);
  }

  private final Station self;
  private final long epoch;
  private final Outlet outlet;
  private final Map<TenantId, TenantGauges> accounts = new HashMap<>();
  private final Set<TenantGauges> queued = new LinkedHashSet<>(); // those in which somebody waits
  private final RecentOutputs outputs = new RecentOutputs();
  private long loops = 1;
  private long seq;

  /**
   * @param epoch tells this life of the loop from those before
   */
  public LimitDesk(Station self, long epoch, Outlet outlet) {
    this.self = self;
    this.epoch = epoch;
    this.outlet = outlet;
  }

  /** How many tokens a request may come to: what it may generate, else what is usual. */
  public long estimate(ModelName model, int promptTokens, int maxTokens, int choices) {
    long each = maxTokens > 0 ? maxTokens : outputs.p95(model);
    return promptTokens + each * Math.max(1, choices);
  }

  /** A request was served, and generated so much. */
  public void generated(ModelName model, int tokens) {
    outputs.add(model, tokens);
  }

  /**
   * Reserves what a request needs.
   *
   * @param tokens its {@link #estimate}
   * @param decided called when it was not known at once whether the request may go on, and is now
   * @return to be settled in any case
   */
  public Ticket reserve(
      Identity who, ModelName model, long tokens, long nowMillis, Runnable decided) {
    return reserve(who, model, Ticket.Scope.REQUEST, tokens, nowMillis, decided);
  }

  /**
   * Reserves what a further tier of a request needs that has a ticket: of its tenant and its key
   * tokens alone, since it is one request to them; of its model what any request would need.
   *
   * @param isNew whether no tier before has reserved of this model
   * @return to be settled in any case, besides the first
   */
  public Ticket reserveFurther(
      Identity who, ModelName model, boolean isNew, long tokens, long nowMillis, Runnable decided) {
    Ticket.Scope scope = isNew ? Ticket.Scope.MODEL_AND_TOKENS : Ticket.Scope.TOKENS;
    return reserve(who, model, scope, tokens, nowMillis, decided);
  }

  private Ticket reserve(
      Identity who,
      ModelName model,
      Ticket.Scope scope,
      long tokens,
      long nowMillis,
      Runnable decided) {
    Tenant tenant = who.tenant();
    if (tenant.limits().isNone() && tenant.modelLimits().isEmpty() && who.keyLimits().isNone()) {
      return Ticket.UNLIMITED;
    }
    TenantGauges account = accounts.computeIfAbsent(tenant.id(), TenantGauges::new);
    List<Gauges> subjects = account.subjects(tenant, who.key().orElse(null), model);
    Ticket ticket =
        new Ticket(
            account,
            subjects,
            scope,
            tokens,
            nowMillis + outlet.budgetMillis(tenant.id()),
            decided);
    Gauge tooSmall = ticket.tooSmall();
    if (tooSmall != null) {
      ticket.refuse(
          new LimitRefusal(
              Fault.TOKEN_LIMIT,
              "the request may come to "
                  + tokens
                  + " tokens, prompt and completion together (expected: at most "
                  + tooSmall.limit()
                  + ", the tokens per minute of "
                  + name(account, tooSmall)
                  + "; lower max_tokens)",
              0));
    } else if (account.waiting().isEmpty() && ticket.lacking() == null) {
      ticket.take(nowMillis);
    } else if (account.isLate()) {
      decide(ticket, nowMillis);
    } else {
      account.waiting().add(ticket);
      queued.add(account);
      outlet.expireSoon();
      if (!account.isAsking()) {
        ask(account, nowMillis);
      }
    }
    return ticket;
  }

  private void ask(TenantGauges account, long nowMillis) {
    long number = ++seq;
    outlet.ask(
        new LimitAsk(
            account.tenant(), self, epoch, number, account.lines(number, loops, nowMillis)));
  }

  /** A keeper has answered. */
  public void answered(LimitAnswer answer, long nowMillis) {
    TenantGauges account = accounts.get(answer.tenant());
    if (account == null || !account.answered(answer, nowMillis)) {
      return;
    }
    for (int left = account.waiting().size(); left > 0; left--) {
      Ticket ticket = account.waiting().poll();
      if (ticket == null || ticket.state() != Ticket.State.WAITING) {
        continue;
      }
      Gauge lacking = ticket.lacking();
      if (lacking == null) {
        ticket.take(nowMillis);
      } else if (answer.learning()) {
        decide(ticket, nowMillis);
      } else if (ticket.askedWith() == answer.seq()) {
        refuse(ticket, lacking, nowMillis);
      } else {
        account.waiting().add(ticket);
        continue;
      }
      ticket.tell();
    }
    account.tidy(loops, nowMillis);
    if (!account.isAsking()
        && (account.returnsSome() || account.tellsMinute() || !account.waiting().isEmpty())) {
      ask(account, nowMillis);
    }
  }

  /** A question has not reached its keeper. */
  public void unreached(TenantId tenant, long nowMillis) {
    TenantGauges account = accounts.get(tenant);
    if (account != null && account.isAsking()) {
      account.late(true);
      giveUp(account, true, nowMillis);
    }
  }

  /** Time has passed: whoever has waited long enough is decided on. */
  public void expire(long nowMillis) {
    for (TenantGauges account : List.copyOf(queued)) {
      giveUp(account, false, nowMillis);
      if (account.waiting().isEmpty()) {
        queued.remove(account);
      }
    }
    if (!queued.isEmpty()) {
      outlet.expireSoon();
    }
  }

  private void giveUp(TenantGauges account, boolean all, long nowMillis) {
    for (int left = account.waiting().size(); left > 0; left--) {
      Ticket ticket = account.waiting().poll();
      if (ticket != null && ticket.state() == Ticket.State.WAITING) {
        if (all || ticket.isDue(nowMillis)) {
          account.late(true);
          decide(ticket, nowMillis);
          ticket.tell();
        } else {
          account.waiting().add(ticket);
        }
      }
    }
  }

  private void decide(Ticket ticket, long nowMillis) {
    Gauge beyond = ticket.beyondShare(loops, nowMillis);
    outlet.decidedLocally(beyond == null);
    if (beyond == null) {
      ticket.take(nowMillis);
    } else {
      refuse(ticket, beyond, nowMillis);
    }
  }

  private static void refuse(Ticket ticket, Gauge by, long nowMillis) {
    TenantGauges account = ticket.account();
    String of = account == null ? by.subject() : name(account, by);
    ticket.refuse(
        switch (by.kind()) {
          case REQUESTS ->
              new LimitRefusal(
                  Fault.REQUEST_LIMIT,
                  of + " has had its " + by.limit() + " requests of this minute",
                  by.retryMillis(nowMillis));
          case TOKENS ->
              new LimitRefusal(
                  Fault.TOKEN_LIMIT,
                  of
                      + " has "
                      + by.available()
                      + " of its "
                      + by.limit()
                      + " tokens per minute left, and the request may come to "
                      + ticket.amount(by.kind()),
                  by.retryMillis(nowMillis));
          case CONCURRENT ->
              new LimitRefusal(
                  Fault.CONCURRENCY_LIMIT,
                  of + " has " + by.limit() + " requests at once, as many as it may",
                  by.retryMillis(nowMillis));
        });
  }

  private static String name(TenantGauges account, Gauge gauge) {
    if (gauge.subject().equals("tenant")) {
      return "tenant '" + account.tenant() + "'";
    }
    if (gauge.isOfModel()) {
      return "tenant '"
          + account.tenant()
          + "' for the model '"
          + gauge.subject().substring("model ".length())
          + "'";
    }
    return "key '" + gauge.subject() + "'";
  }

  /**
   * A request is over, however it ended: what it has used takes the place of what it had reserved.
   *
   * @param tokens that it has used
   */
  public void settle(Ticket ticket, long tokens, long nowMillis) {
    Ticket.State before = ticket.state();
    TenantGauges account = ticket.account();
    if (account == null || before == Ticket.State.OVER) {
      return;
    }
    ticket.enter(Ticket.State.OVER);
    if (before == Ticket.State.WAITING) {
      return; // it is passed over when the answer comes
    }
    boolean others = false;
    for (Gauge each : ticket.reservedOf()) {
      each.settle(ticket.amount(each.kind()), tokens, loops, nowMillis);
      others |= each.returnsSome();
    }
    if (others && !account.isAsking() && !account.isLate()) {
      ask(account, nowMillis); // they may wait for what was not used
    }
  }

  /**
   * A tier of a request is over and another follows it: its tokens are settled, and its model may
   * serve others. What the request holds of its tenant and key stays held until it is {@link
   * #settle settled}.
   *
   * @param tokens that the tier has used
   */
  public void settlePart(Ticket ticket, long tokens, long nowMillis) {
    TenantGauges account = ticket.account();
    if (account == null || !ticket.isHeld()) {
      return;
    }
    boolean others = false;
    for (Gauge each : ticket.takePart()) {
      each.settle(ticket.amount(each.kind()), tokens, loops, nowMillis);
      others |= each.returnsSome();
    }
    if (others && !account.isAsking() && !account.isLate()) {
      ask(account, nowMillis);
    }
  }

  /** To be called a few times a second: tells keepers of what was used, and gives back. */
  public void tick(long nowMillis) {
    for (TenantGauges account : List.copyOf(accounts.values())) {
      account.tidy(loops, nowMillis);
      account.forget(nowMillis);
      long sinceAsked = nowMillis - account.askedMillis();
      boolean isNews = account.hasNews() || (account.holdsSome() && sinceAsked >= SILENT_MILLIS);
      if (account.isAsking() ? sinceAsked >= ASK_AGAIN_MILLIS : isNews) {
        ask(account, nowMillis);
      } else if (account.isIdle(nowMillis)) {
        accounts.remove(account.tenant());
      }
    }
  }

  /** Whether there is nothing that has to be told, given back or remembered. */
  public boolean isIdle() {
    return accounts.isEmpty();
  }

  /**
   * The cluster is another one.
   *
   * @param loops ingress loops in it
   * @param moved tenants whose limits another keeps now
   */
  public void changed(long loops, Predicate<TenantId> moved, long nowMillis) {
    this.loops = Math.max(1, loops);
    for (TenantGauges account : new ArrayList<>(accounts.values())) {
      if (moved.test(account.tenant())) {
        account.keeperChanged();
        ask(account, nowMillis);
      }
    }
  }
}
