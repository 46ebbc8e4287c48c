package io.penstock.prober;

import io.penstock.inference.HealthPolicy;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.ResumeMode;
import io.penstock.message.KvCacheState;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Signals;
import io.penstock.prober.ProberDecision.Target;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One replica under this prober's watch. Pure; belongs to {@link Watchlist}. */
final class Watch {
  /** Age at which signals are no longer told at all; readers stop using them much earlier. */
  static final long SIGNALS_AGE_MAX_MILLIS = 30_000;

  /** Time between two tries on an engine that gives no signals. */
  static final long NO_SIGNALS_RETRY_MILLIS = 30_000;

  private static final long NEVER = Long.MAX_VALUE;

  private Target target;
  private Pool pool;
  final ReplicaHealth health;
  final Ability ability;
  private final double phase;
  private ReplicaSpec spec;
  private @Nullable Signals signals;
  private long scrapedAtMillis;
  private @Nullable Boolean signalsGiven;
  private boolean scraping;
  private long scrapeStartedAtMillis;
  private long nextScrapeAtMillis;
  private boolean isFirstScrape = true;
  private @Nullable KvCacheState kvCache;
  private long kvCacheAtMillis;
  private boolean isSilent;
  private final long silentUntilMillis;
  private @Nullable Long leavingSinceMillis;

  /**
   * @param silentUntilMillis until then it is not reported unless something has become known of it
   */
  Watch(
      Target target,
      Pool pool,
      ReplicaSpec spec,
      ReplicaHealth health,
      double phase,
      long silentUntilMillis,
      long nowMillis) {
    this.target = target;
    this.pool = pool;
    this.spec = spec;
    this.health = health;
    this.ability = new Ability(pool.resume() == ResumeMode.AUTO);
    this.phase = phase;
    this.silentUntilMillis = silentUntilMillis;
    this.isSilent = silentUntilMillis > nowMillis;
    this.nextScrapeAtMillis = nowMillis;
  }

  Target target() {
    return target;
  }

  Pool pool() {
    return pool;
  }

  ReplicaSpec spec() {
    return spec;
  }

  /** Goes by another definition of its pool from now on; what is known of it stays. */
  void redefine(Pool next, long nowMillis) {
    boolean wantsToKnow = next.resume() == ResumeMode.AUTO && pool.resume() != ResumeMode.AUTO;
    pool = next;
    health.policy(next.health(), nowMillis);
    nextScrapeAtMillis =
        Math.min(nextScrapeAtMillis, nowMillis + policy().signalInterval().toMillis());
    ability.isOfUse(next.resume() == ResumeMode.AUTO);
    if (wantsToKnow) {
      askAbility(nowMillis);
    }
  }

  /** It is asked in another way from now on; answers to what was asked before do not count. */
  void reopen(Target anew, long nowMillis) {
    target = anew;
    health.checkAbandoned(nowMillis);
    scraping = false;
    signalsGiven = null;
    kvCache = null;
    nextScrapeAtMillis = nowMillis;
    askAbility(nowMillis);
  }

  private void askAbility(long nowMillis) {
    if (health.state() == ReplicaState.HEALTHY) {
      ability.rose(nowMillis);
    }
  }

  void respecify(ReplicaSpec changed) {
    spec = changed;
  }

  // --- handing over ---

  void leave(long nowMillis) {
    if (leavingSinceMillis == null) {
      leavingSinceMillis = nowMillis;
    }
  }

  void stay() {
    leavingSinceMillis = null;
  }

  boolean isLeaving() {
    return leavingSinceMillis != null;
  }

  /** When it is given up although its new prober has not spoken. */
  long leavesAtMillis(long patienceMillis) {
    return leavingSinceMillis == null ? NEVER : leavingSinceMillis + patienceMillis;
  }

  // --- load signals ---

  long nextScrapeAtMillis() {
    return scraping || health.state() != ReplicaState.HEALTHY ? NEVER : nextScrapeAtMillis;
  }

  void scrapeStarted(long nowMillis) {
    scraping = true;
    scrapeStartedAtMillis = nowMillis;
  }

  /** Takes over what another prober scraped. */
  void inherit(Signals told, long scrapedAt) {
    if (signals == null) {
      signals = told;
      scrapedAtMillis = scrapedAt;
    }
  }

  /**
   * A scrape has ended with an answer.
   *
   * @return whether the engine gives signals, when that is news
   */
  Optional<Boolean> onSignals(Optional<Signals> told, long nowMillis) {
    long interval = policy().signalInterval().toMillis();
    if (told.isPresent()) {
      signals = told.get();
      scrapedAtMillis = nowMillis;
    } else {
      interval = Math.max(interval, NO_SIGNALS_RETRY_MILLIS);
    }
    scrapeEnded(interval);
    Boolean given = told.isPresent();
    boolean isNews = !given.equals(signalsGiven);
    signalsGiven = given;
    return isNews ? Optional.of(given) : Optional.empty();
  }

  void onScrapeFailed() {
    scrapeEnded(policy().signalInterval().toMillis());
  }

  private void scrapeEnded(long interval) {
    long spread = isFirstScrape ? (long) (interval * phase / 2) : 0;
    isFirstScrape = false;
    scraping = false;
    nextScrapeAtMillis = scrapeStartedAtMillis + interval - spread;
  }

  /**
   * Its engine's events say something else of its prefix cache.
   *
   * @return whether that it has become empty
   */
  boolean onKvCache(KvCacheState now, long nowMillis) {
    boolean emptied = kvCache != null && now.empties() != kvCache.empties();
    kvCache = now;
    kvCacheAtMillis = nowMillis;
    return emptied;
  }

  // --- telling ---

  /**
   * Something is known of it now.
   *
   * @return whether nothing was before
   */
  boolean speak() {
    boolean was = isSilent;
    isSilent = false;
    return was;
  }

  boolean isReported(long nowMillis) {
    return !isSilent || nowMillis >= silentUntilMillis;
  }

  ReplicaStatus status(long nowMillis) {
    return new ReplicaStatus(
        target.pool(),
        spec,
        health.state(),
        signalsAt(nowMillis),
        health.lastError(),
        ability.continuesMessages(),
        health.checks(),
        kvCacheAt(nowMillis));
  }

  private Optional<Signals> signalsAt(long nowMillis) {
    if (signals == null || nowMillis - scrapedAtMillis > SIGNALS_AGE_MAX_MILLIS) {
      return Optional.empty();
    }
    return Optional.of(
        new Signals(
            signals.waiting(),
            signals.running(),
            signals.kvCacheUsage(),
            signals.prefixCacheHitRatio(),
            nowMillis - scrapedAtMillis));
  }

  private Optional<KvCacheState> kvCacheAt(long nowMillis) {
    return kvCache == null
        ? Optional.empty()
        : Optional.of(kvCache.older(nowMillis - kvCacheAtMillis));
  }

  private HealthPolicy policy() {
    return pool.health();
  }
}
