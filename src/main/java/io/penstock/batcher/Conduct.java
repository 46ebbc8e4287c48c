package io.penstock.batcher;

import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.message.Release;
import org.jspecify.annotations.Nullable;

/**
 * How one replica has behaved, by what its requests came to, and what it gets of the work for it.
 * Pure. It brings together what is known from failures ({@link Breaker}), failed connections
 * ({@link Suspicion}), refusals ({@link BackPressure}) and slowness ({@link Latency}, {@link
 * Outliers}), and keeps the one trial request that a barred replica may have at a time.
 *
 * <p>Grants are known by their ordinal in the pool, so that the end of an old one is no news of a
 * replica that has been ejected or cleared since.
 */
final class Conduct {
  /** Least time between two trials of a slow replica. */
  static final long SLOW_TRIAL_MILLIS = 1_000;

  /** Of so many grants of the pool a slow replica gets one as a trial. */
  static final int SLOW_TRIAL_EVERY = 40;

  /** After so long it gets one in any case. */
  static final long SLOW_TRIAL_MAX_MILLIS = 30_000;

  /** A replica that was barred for less comes back without slow start. */
  static final long SLOW_START_AFTER_MILLIS = 1_000;

  private static final long NO_TRIAL = 0;

  /** What an outcome or a moment has changed. */
  enum Effect {
    NONE,
    /** How many requests it takes at a time. */
    LIMIT,
    /** Whether it is barred. */
    BAR
  }

  private final Breaker breaker;
  private final Suspicion suspicion = new Suspicion();
  private final BackPressure pressure = new BackPressure();
  private final Latency latency = new Latency();
  private long breakerOrdinal;
  private double slowness = 1;
  private boolean slow;
  private long trial = NO_TRIAL;
  private long trialMillis = Long.MIN_VALUE;
  private long trialOrdinal;

  Conduct(BreakerPolicy policy) {
    this.breaker = new Breaker(policy);
  }

  /** Goes by another policy from now on. */
  void policy(BreakerPolicy next) {
    breaker.policy(next);
  }

  Breaker breaker() {
    return breaker;
  }

  BackPressure pressure() {
    return pressure;
  }

  Latency latency() {
    return latency;
  }

  /** How many times as slow as its pool's median it is; 1 when it is no outlier. */
  double slowness() {
    return slowness;
  }

  void slowness(double times) {
    slowness = times;
    slow = times >= (slow ? Outliers.TRIALS_UNTIL : Outliers.TRIALS_FROM);
  }

  /** See {@link Suspicion#wantsCheck}. */
  boolean wantsCheck(long nowMillis) {
    return suspicion.wantsCheck(nowMillis);
  }

  /** What is held against it. */
  Bar bar(long nowMillis) {
    if (suspicion.isSuspected()) {
      return suspicion.isTrialDue(nowMillis) ? Bar.SUSPECT_TRIED : Bar.SUSPECT;
    }
    return switch (breaker.state()) {
      case OPEN -> Bar.OPEN;
      case HALF_OPEN -> Bar.HALF_OPEN;
      case CLOSED -> slow ? Bar.SLOW : Bar.NONE;
    };
  }

  /** Why that is held against it, for an operator; empty where nothing is. */
  String why(Bar bar) {
    return switch (bar) {
      case NONE -> "";
      case SLOW ->
          "its first tokens come "
              + Math.round(slowness)
              + " times as late as those of its peers; it gets trial requests only";
      case HALF_OPEN -> "its breaker is half-open (" + breaker.why() + "); it gets trial requests";
      case OPEN -> "its breaker is open (" + breaker.why() + ")";
      case SUSPECT_TRIED, SUSPECT -> "connections to it fail";
    };
  }

  /** Whether time alone may change what it gets. */
  boolean isUnsettled(long nowMillis) {
    return suspicion.isSuspected()
        || breaker.state() != Breaker.State.CLOSED
        || slowness > 1
        || pressure.isActive()
        || pressure.isPaused(nowMillis);
  }

  void tick(long nowMillis) {
    breaker.tick(nowMillis);
    pressure.tick(nowMillis);
  }

  /**
   * Whether a trial may begin, where {@link #bar} allows trials.
   *
   * @param newest ordinal of the pool's newest grant
   */
  boolean isTrialDue(Bar bar, long newest, long nowMillis) {
    if (trial != NO_TRIAL) {
      return false;
    }
    if (bar != Bar.SLOW || trialMillis == Long.MIN_VALUE) {
      return true;
    }
    long since = nowMillis - trialMillis;
    return since >= SLOW_TRIAL_MAX_MILLIS
        || (since >= SLOW_TRIAL_MILLIS && newest - trialOrdinal >= SLOW_TRIAL_EVERY);
  }

  void trialBegins(long ordinal, long nowMillis) {
    trial = ordinal;
    trialOrdinal = ordinal;
    trialMillis = nowMillis;
  }

  /** A grant has ended in whichever way; says whether it was the trial. */
  boolean trialEnds(long ordinal) {
    boolean was = trial == ordinal;
    if (was) {
      trial = NO_TRIAL;
    }
    return was;
  }

  /** Whether the outcome makes one doubt that the engine is there at all. */
  static boolean raisesDoubt(Release release) {
    return switch (release.outcome()) {
      case TRANSPORT -> true;
      case TIMEOUT -> release.firstTokenMillis() < 0;
      case OK, CLIENT_ERROR, BACK_PRESSURE, FAULT, DEADLINE, CANCELLED -> false;
    };
  }

  /**
   * A request has ended.
   *
   * @param ordinal of its grant
   * @param newest ordinal of the pool's newest grant
   * @param live how many ran on the replica, this one included
   * @param most limit of the replica when nothing is held against it
   */
  Effect onOutcome(
      Release release,
      long ordinal,
      long newest,
      int live,
      int most,
      @Nullable NodeId prober,
      long checks,
      long nowMillis) {
    boolean barChanged = false;
    Outcome outcome = release.outcome();
    boolean began = release.firstTokenMillis() >= 0;
    if (outcome == Outcome.TRANSPORT && !began) {
      barChanged = suspicion.onFailure(ordinal, newest, prober, checks, nowMillis);
    } else if (began || isAnswer(outcome)) {
      barChanged = suspicion.onAnswer(ordinal, newest);
    }
    measure(release, nowMillis);
    if (ordinal > breakerOrdinal && tellBreaker(outcome, nowMillis)) {
      breakerOrdinal = newest;
      barChanged = true;
    }
    if (barChanged) {
      return Effect.BAR;
    }
    if (outcome == Outcome.BACK_PRESSURE) {
      pressure.onRefused(ordinal, newest, live, most, release.retryAfterMillis(), nowMillis);
      return Effect.LIMIT;
    }
    if (outcome == Outcome.OK) {
      boolean held = pressure.isActive();
      pressure.onSuccess(ordinal, most);
      return held ? Effect.LIMIT : Effect.NONE;
    }
    return Effect.NONE;
  }

  private static boolean isAnswer(Outcome outcome) {
    return switch (outcome) {
      case OK, CLIENT_ERROR, BACK_PRESSURE, FAULT -> true;
      case TRANSPORT, TIMEOUT, DEADLINE, CANCELLED -> false;
    };
  }

  private boolean tellBreaker(Outcome outcome, long nowMillis) {
    return switch (outcome) {
      case OK -> breaker.onSuccess(nowMillis);
      case FAULT, TRANSPORT, TIMEOUT -> breaker.onFailure(nowMillis);
      case CLIENT_ERROR, BACK_PRESSURE, DEADLINE, CANCELLED -> false;
    };
  }

  private void measure(Release release, long nowMillis) {
    if (release.firstTokenMillis() >= 0) {
      latency.add(release.firstTokenMillis(), nowMillis);
    } else if (release.outcome() == Outcome.TIMEOUT) {
      latency.add(release.totalMillis(), nowMillis); // at least that long
    }
  }

  /** A prober says that a check has succeeded; says whether that changed the bar. */
  boolean onGoodCheck(NodeId prober, long checks, long newest, long nowMillis) {
    return suspicion.onGoodCheck(prober, checks, newest, nowMillis);
  }

  /** It was away, by the probers, and is back: what is known is of its former life. */
  void reborn(long newest) {
    suspicion.reborn(newest);
    breaker.reborn();
    breakerOrdinal = newest;
    pressure.reborn();
    latency.forget();
    slowness = 1;
    slow = false;
  }
}
