package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The waiting requests of one priority class, fair over tenants by tokens and not by requests. The
 * algorithm is that of Sheng et al., "Fairness in Serving Large Language Models" (OSDI 2024): each
 * tenant has a counter of the tokens that it was given, divided by its weight ({@link TokenCost});
 * who has the lowest is next. A grant is charged with an estimate at once, and set right by what
 * its release tells. A tenant that comes back from idle starts at the lowest counter of those who
 * wait, or at the last such where nobody does, so that nobody saves up what he did not use. Hence
 * of two tenants that always wait neither is ahead of the other by more than the largest request of
 * each, whatever the others do. Rejected: deficit round robin over tenants, which needs the cost
 * before it is known, and a bucket for each tenant, which leaves slots unused.
 *
 * <p>Retries go before all others. Who can not be served by a replica that is free holds nobody up:
 * requests that the same replicas can serve share a {@link Line}, and lines are looked at in the
 * fair order of their first tenants until one opens. There are few lines: one for each mix of
 * capabilities, and some more while replicas fail.
 *
 * <p>A tenant that has waited for the class's age bound without being given anything is starved. It
 * goes before the fair order, longest first, and its class a step up ({@link FairQueue}). What it
 * waits behind requests of its own does not count: else a tenant with hundreds of requests would by
 * their mere age get past everybody.
 */
final class ClassQueue {
  /** Starved tenants that are looked at for one whom a free replica can serve. */
  static final int STARVED_LOOKS_MAX = 64;

  private final long ageMillis;
  private final Map<Line.Key, Line> lines = new HashMap<>();
  private final TreeSet<Line> byFirst = new TreeSet<>(Line.BY_FIRST);
  private final Accounts accounts = new Accounts();
  private final Heap<Account> byCounter = new ByCounter();

  /** Those who wait, longest without a grant first. */
  private final LinkedHashSet<Account> bySince = new LinkedHashSet<>();

  private final Pace pace = new Pace();
  private double lowest;
  private long grants;
  private int size;
  private long bytes;

  /**
   * @param ageMillis how long a tenant waits for nothing until it is starved
   */
  ClassQueue(long ageMillis) {
    this.ageMillis = ageMillis;
  }

  int size() {
    return size;
  }

  long bytes() {
    return bytes;
  }

  /** Grants in this class so far. */
  long grants() {
    return grants;
  }

  Pace pace() {
    return pace;
  }

  Iterable<Line> lines() {
    return lines.values();
  }

  /** How many tenants wait. */
  int tenants() {
    return byCounter.size();
  }

  /** One of those who wait, from 0, in no order. */
  Account tenant(int i) {
    return byCounter.at(i);
  }

  @Nullable Account account(Admit admit) {
    return accounts.find(admit.tenant());
  }

  void eachAccount(Consumer<Account> visitor) {
    accounts.each(visitor);
  }

  /** The lowest counter of those who wait, or the last one that was. */
  double lowestCounter() {
    Account first = byCounter.first();
    return first == null ? lowest : first.counter;
  }

  /**
   * Lets one wait.
   *
   * @param reach what the request may hope for now
   */
  void add(Waiting waiting, Line.Key key, Reach reach) {
    Line line = lines.get(key);
    if (line == null) {
      line = new Line(key);
      line.reach = reach;
      line.reachSinceMillis = waiting.arrivedMillis;
      lines.put(key, line);
    }
    Account account = accounts.of(waiting.admit.tenant());
    account.weight = waiting.admit.weight();
    if (account.waiting++ == 0) {
      account.counter = Math.max(account.counter, lowestCounter());
      account.sinceMillis = waiting.arrivedMillis;
      accounts.wake(account);
      byCounter.add(account);
      bySince.add(account);
    }
    unlist(line);
    Turn turn = turn(line, account);
    turn.add(waiting);
    turn.cost += TokenCost.estimate(waiting.admit, account) / account.weight;
    waiting.turn = turn;
    line.append(waiting);
    list(line);
    size++;
    bytes += waiting.admit.bodyBytes();
  }

  private static Turn turn(Line line, Account account) {
    for (Turn each : account.turns) {
      if (each.line == line) {
        return each;
      }
    }
    Turn turn = new Turn(line, account);
    account.turns.add(turn);
    line.add(turn);
    return turn;
  }

  /** Lets one go, for whichever reason. */
  void remove(Waiting waiting) {
    Turn turn = waiting.turn;
    if (turn == null) {
      throw new IllegalStateException(
          "request " + waiting.admit.id() + ": in no line (expected: waiting)");
    }
    Line line = turn.line;
    Account account = turn.account;
    unlist(line);
    waiting.turn = null;
    line.unlink(waiting);
    turn.cost -= turn.cost / turn.size();
    turn.remove(waiting);
    if (turn.size() == 0) {
      line.remove(turn);
      account.turns.remove(turn);
    }
    list(line);
    size--;
    bytes -= waiting.admit.bodyBytes();
    if (--account.waiting == 0) {
      lowest = lowestCounter();
      byCounter.remove(account);
      bySince.remove(account);
      account.pace.pause();
      accounts.rest(account);
    }
    if (size == 0) {
      pace.pause();
    }
  }

  private void unlist(Line line) {
    if (line.size() > 0) {
      byFirst.remove(line);
    }
  }

  private void list(Line line) {
    if (line.size() > 0) {
      byFirst.add(line);
    } else {
      lines.remove(line.key);
    }
  }

  /** The first in the fair order that a replica would take now; null when none can be served. */
  @Nullable Waiting fairest(Choice choice) {
    for (Line line : byFirst) {
      if (choice.opens(line)) {
        return line.next();
      }
    }
    return null;
  }

  /** The next of the tenant that has starved longest and can be served now; null when none has. */
  @Nullable Waiting starved(Choice choice, long nowMillis) {
    int looks = 0;
    for (Account each : bySince) {
      if (nowMillis - each.sinceMillis < ageMillis || ++looks > STARVED_LOOKS_MAX) {
        return null;
      }
      for (Turn turn : each.turns) {
        if (choice.opens(turn.line)) {
          return turn.head();
        }
      }
    }
    return null;
  }

  /**
   * Grants to one that waits, who leaves.
   *
   * @param ordinal of the grant in the pool
   */
  Charge grant(Waiting waiting, long ordinal, long nowMillis) {
    Turn turn = waiting.turn;
    if (turn == null) {
      throw new IllegalStateException(
          "request " + waiting.admit.id() + ": granted (expected: waiting)");
    }
    Account account = turn.account;
    lowest = lowestCounter();
    bySince.remove(account);
    account.sinceMillis = nowMillis;
    bySince.add(account);
    account.pace.granted(ordinal, account.waiting - 1);
    pace.granted(ordinal, size - 1);
    Charge charge = charge(waiting.admit, account);
    remove(waiting);
    return charge;
  }

  /** Grants to one that need not wait. */
  Charge pass(Admit admit) {
    Account account = accounts.of(admit.tenant());
    account.weight = admit.weight();
    if (account.waiting == 0) {
      account.counter = Math.max(account.counter, lowestCounter());
      if (byCounter.size() == 0) {
        lowest = account.counter;
      }
    }
    return charge(admit, account);
  }

  private Charge charge(Admit admit, Account account) {
    double tokens = TokenCost.estimate(admit, account);
    account.live++;
    grants++;
    shift(account, tokens / account.weight, grants);
    return new Charge(this, account, admit.promptTokens(), tokens, account.weight);
  }

  /**
   * A grant has ended.
   *
   * @param tokens what it came to
   */
  void settle(Charge charge, double tokens) {
    charge.account().live--;
    shift(
        charge.account(), (tokens - charge.tokens()) / charge.weight(), charge.account().lastGrant);
  }

  /** A grant has ended, and what it came to is known. */
  void settle(Charge charge, Release release) {
    if (release.usage().completionTokens() > 0) {
      charge.account().outputTokens.add((double) release.usage().completionTokens());
    }
    settle(charge, TokenCost.truth(release, charge.tokens(), charge.promptTokens()));
  }

  private void shift(Account account, double tokens, long grant) {
    account.turns.forEach(turn -> unlist(turn.line));
    account.counter += tokens;
    account.lastGrant = grant;
    if (account.waiting > 0) {
      byCounter.moved(account);
    }
    for (Turn turn : account.turns) {
      turn.line.moved(turn);
      list(turn.line);
    }
  }

  /** Looks again at what each line may hope for. */
  void review(Roster roster, long nowMillis) {
    for (Line line : lines.values()) {
      Reach reach = roster.reach(line.key.needs(), line.key.excluded());
      if (reach != line.reach) {
        line.reach = reach;
        line.reachSinceMillis = nowMillis;
      }
    }
  }

  /** Those that no replica will serve, or that have hoped for one for {@code graceMillis}. */
  List<Waiting> hopeless(long graceMillis, long nowMillis) {
    List<Waiting> found = List.of();
    for (Line line : lines.values()) {
      if (line.reach == Reach.SERVED) {
        continue;
      }
      for (Waiting each = line.head(); each != null; each = each.after) {
        long since = Math.max(each.arrivedMillis, line.reachSinceMillis);
        if (line.reach == Reach.HOPED_FOR && since + graceMillis > nowMillis) {
          break;
        }
        found = found.isEmpty() ? new ArrayList<>() : found;
        found.add(each);
      }
    }
    return found;
  }

  /** Those who wait, in the fair order. */
  private static final class ByCounter extends Heap<Account> {
    @Override
    boolean isBefore(Account a, Account b) {
      return a.isBefore(b);
    }

    @Override
    int place(Account account) {
      return account.place;
    }

    @Override
    void place(Account account, int at) {
      account.place = at;
    }
  }
}
