package io.penstock.tenancy;

import io.penstock.message.LimitKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one request has reserved of the limits that apply to it: those of its tenant, of its key and
 * of its tenant's model. Settled exactly once. Belongs to its loop.
 */
public final class Ticket {
  /** Of a request that nothing limits. */
  static final Ticket UNLIMITED = unlimited();

  private static Ticket unlimited() {
    Ticket ticket = new Ticket(null, List.of(), Scope.REQUEST, 0, 0, () -> {});
    ticket.state = State.HELD;
    return ticket;
  }

  /** Of which limits it reserves. */
  enum Scope {
    /** Of all that apply. */
    REQUEST {
      @Override
      boolean has(Gauge gauge) {
        return true;
      }
    },
    /** Of the model's, and of all that are of tokens. */
    MODEL_AND_TOKENS {
      @Override
      boolean has(Gauge gauge) {
        return gauge.isOfModel() || gauge.kind() == LimitKind.TOKENS;
      }
    },
    /** Of those of tokens. */
    TOKENS {
      @Override
      boolean has(Gauge gauge) {
        return gauge.kind() == LimitKind.TOKENS;
      }
    };

    abstract boolean has(Gauge gauge);
  }

  /** What has become of it. */
  enum State {
    WAITING,
    HELD,
    OVER
  }

  private final @Nullable TenantGauges account;
  private final List<Gauges> subjects;
  private final Scope scope;
  private final long tokens;
  private final long deadlineMillis;
  private final Runnable decided;
  private State state = State.WAITING;
  private List<Gauge> reservedOf = List.of();
  private @Nullable LimitRefusal refusal;
  private long askedWith;

  Ticket(
      @Nullable TenantGauges account,
      List<Gauges> subjects,
      Scope scope,
      long tokens,
      long deadlineMillis,
      Runnable decided) {
    this.account = account;
    this.subjects = subjects;
    this.scope = scope;
    this.tokens = tokens;
    this.deadlineMillis = deadlineMillis;
    this.decided = decided;
  }

  @Nullable TenantGauges account() {
    return account;
  }

  List<Gauges> subjects() {
    return subjects;
  }

  /** Tells who waits for it. */
  void tell() {
    decided.run();
  }

  /** Whether the request may go on. */
  public boolean isHeld() {
    return state == State.HELD;
  }

  /** Why it may not; null while it may, or may later. */
  public @Nullable LimitRefusal refusal() {
    return refusal;
  }

  void refuse(LimitRefusal why) {
    state = State.OVER;
    refusal = why;
  }

  State state() {
    return state;
  }

  void enter(State next) {
    state = next;
  }

  boolean isDue(long nowMillis) {
    return nowMillis >= deadlineMillis;
  }

  /** The ask that has spoken for it; 0 when none has. */
  long askedWith() {
    return askedWith;
  }

  void askedWith(long seq) {
    askedWith = seq;
  }

  /** Tokens that it needs of each limit of them. */
  public long tokens() {
    return tokens;
  }

  /** How much of a limit it needs. */
  long amount(LimitKind kind) {
    return kind == LimitKind.TOKENS ? tokens : 1;
  }

  /** The first limit that has not enough at hand, the tenant's before the key's; null if none. */
  @Nullable Gauge lacking() {
    for (Gauges subject : subjects) {
      for (LimitKind kind : LimitKind.values()) {
        Gauge gauge = of(subject, kind);
        if (gauge != null && !gauge.has(amount(kind))) {
          return gauge;
        }
      }
    }
    return null;
  }

  /** The limit of a kind, of those that it reserves of; null where there is none. */
  private @Nullable Gauge of(Gauges subject, LimitKind kind) {
    Gauge gauge = subject.of(kind);
    return gauge != null && scope.has(gauge) ? gauge : null;
  }

  /** The first limit of which the loop's own share is used up. */
  @Nullable Gauge beyondShare(long loops, long nowMillis) {
    for (Gauges subject : subjects) {
      for (LimitKind kind : LimitKind.values()) {
        Gauge gauge = of(subject, kind);
        if (gauge != null && !gauge.shareHas(amount(kind), loops, nowMillis)) {
          return gauge;
        }
      }
    }
    return null;
  }

  /** The first limit that is smaller than this one request. */
  @Nullable Gauge tooSmall() {
    for (Gauges subject : subjects) {
      Gauge gauge = subject.of(LimitKind.TOKENS);
      if (gauge != null && gauge.limit() < tokens) {
        return gauge;
      }
    }
    return null;
  }

  void take(long nowMillis) {
    state = State.HELD;
    reservedOf = gauges();
    for (Gauge each : reservedOf) {
      each.reserve(amount(each.kind()), nowMillis);
    }
  }

  /** The limits of which it has reserved, be they others by now; none before {@link #take}. */
  List<Gauge> reservedOf() {
    return reservedOf;
  }

  /**
   * Takes out of those what is over before the whole request is: tokens, and what is the model's.
   */
  List<Gauge> takePart() {
    List<Gauge> part = new ArrayList<>();
    List<Gauge> rest = new ArrayList<>();
    for (Gauge each : reservedOf) {
      (each.kind() == LimitKind.TOKENS || each.isOfModel() ? part : rest).add(each);
    }
    reservedOf = rest;
    return part;
  }

  /** The limits that apply to it now. */
  List<Gauge> gauges() {
    List<Gauge> all = new ArrayList<>(LimitKind.values().length);
    for (Gauges subject : subjects) {
      for (LimitKind kind : LimitKind.values()) {
        Gauge gauge = of(subject, kind);
        if (gauge != null) {
          all.add(gauge);
        }
      }
    }
    return all;
  }

  /**
   * The tightest limit of a kind, for the headers of its answer; null where there is none, and
   * where nothing is reserved that could be told of.
   */
  public @Nullable Standing standing(LimitKind kind, long nowMillis) {
    Gauge tightest = null;
    for (Gauges subject : subjects) {
      Gauge gauge = subject.of(kind);
      if (gauge != null && (tightest == null || gauge.remaining() < tightest.remaining())) {
        tightest = gauge;
      }
    }
    return tightest == null
        ? null
        : new Standing(tightest.limit(), tightest.remaining(), tightest.resetMillis(nowMillis));
  }

  /**
   * How a limit stands.
   *
   * @param remaining as far as the loop knows
   * @param resetMillis until all of it is there again
   */
  public record Standing(long limit, long remaining, long resetMillis) {}
}
