package io.penstock.stream;

import io.penstock.inference.Outcome;
import java.util.function.DoubleSupplier;

/**
 * Whether a failed attempt is followed by another, and after how long. Pure but for its source of
 * jitter; one per loop.
 *
 * <p>A retry after a transport failure is free: the replica has generated nothing, and the load
 * that it would add elsewhere is load that the dead replica has left. It is bounded by the attempts
 * alone. All others are paid from the {@link RetryBudget}.
 */
public final class Retries {
  static final double BACKOFF_FACTOR = 1.5;
  static final double JITTER = 0.2;

  private final int attemptsMax;
  private final long backoffMillis;
  private final RetryBudget budget;
  private final DoubleSupplier random;

  /** Whether there is another attempt, and if not why. */
  public enum Verdict {
    /** After {@link Decision#delayMillis}. */
    AGAIN,
    /** The request has had all its attempts. */
    NO_ATTEMPT_LEFT,
    /** The loop has spent its budget. */
    NO_BUDGET,
    /** The total deadline comes first. */
    NO_TIME
  }

  /**
   * A verdict with its delay.
   *
   * @param delayMillis 0 unless {@link Verdict#AGAIN}
   */
  public record Decision(Verdict verdict, long delayMillis) {}

  /**
   * Rules of one loop.
   *
   * @param attemptsMax of one request, the first included
   * @param backoffMillis before the second attempt; half as much again before each later one
   * @param random of 0 to 1
   */
  public Retries(int attemptsMax, long backoffMillis, RetryBudget budget, DoubleSupplier random) {
    this.attemptsMax = attemptsMax;
    this.backoffMillis = backoffMillis;
    this.budget = budget;
    this.random = random;
  }

  /** A request has come in, which earns a share of a retry. */
  public void began(long nowMillis) {
    budget.earn(nowMillis);
  }

  /**
   * Decides, and takes the retry out of the budget where it is paid from there.
   *
   * @param failed how the attempt ended
   * @param attempts that the request has had
   * @param remainingMillis of its total deadline
   */
  public Decision decide(Outcome failed, int attempts, long remainingMillis, long nowMillis) {
    if (attempts >= attemptsMax) {
      return new Decision(Verdict.NO_ATTEMPT_LEFT, 0);
    }
    long delay = delayMillis(attempts);
    if (delay >= remainingMillis) {
      return new Decision(Verdict.NO_TIME, 0);
    }
    if (failed != Outcome.TRANSPORT && !budget.spend(nowMillis)) {
      return new Decision(Verdict.NO_BUDGET, 0);
    }
    return new Decision(Verdict.AGAIN, delay);
  }

  private long delayMillis(int attempts) {
    double base = backoffMillis * Math.pow(BACKOFF_FACTOR, attempts - 1);
    return Math.round(base * (1 - JITTER + 2 * JITTER * random.getAsDouble()));
  }
}
