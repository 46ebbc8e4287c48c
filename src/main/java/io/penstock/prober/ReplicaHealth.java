package io.penstock.prober;

import static io.penstock.inference.Checks.require;

import io.penstock.inference.HealthPolicy;
import io.penstock.inference.ReplicaState;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether one replica is healthy, and when it is to be checked next. Pure: the caller brings the
 * time, monotonic and in milliseconds.
 *
 * <ul>
 *   <li>STARTING: never answered. Checked at once, then after 0.1, 0.2, 0.4, 0.8 and every 1 s (or
 *       the recovery interval, where that is shorter) for a minute, then every recovery interval.
 *       The first success makes it HEALTHY.
 *   <li>HEALTHY: checked every interval. A given number of failures in a row makes it UNHEALTHY.
 *   <li>HEALTHY and in doubt, because requests failed on it: checked at once, and one failure makes
 *       it UNHEALTHY, since that is a second witness. A success of a check that began after the
 *       doubt ends the doubt.
 *   <li>UNHEALTHY: checked every recovery interval; when it fell in doubt first after 0.1, 0.2, 0.4
 *       … s, since an engine that died may be restarted soon. As many successes in a row as {@link
 *       FlapDamping} asks for, mostly one, make it HEALTHY; where it asks for more they are a
 *       recovery interval apart.
 * </ul>
 *
 * Intervals run from the start of one check to the start of the next; a check that takes longer is
 * followed by the next one at once, never overtaken by it.
 */
final class ReplicaHealth {
  static final long STARTING_EAGER_MILLIS = 60_000;
  static final long STARTING_INTERVAL_MAX_MILLIS = 1_000;
  private static final long EAGER_INTERVAL_MILLIS = 100;
  private static final int EAGER_DOUBLINGS_MAX = 20;

  /** Least time between the starts of two checks, however often it is doubted. */
  static final long DOUBT_GAP_MILLIS = 200;

  private static final long NEVER = Long.MAX_VALUE;

  /** A change of state. */
  record Change(ReplicaState from, ReplicaState to, String why) {}

  private HealthPolicy policy;
  private final long knownSinceMillis;
  private final double phase;
  private final FlapDamping damping = new FlapDamping();
  private ReplicaState state;
  private String lastError;
  private int consecutiveFailures;
  private int consecutiveSuccesses;
  private boolean running;
  private long startedAtMillis;
  private long nextCheckAtMillis;
  private long checks;
  private @Nullable String doubt;
  private boolean isDoubtNewerThanCheck;
  private boolean isEager;

  /**
   * @param state what is known of it: STARTING when nothing is
   * @param phase 0..1, shortens the first interval as healthy by up to half, so that the checks of
   *     many replicas spread out
   */
  ReplicaHealth(
      HealthPolicy policy, ReplicaState state, String lastError, double phase, long nowMillis) {
    require(state != ReplicaState.REMOVED, "state", state, "starting, healthy or unhealthy");
    require(phase >= 0 && phase <= 1, "phase", phase, "0..1");
    this.policy = policy;
    this.state = state;
    this.lastError = lastError;
    this.phase = phase;
    this.knownSinceMillis = nowMillis;
    this.nextCheckAtMillis = nowMillis;
    this.startedAtMillis = nowMillis - DOUBT_GAP_MILLIS;
  }

  ReplicaState state() {
    return state;
  }

  /** Goes by another policy from now on: the next check comes no later than by that. */
  void policy(HealthPolicy next, long nowMillis) {
    policy = next;
    long due = Math.max(nowMillis, startedAtMillis + interval(nowMillis));
    nextCheckAtMillis = Math.min(nextCheckAtMillis, due);
  }

  /** The check that was running will have no answer; the next one is due at once. */
  void checkAbandoned(long nowMillis) {
    if (running) {
      running = false;
      nextCheckAtMillis = nowMillis;
    }
  }

  /** Why the last failed check failed; empty once it is healthy and answers. */
  String lastError() {
    return lastError;
  }

  /** When the next check is due; {@link Long#MAX_VALUE} while one is running. */
  long nextCheckAtMillis() {
    return running ? NEVER : nextCheckAtMillis;
  }

  /** Finished checks; one that began before a doubt and then succeeded proves nothing of it. */
  long checks() {
    return checks;
  }

  /** Whether it is in doubt and no check has told more yet. */
  boolean isDoubted() {
    return doubt != null;
  }

  /**
   * Requests have failed on it. One that is not healthy is out already, and its checks keep their
   * pace.
   */
  void onDoubt(String why, long nowMillis) {
    if (state != ReplicaState.HEALTHY) {
      return;
    }
    doubt = why;
    isDoubtNewerThanCheck = running;
    if (!running && nextCheckAtMillis > nowMillis) {
      hasten(nowMillis);
    }
  }

  /** The next check is due as soon as it may be. */
  private void hasten(long nowMillis) {
    nextCheckAtMillis = Math.max(nowMillis, startedAtMillis + DOUBT_GAP_MILLIS);
  }

  /** A check has been sent. */
  void checkStarted(long nowMillis) {
    running = true;
    startedAtMillis = nowMillis;
    isDoubtNewerThanCheck = false;
  }

  /** The check that was running has succeeded. */
  Optional<Change> onSuccess(long nowMillis) {
    if (isDoubtNewerThanCheck) {
      running = false;
      hasten(nowMillis);
      return Optional.empty();
    }
    checks++;
    doubt = null;
    consecutiveFailures = 0;
    consecutiveSuccesses++;
    int required =
        switch (state) {
          case STARTING, HEALTHY, REMOVED -> 1;
          case UNHEALTHY -> damping.successesRequired(nowMillis);
        };
    Optional<Change> change = Optional.empty();
    if (consecutiveSuccesses >= required) {
      lastError = "";
      if (state != ReplicaState.HEALTHY) {
        change = Optional.of(enter(ReplicaState.HEALTHY, riseReason(required)));
      }
    }
    checkEnded(change.isPresent(), nowMillis);
    return change;
  }

  /** The check that was running has failed. */
  Optional<Change> onFailure(String why, long nowMillis) {
    checks++;
    consecutiveSuccesses = 0;
    consecutiveFailures++;
    lastError = why;
    Optional<Change> change = Optional.empty();
    if (state == ReplicaState.HEALTHY
        && (doubt != null || consecutiveFailures >= policy.consecutiveFailuresForUnhealthy())) {
      damping.onFall(nowMillis);
      isEager = doubt != null;
      change = Optional.of(enter(ReplicaState.UNHEALTHY, fallReason(why)));
    }
    checkEnded(false, nowMillis);
    return change;
  }

  /**
   * Another prober knows more of it: its word is taken, for as long as none of our own checks has
   * succeeded.
   */
  Optional<Change> adopt(ReplicaState told, String error) {
    if (state != ReplicaState.STARTING
        || told == ReplicaState.STARTING
        || told == ReplicaState.REMOVED) {
      return Optional.empty();
    }
    lastError = error;
    return Optional.of(enter(told, "as the prober before said"));
  }

  private Change enter(ReplicaState next, String why) {
    Change change = new Change(state, next, why);
    state = next;
    consecutiveFailures = 0;
    consecutiveSuccesses = 0;
    doubt = null;
    isDoubtNewerThanCheck = false;
    return change;
  }

  private void checkEnded(boolean hasRisen, long nowMillis) {
    long interval = interval(nowMillis);
    if (hasRisen) {
      interval -= (long) (interval * phase / 2);
    }
    running = false;
    nextCheckAtMillis = startedAtMillis + interval;
  }

  private long interval(long nowMillis) {
    return switch (state) {
      case STARTING -> startingInterval(nowMillis);
      case HEALTHY -> policy.checkInterval().toMillis();
      case UNHEALTHY, REMOVED -> recoveryInterval();
    };
  }

  private long startingInterval(long nowMillis) {
    long recovery = policy.recoveryProbeInterval().toMillis();
    if (nowMillis - knownSinceMillis >= STARTING_EAGER_MILLIS) {
      return recovery;
    }
    int doublings = Math.min(4, Math.max(0, consecutiveFailures - 1));
    long ramp = EAGER_INTERVAL_MILLIS << doublings;
    return Math.min(recovery, Math.min(ramp, STARTING_INTERVAL_MAX_MILLIS));
  }

  private long recoveryInterval() {
    long interval = policy.recoveryProbeInterval().toMillis();
    if (!isEager || consecutiveSuccesses > 0) {
      return interval;
    }
    int doublings = Math.min(EAGER_DOUBLINGS_MAX, consecutiveFailures);
    return Math.min(interval, EAGER_INTERVAL_MILLIS << doublings);
  }

  private String riseReason(int successes) {
    return switch (state) {
      case STARTING -> "first check that succeeded";
      default -> successes == 1 ? "check succeeded" : successes + " checks in a row succeeded";
    };
  }

  private String fallReason(String why) {
    if (doubt != null) {
      return "in doubt (" + doubt + "), and a check failed: " + why;
    }
    return consecutiveFailures == 1
        ? "check failed: " + why
        : consecutiveFailures + " checks in a row failed, the last one: " + why;
  }
}
