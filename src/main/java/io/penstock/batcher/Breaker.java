package io.penstock.batcher;

import io.penstock.inference.BreakerPolicy;

/**
 * One replica's circuit breaker. Pure: the caller brings the time and leaves out what says nothing
 * about the replica (the client's own mistakes, cancelled requests, back-pressure).
 *
 * <ul>
 *   <li>CLOSED: failures are counted over a sliding window. It opens when their share reaches the
 *       threshold, of at least {@code minRequests}; or when that many fail in a row, since a
 *       replica that breaks after a busy minute would need as many failures as it had successes
 *       before.
 *   <li>OPEN: no requests, until the recovery time is over.
 *   <li>HALF_OPEN: one trial at a time, which is for the caller to see to. A failure opens it
 *       again, {@link #SUCCESSES_TO_CLOSE} successes close it.
 * </ul>
 *
 * <p>The last replica of a pool works on while OPEN: there successes count as those of trials do.
 */
final class Breaker {
  /** Trials in a row that must succeed. */
  static final int SUCCESSES_TO_CLOSE = 3;

  /** Where it stands. */
  enum State {
    CLOSED("closed"),
    HALF_OPEN("half_open"),
    OPEN("open");

    private final String label;

    State(String label) {
      this.label = label;
    }

    /** The name in reports and logs. */
    String label() {
      return label;
    }
  }

  private BreakerPolicy policy;
  private ErrorWindow window;
  private State state = State.CLOSED;
  private int failuresInARow;
  private int successesInARow;
  private long openedMillis;
  private String why = "";

  Breaker(BreakerPolicy policy) {
    this.policy = policy;
    this.window = new ErrorWindow(policy.window().toMillis());
  }

  State state() {
    return state;
  }

  /**
   * Goes by another policy from now on. What was counted stays, unless it was counted over another
   * time; where error rates are to count no more, an open one closes.
   */
  void policy(BreakerPolicy next) {
    if (!next.window().equals(policy.window())) {
      window = new ErrorWindow(next.window().toMillis());
    }
    if (!next.enabled() && state != State.CLOSED) {
      state = State.CLOSED;
      window.clear();
      failuresInARow = 0;
    }
    policy = next;
  }

  /** Why it opened last; empty before. */
  String why() {
    return why;
  }

  /** Lets time pass; says whether the state changed. */
  boolean tick(long nowMillis) {
    if (state == State.OPEN && nowMillis - openedMillis >= policy.recovery().toMillis()) {
      successesInARow = 0;
      state = State.HALF_OPEN;
      return true;
    }
    return false;
  }

  /** A request succeeded; says whether the state changed. */
  boolean onSuccess(long nowMillis) {
    failuresInARow = 0;
    if (state == State.CLOSED) {
      window.add(false, nowMillis);
      return false;
    }
    if (++successesInARow < SUCCESSES_TO_CLOSE) {
      return false;
    }
    state = State.CLOSED;
    window.clear();
    return true;
  }

  /** A request failed by the replica's fault; says whether the state changed. */
  boolean onFailure(long nowMillis) {
    successesInARow = 0;
    if (state != State.CLOSED) {
      openedMillis = nowMillis;
      boolean trialFailed = state == State.HALF_OPEN;
      if (trialFailed) {
        why = "a trial request failed";
      }
      state = State.OPEN;
      return trialFailed;
    }
    failuresInARow++;
    window.add(true, nowMillis);
    if (!policy.enabled() || !isTooMuch(nowMillis)) {
      return false;
    }
    state = State.OPEN;
    openedMillis = nowMillis;
    return true;
  }

  private boolean isTooMuch(long nowMillis) {
    if (failuresInARow >= policy.minRequests()) {
      why = failuresInARow + " requests in a row failed";
      return true;
    }
    int requests = window.requests(nowMillis);
    int failures = window.failures(nowMillis);
    if (requests < policy.minRequests() || failures < policy.threshold() * requests) {
      return false;
    }
    why =
        failures
            + " of "
            + requests
            + " requests failed within "
            + policy.window().toSeconds()
            + " s";
    return true;
  }

  /** The engine behind it has been away and is back: what is known is of its former life. */
  void reborn() {
    window.clear();
    failuresInARow = 0;
    successesInARow = 0;
    if (state == State.OPEN) {
      state = State.HALF_OPEN;
    }
  }
}
