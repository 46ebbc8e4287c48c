package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.KvCacheState;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the events of a replica's engine say of its prefix cache, by its prober, and whether that
 * can be gone by. Pure.
 *
 * <p>An engine that has nothing to do publishes nothing, so silence alone is no sign. But an answer
 * that has ended has stored what of its prompt was not cached, and itself, since it was granted:
 * where {@link #WORK_TOKENS} have come of answers that were granted after the last batch was heard,
 * and none is heard for {@link #INTERVALS} of the pool's signal intervals more, the events are
 * <b>silent</b>, and what was learned from answers counts again until they come. Of an answer that
 * was granted before, the batches may have been those that were heard.
 *
 * <p>Another prober has another subscription, with counts of its own: whether the cache was emptied
 * between the two is then told by the time of its last emptying. It may differ for an engine that
 * has restarted, since only the former prober knew when; so what is known of the cache may be
 * forgotten once too often, never too seldom.
 */
final class EngineCache {
  /** Tokens that an engine must have stored, in blocks of any size. */
  static final int WORK_TOKENS = 1_024;

  static final int INTERVALS = 3;

  /** Least of the times that {@link #INTERVALS} stand for. */
  static final long PATIENCE_MILLIS = 3_000;

  private static final long NEVER = Long.MAX_VALUE;

  /** What is taken from the events, and from whom. */
  enum Source {
    /** Nothing: there are none, or they are silent. */
    NONE,
    /** All that was ever given is there: nothing had to make room since the cache was empty. */
    ALL,
    /** How much is kept. */
    KEPT
  }

  private @Nullable KvCacheState told;
  private @Nullable NodeId prober;
  private long emptiedMillis;
  private boolean isFollowed;
  private long patienceMillis = PATIENCE_MILLIS;
  private long heardMillis = Long.MIN_VALUE;
  private long workTokens;
  private long workedMillis = NEVER;
  private boolean isSilent;

  /**
   * The pool's definition says whether there are events.
   *
   * @param intervalMillis between two reports of its prober
   */
  void follow(boolean now, long intervalMillis) {
    isFollowed = now;
    patienceMillis = Math.max(PATIENCE_MILLIS, INTERVALS * intervalMillis);
    if (!now) {
      told = null;
      prober = null;
      rest();
    }
  }

  /** Whether the pool's definition says that there are events. */
  boolean isFollowed() {
    return isFollowed;
  }

  /** The last word; empty before the first. */
  Optional<KvCacheState> told() {
    return Optional.ofNullable(told);
  }

  /** Whether the engine has worked and nothing was heard of that. */
  boolean isSilent() {
    return isSilent;
  }

  private void rest() {
    workTokens = 0;
    workedMillis = NEVER;
    isSilent = false;
  }

  /**
   * A prober's word.
   *
   * @return whether the cache has become empty since the word before
   */
  boolean told(NodeId by, KvCacheState now, long nowMillis) {
    if (!isFollowed) {
      return false;
    }
    KvCacheState before = told;
    boolean same = before != null && by.equals(prober) && now.batches() >= before.batches();
    boolean emptied =
        before != null
            && (same
                ? now.empties() > before.empties()
                : emptiedMillis > 0
                    && now.emptiedMillis() > 0
                    && now.emptiedMillis() != emptiedMillis);
    if (before == null || !same || now.batches() > before.batches()) {
      heardMillis = nowMillis;
      rest();
    }
    told = now;
    prober = by;
    emptiedMillis = now.emptiedMillis() > 0 ? now.emptiedMillis() : emptiedMillis;
    review(nowMillis);
    return emptied;
  }

  /**
   * A prober's report without a word of it: who follows it now, or where, has not been heard from.
   * What is known stays until the engine has worked in silence.
   */
  void unheard() {
    KvCacheState known = told;
    if (known != null && known.following()) {
      told = known.unfollowed();
    }
  }

  /** Whether the last word and the one now are of one subscription; else counts are no match. */
  boolean isOfSame(NodeId by) {
    return by.equals(prober);
  }

  /**
   * An answer has ended, with the engine's word on its tokens.
   *
   * @param grantedMillis when the engine was given the request
   */
  void ended(TokenUsage usage, long grantedMillis, long nowMillis) {
    if (!isFollowed || grantedMillis < heardMillis) {
      return;
    }
    workTokens +=
        Math.max(0, usage.promptTokens() - usage.cachedTokens()) + usage.completionTokens();
    if (workTokens >= WORK_TOKENS && workedMillis == NEVER) {
      workedMillis = nowMillis;
    }
    review(nowMillis);
  }

  /** Time has passed. */
  void review(long nowMillis) {
    isSilent = workedMillis != NEVER && nowMillis - workedMillis > patienceMillis;
  }

  /** Another node's grants count from now on, or did until now. */
  void forget() {
    rest();
  }

  /** What is to be taken from the events now. */
  Source source() {
    KvCacheState known = told;
    if (known == null || isSilent || known.batches() == 0) {
      return Source.NONE;
    }
    if (known.keepsTokens() >= 0) {
      return Source.KEPT;
    }
    return known.whole() ? Source.ALL : Source.NONE;
  }
}
