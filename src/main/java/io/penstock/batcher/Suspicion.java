package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.measure.Backoff;
import org.jspecify.annotations.Nullable;

/**
 * Passive health of one replica. A connection that is refused or reset before the first token takes
 * it out at once. What brings it back is a good health check that is newer than that, or a trial
 * request that gets any answer at all; trials come after 1, 2, 4 … 30 s. Where good checks and
 * failed connections alternate, since the prober reaches what an ingress can not, a good check is
 * believed after the same times too, but for the first.
 *
 * <p>Grants are told apart by their ordinal, which grows: of those that were given before it was
 * suspected or cleared nothing new is learned.
 */
final class Suspicion {
  static final Backoff BACK_OFF = new Backoff(1_000, 30_000);

  private boolean suspected;
  private int failuresInARow;
  private long changedAtOrdinal;
  private long checkCountsMillis;
  private boolean isCheckWanted;
  private long trialMillis;
  private @Nullable NodeId prober;
  private long checksBefore;

  boolean isSuspected() {
    return suspected;
  }

  /** Whether one request may try it. */
  boolean isTrialDue(long nowMillis) {
    return suspected && nowMillis >= trialMillis;
  }

  /**
   * A connection has failed.
   *
   * @param ordinal of its grant
   * @param newest ordinal of the newest grant
   * @param by the last prober that has spoken of it, and how many checks it had finished
   * @return whether it is news: it is suspected now and was not, or a trial has failed
   */
  boolean onFailure(long ordinal, long newest, @Nullable NodeId by, long checks, long nowMillis) {
    if (ordinal <= changedAtOrdinal) {
      return false;
    }
    long believe = failuresInARow == 0 ? 0 : BACK_OFF.afterMillis(failuresInARow);
    failuresInARow++;
    suspected = true;
    changedAtOrdinal = newest;
    checkCountsMillis = nowMillis + believe;
    isCheckWanted = true;
    trialMillis = nowMillis + BACK_OFF.afterMillis(failuresInARow);
    prober = by;
    checksBefore = checks;
    return true;
  }

  /** The engine has answered a request; says whether that ended the suspicion. */
  boolean onAnswer(long ordinal, long newest) {
    if (ordinal <= changedAtOrdinal) {
      return false;
    }
    failuresInARow = 0;
    return clear(newest);
  }

  /** A health check has succeeded; says whether that ended the suspicion. */
  boolean onGoodCheck(NodeId by, long checks, long newest, long nowMillis) {
    if (!suspected) {
      return false;
    }
    if (!by.equals(prober) || checks < checksBefore) {
      prober = by; // another one, or begun anew: what it had finished before proves nothing
      checksBefore = checks;
      return false;
    }
    return checks > checksBefore && nowMillis >= checkCountsMillis && clear(newest);
  }

  /**
   * Whether a good check would end the suspicion now, and none has been asked for; true once. The
   * next regular one may be far, and those who wait do not wait for long.
   */
  boolean wantsCheck(long nowMillis) {
    boolean wants = suspected && isCheckWanted && nowMillis >= checkCountsMillis;
    isCheckWanted &= !wants;
    return wants;
  }

  /** The engine has been away and is back. */
  void reborn(long newest) {
    failuresInARow = 0;
    clear(newest);
  }

  private boolean clear(long newest) {
    boolean was = suspected;
    if (was) {
      suspected = false;
      changedAtOrdinal = newest;
    }
    return was;
  }
}
