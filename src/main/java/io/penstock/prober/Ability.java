package io.penstock.prober;

import java.util.Optional;

/**
 * What one replica's API says that it can do, and when to ask. Pure.
 *
 * <p>An engine can do what its version can, and a version changes only with a restart. So it is
 * asked once each time that it has become healthy, and never at a check. Until the answer to that
 * question is there the one before holds: most restarts bring the same version back.
 */
final class Ability {
  /** Between two tries, while it does not answer. */
  static final long RETRY_MILLIS = 5_000;

  /** Tries after each rise; then its word stays what it was. */
  static final int TRIES_MAX = 3;

  private static final long NEVER = Long.MAX_VALUE;

  private boolean isOfUse;
  private Optional<Boolean> continuesMessages = Optional.empty();
  private boolean isKnown;
  private long nextAskAtMillis = NEVER;
  private int tries;

  /**
   * @param isOfUse whether somebody wants to know; else it is never asked
   */
  Ability(boolean isOfUse) {
    this.isOfUse = isOfUse;
  }

  /** Takes in whether somebody wants to know from now on. */
  void isOfUse(boolean now) {
    isOfUse = now;
    if (!now) {
      nextAskAtMillis = NEVER;
    }
  }

  /** Its word; empty when it is not known. */
  Optional<Boolean> continuesMessages() {
    return continuesMessages;
  }

  /** It has become healthy. */
  void rose(long nowMillis) {
    if (isOfUse) {
      nextAskAtMillis = nowMillis;
      tries = 0;
    }
  }

  /** It answers no more: what was to be asked waits until it does. */
  void fell() {
    nextAskAtMillis = NEVER;
  }

  /**
   * Another prober, which had it before, says that it is healthy. Where that one knew what it can
   * do, nothing has to be asked.
   */
  void inherit(Optional<Boolean> told) {
    if (told.isPresent() && !isKnown) {
      continuesMessages = told;
      isKnown = true;
      nextAskAtMillis = NEVER;
    }
  }

  /** When it is to be asked; {@link Long#MAX_VALUE} when not, and while it is. */
  long nextAskAtMillis() {
    return nextAskAtMillis;
  }

  void askStarted() {
    nextAskAtMillis = NEVER;
    tries++;
  }

  /**
   * It has answered.
   *
   * @param says empty when its API does not tell
   * @return whether that is news
   */
  boolean onAnswer(Optional<Boolean> says) {
    boolean isNews = !isKnown || !says.equals(continuesMessages);
    isKnown = true;
    continuesMessages = says;
    return isNews;
  }

  /** It has not. */
  void onFailure(boolean isHealthy, long nowMillis) {
    if (isHealthy && tries < TRIES_MAX) {
      nextAskAtMillis = Math.min(nextAskAtMillis, nowMillis + RETRY_MILLIS);
    }
  }
}
