package io.penstock.prober;

import static io.penstock.inference.Checks.require;

import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.measure.Hash64;
import io.penstock.measure.Rendezvous;
import io.penstock.message.Doubt;
import io.penstock.message.HealthReport;
import io.penstock.message.KvCacheState;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Signals;
import io.penstock.prober.ProberDecision.Target;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All replicas of the fleet, which of them are this prober's, what is known of each, and what is to
 * be done next. Pure: events come in with their time, decisions come out; whoever carries them out
 * calls {@link #tick} when {@link #nextDueMillis} says so.
 */
final class Watchlist {
  /** How long a replica that has left its list is still reported. */
  static final long REMOVED_MILLIS = 30_000;

  /** Removed replicas that are reported at a time; beyond it the oldest are forgotten. */
  static final int REMOVED_MAX = 4_096;

  /** How long a replica is kept when its new prober does not speak. */
  static final long HANDOVER_MILLIS = 5_000;

  /** How long nothing is said of a replica of which somebody else may know more. */
  static final long SILENCE_MILLIS = 3_000;

  /** Age at which another prober's word is no longer good to start from. */
  static final long HEARSAY_MAX_MILLIS = 30_000;

  /** An API description may be made when it is first asked for. */
  static final Duration ABILITY_TIMEOUT = Duration.ofSeconds(5);

  /** Least time from a report to one of changes, however many states change. */
  static final long REPORT_GAP_MILLIS = 20;

  /** Least time between two reports of the whole share that somebody asked for. */
  static final long ANSWER_GAP_MILLIS = 200;

  private static final long NEVER = Long.MAX_VALUE;

  private record Key(PoolName pool, ReplicaId id) {}

  private record Listed(Pool pool, ReplicaSpec spec) {}

  private record Hearsay(ReplicaStatus status, long heardAtMillis) {}

  private record Removed(ReplicaStatus status, long untilMillis) {}

  private final NodeId self;
  private final boolean afterAnother;
  private final Map<PoolName, Pool> pools = new LinkedHashMap<>();
  private final Map<Key, Listed> listed = new LinkedHashMap<>();
  private final Map<Key, Watch> watches = new LinkedHashMap<>();
  private final Map<Key, Hearsay> hearsay = new HashMap<>();
  private final Map<Key, Removed> removed = new LinkedHashMap<>();

  /** What left its list while another was to watch it, who may die before it says so. */
  private final Map<Key, ReplicaSpec> unwatched = new LinkedHashMap<>();

  private long reportIntervalMillis;
  private List<NodeId> probers = List.of();
  private long generations;
  private long sequence;

  /** Of what something else is known than was told last. */
  private final Set<Key> news = new HashSet<>();

  private boolean isWholeAsked;
  private long answeredAtMillis = Long.MIN_VALUE / 2;
  private long reportedAtMillis;

  /** When the whole share was told last; null before the first time. */
  private @Nullable Long wholeAtMillis;

  /**
   * @param afterAnother whether it comes in the place of one that others have believed
   */
  Watchlist(NodeId self, List<Pool> fleet, boolean afterAnother) {
    this.self = self;
    this.afterAnother = afterAnother;
    for (Pool pool : fleet) {
      require(
          pools.put(pool.name(), pool) == null, "pool", pool.name(), "a name no other pool has");
    }
    this.reportIntervalMillis = intervalOf(fleet);
  }

  private static long intervalOf(List<Pool> fleet) {
    return fleet.stream()
        .mapToLong(p -> p.health().signalInterval().toMillis())
        .min()
        .orElse(1_000);
  }

  // --- events ---

  /**
   * The cluster has changed, and perhaps who probes: somebody may be there who has heard nothing.
   */
  List<ProberDecision> onProbers(List<NodeId> now, long nowMillis) {
    probers = List.copyOf(now);
    isWholeAsked = true;
    List<ProberDecision> decisions = new ArrayList<>();
    share(decisions, nowMillis);
    return decisions;
  }

  /**
   * The pools are these from now on. Replicas of one that is gone have left their list; those of
   * one that has changed are watched by its new definition, and go on from what is known of them.
   */
  List<ProberDecision> onFleet(List<Pool> fleet, long nowMillis) {
    List<ProberDecision> decisions = new ArrayList<>();
    Map<PoolName, Pool> next = new LinkedHashMap<>();
    fleet.forEach(pool -> next.put(pool.name(), pool));
    for (PoolName name : List.copyOf(pools.keySet())) {
      if (!next.containsKey(name)) {
        decisions.addAll(onList(name, List.of(), nowMillis));
      }
    }
    next.forEach(
        (name, pool) -> {
          Pool before = pools.get(name);
          if (before != null && !before.equals(pool)) {
            redefine(before, pool, decisions, nowMillis);
          }
        });
    pools.clear();
    pools.putAll(next);
    reportIntervalMillis = intervalOf(fleet);
    return decisions;
  }

  private void redefine(Pool before, Pool pool, List<ProberDecision> decisions, long nowMillis) {
    boolean isAskedAnew =
        before.engine() != pool.engine()
            || !before.engineApiKey().equals(pool.engineApiKey())
            || !before.kvEvents().equals(pool.kvEvents());
    listed.replaceAll(
        (key, entry) -> key.pool().equals(pool.name()) ? new Listed(pool, entry.spec()) : entry);
    for (Watch watch : watches.values()) {
      if (watch.target().pool().equals(pool.name())) {
        watch.redefine(pool, nowMillis);
        if (isAskedAnew) {
          Target was = watch.target();
          watch.reopen(new Target(pool.name(), was.id(), ++generations), nowMillis);
          decisions.add(new ProberDecision.Reopen(was, watch.target(), pool, watch.spec()));
        }
      }
    }
  }

  /** A pool's list is known, or has changed. Of several replicas with one id the first counts. */
  List<ProberDecision> onList(PoolName name, List<ReplicaSpec> replicas, long nowMillis) {
    Pool pool = pools.get(name);
    if (pool == null) {
      return List.of();
    }
    Map<Key, Listed> fresh = new LinkedHashMap<>();
    replicas.forEach(spec -> fresh.putIfAbsent(new Key(name, spec.id()), new Listed(pool, spec)));
    List<ProberDecision> decisions = new ArrayList<>();
    for (Map.Entry<Key, Listed> entry : List.copyOf(listed.entrySet())) {
      Key key = entry.getKey();
      if (key.pool().equals(name) && !fresh.containsKey(key)) {
        listed.remove(key);
        hearsay.remove(key);
        remove(key, entry.getValue().spec(), decisions, nowMillis);
      }
    }
    listed.putAll(fresh);
    removed.keySet().removeAll(fresh.keySet());
    unwatched.keySet().removeAll(fresh.keySet());
    fresh.forEach((key, entry) -> respecify(key, entry, decisions));
    share(decisions, nowMillis);
    return decisions;
  }

  /** Another prober has spoken. Our own reports, which come back to us, are ignored. */
  List<ProberDecision> onReport(HealthReport report, long nowMillis) {
    if (report.prober().equals(self)) {
      return List.of();
    }
    List<ProberDecision> decisions = new ArrayList<>();
    for (ReplicaStatus status : report.replicas()) {
      Key key = new Key(status.pool(), status.spec().id());
      if (status.state() == ReplicaState.REMOVED) {
        unwatched.remove(key);
      }
      if (!isSameEngine(listed.get(key), status)) {
        continue;
      }
      hearsay.put(key, new Hearsay(status, nowMillis));
      Watch watch = watches.get(key);
      if (watch == null) {
        continue;
      }
      if (watch.isLeaving()) {
        drop(key, decisions);
      } else {
        adopt(watch, status, decisions, nowMillis);
      }
    }
    return decisions;
  }

  /** A pool's owner doubts a replica. It is checked at once if it is ours. */
  void onDoubt(Doubt doubt, long nowMillis) {
    Watch watch = watches.get(new Key(doubt.pool(), doubt.replica()));
    if (watch != null) {
      watch.health.onDoubt(doubt.why(), nowMillis);
    }
  }

  /** Somebody who knows nothing asks: all is to be told again. */
  void onAsked() {
    isWholeAsked = true;
  }

  List<ProberDecision> onCheckSucceeded(Target target, long nowMillis) {
    Watch watch = current(target);
    if (watch == null) {
      return List.of();
    }
    watch.speak();
    boolean wasDoubted = watch.health.isDoubted();
    Optional<ReplicaHealth.Change> change = watch.health.onSuccess(nowMillis);
    if (wasDoubted && !watch.health.isDoubted()) {
      tell(watch);
    }
    return changed(watch, change, nowMillis);
  }

  List<ProberDecision> onCheckFailed(Target target, String why, long nowMillis) {
    Watch watch = current(target);
    return watch == null
        ? List.of()
        : changed(watch, watch.health.onFailure(why, nowMillis), nowMillis);
  }

  /** An answer to a scrape; empty when the engine gives no signals. */
  List<ProberDecision> onSignals(Target target, Optional<Signals> signals, long nowMillis) {
    Watch watch = current(target);
    if (watch == null) {
      return List.of();
    }
    return watch
        .onSignals(signals, nowMillis)
        .<List<ProberDecision>>map(
            given -> List.of(new ProberDecision.SignalsKnown(watch.target(), given)))
        .orElse(List.of());
  }

  void onScrapeFailed(Target target) {
    Watch watch = current(target);
    if (watch != null) {
      watch.onScrapeFailed();
    }
  }

  /** Its engine's events say something else of its prefix cache; an empty one is told at once. */
  List<ProberDecision> onKvCache(Target target, KvCacheState now, long nowMillis) {
    Watch watch = current(target);
    if (watch != null && watch.onKvCache(now, nowMillis)) {
      tell(watch);
    }
    return List.of();
  }

  /** What its API says; empty when it does not tell. */
  List<ProberDecision> onAbility(Target target, Optional<Boolean> continuesMessages) {
    Watch watch = current(target);
    if (watch == null || !watch.ability.onAnswer(continuesMessages)) {
      return List.of();
    }
    tell(watch);
    return List.of(new ProberDecision.AbilityKnown(target, continuesMessages));
  }

  void onAbilityFailed(Target target, long nowMillis) {
    Watch watch = current(target);
    if (watch != null) {
      watch.ability.onFailure(watch.health.state() == ReplicaState.HEALTHY, nowMillis);
    }
  }

  /** Whatever is due. */
  List<ProberDecision> tick(long nowMillis) {
    List<ProberDecision> decisions = new ArrayList<>();
    for (Key key : List.copyOf(watches.keySet())) {
      Watch watch = watches.get(key);
      if (watch != null && nowMillis >= watch.leavesAtMillis(HANDOVER_MILLIS)) {
        drop(key, decisions);
      }
    }
    removed.values().removeIf(entry -> nowMillis >= entry.untilMillis());
    for (Watch watch : watches.values()) {
      if (nowMillis >= watch.health.nextCheckAtMillis()) {
        watch.health.checkStarted(nowMillis);
        decisions.add(
            new ProberDecision.Check(watch.target(), watch.pool().health().checkTimeout()));
      }
      if (nowMillis >= watch.nextScrapeAtMillis()) {
        watch.scrapeStarted(nowMillis);
        decisions.add(
            new ProberDecision.Scrape(watch.target(), watch.pool().health().checkTimeout()));
      }
      if (nowMillis >= watch.ability.nextAskAtMillis()) {
        watch.ability.askStarted();
        decisions.add(new ProberDecision.AskAbility(watch.target(), ABILITY_TIMEOUT));
      }
    }
    if (nowMillis >= nextReportAtMillis()) {
      report(decisions, nowMillis);
    }
    return decisions;
  }

  /** When {@link #tick} has something to do next; {@link Long#MAX_VALUE} when never. */
  long nextDueMillis() {
    long due = nextReportAtMillis();
    for (Watch watch : watches.values()) {
      due = Math.min(due, watch.health.nextCheckAtMillis());
      due = Math.min(due, watch.nextScrapeAtMillis());
      due = Math.min(due, watch.ability.nextAskAtMillis());
      due = Math.min(due, watch.leavesAtMillis(HANDOVER_MILLIS));
    }
    return due;
  }

  // --- shares ---

  /** Takes what has become ours and begins to leave what has become somebody else's. */
  private void share(List<ProberDecision> decisions, long nowMillis) {
    for (Map.Entry<Key, Listed> entry : listed.entrySet()) {
      Key key = entry.getKey();
      boolean isMine = isMine(key);
      Watch watch = watches.get(key);
      if (isMine && watch == null) {
        acquire(key, entry.getValue(), decisions, nowMillis);
      } else if (watch != null && isMine) {
        watch.stay();
      } else if (watch != null && !probers.isEmpty()) {
        watch.leave(nowMillis);
      }
    }
    for (Map.Entry<Key, ReplicaSpec> entry : List.copyOf(unwatched.entrySet())) {
      if (isMine(entry.getKey())) {
        unwatched.remove(entry.getKey());
        tellRemoved(entry.getKey(), entry.getValue(), Optional.empty(), 0, nowMillis);
      }
    }
  }

  private boolean isMine(Key key) {
    return Rendezvous.pick(key.id().value(), probers, NodeId::value)
        .filter(self::equals)
        .isPresent();
  }

  private void acquire(Key key, Listed entry, List<ProberDecision> decisions, long nowMillis) {
    double phase = (Hash64.of(key.id().value()) >>> 11) * 0x1p-53;
    boolean mayOthersKnow = afterAnother || probers.size() > 1;
    Target target = new Target(key.pool(), key.id(), ++generations);
    ReplicaHealth health =
        new ReplicaHealth(entry.pool().health(), ReplicaState.STARTING, "", phase, nowMillis);
    Watch watch =
        new Watch(
            target,
            entry.pool(),
            entry.spec(),
            health,
            phase,
            mayOthersKnow ? nowMillis + SILENCE_MILLIS : nowMillis,
            nowMillis);
    watches.put(key, watch);
    removed.remove(key);
    tell(watch);
    decisions.add(new ProberDecision.Open(target, entry.pool(), entry.spec()));
    Hearsay known = hearsay.get(key);
    if (known != null && nowMillis - known.heardAtMillis() <= HEARSAY_MAX_MILLIS) {
      adopt(watch, known.status(), decisions, known.heardAtMillis());
    }
  }

  private void adopt(
      Watch watch, ReplicaStatus status, List<ProberDecision> decisions, long heardAtMillis) {
    if (watch.speak()) {
      tell(watch);
    }
    status
        .signals()
        .ifPresent(signals -> watch.inherit(signals, heardAtMillis - signals.ageMillis()));
    decisions.addAll(
        changed(watch, watch.health.adopt(status.state(), status.lastError()), heardAtMillis));
    watch.ability.inherit(status.continuesMessages());
  }

  private void respecify(Key key, Listed entry, List<ProberDecision> decisions) {
    Watch watch = watches.get(key);
    if (watch == null || watch.spec().equals(entry.spec())) {
      return;
    }
    if (watch.spec().url().equals(entry.spec().url())) {
      watch.respecify(entry.spec());
      tell(watch);
    } else {
      hearsay.remove(key);
      drop(key, decisions);
    }
  }

  private void remove(Key key, ReplicaSpec spec, List<ProberDecision> decisions, long nowMillis) {
    Watch watch = watches.get(key);
    if (watch == null) {
      unwatched.put(key, spec);
      keepTo(REMOVED_MAX, unwatched);
      return;
    }
    decisions.add(
        new ProberDecision.Changed(
            watch.target(),
            new ReplicaHealth.Change(watch.health.state(), ReplicaState.REMOVED, "left its list")));
    drop(key, decisions);
    tellRemoved(
        key, watch.spec(), watch.ability.continuesMessages(), watch.health.checks(), nowMillis);
  }

  private void tellRemoved(
      Key key, ReplicaSpec spec, Optional<Boolean> continues, long checks, long nowMillis) {
    ReplicaStatus last =
        new ReplicaStatus(
            key.pool(),
            spec,
            ReplicaState.REMOVED,
            Optional.empty(),
            "left its list",
            continues,
            checks,
            Optional.empty());
    removed.put(key, new Removed(last, nowMillis + REMOVED_MILLIS));
    keepTo(REMOVED_MAX, removed);
    news.add(key);
  }

  /** Forgets the oldest beyond so many. */
  private static void keepTo(int max, Map<Key, ?> entries) {
    if (entries.size() > max) {
      entries.remove(entries.keySet().iterator().next());
    }
  }

  private void drop(Key key, List<ProberDecision> decisions) {
    Watch watch = watches.remove(key);
    if (watch != null) {
      decisions.add(new ProberDecision.Close(watch.target()));
    }
  }

  private static boolean isSameEngine(@Nullable Listed entry, ReplicaStatus status) {
    return entry != null
        && status.state() != ReplicaState.REMOVED
        && entry.spec().url().equals(status.spec().url());
  }

  private @Nullable Watch current(Target target) {
    Watch watch = watches.get(new Key(target.pool(), target.id()));
    return watch != null && watch.target().equals(target) ? watch : null;
  }

  // --- telling ---

  private List<ProberDecision> changed(
      Watch watch, Optional<ReplicaHealth.Change> change, long nowMillis) {
    if (change.isEmpty()) {
      return List.of();
    }
    if (change.get().to() == ReplicaState.HEALTHY) {
      watch.ability.rose(nowMillis);
    } else {
      watch.ability.fell();
    }
    tell(watch);
    return List.of(new ProberDecision.Changed(watch.target(), change.get()));
  }

  /** At once, not only with the whole share. */
  private void tell(Watch watch) {
    news.add(new Key(watch.target().pool(), watch.target().id()));
  }

  private long nextReportAtMillis() {
    if (watches.isEmpty() && removed.isEmpty()) {
      return NEVER;
    }
    long whole = nextWholeAtMillis();
    return news.isEmpty() ? whole : Math.min(whole, reportedAtMillis + REPORT_GAP_MILLIS);
  }

  private long nextWholeAtMillis() {
    if (wholeAtMillis == null) {
      return Long.MIN_VALUE;
    }
    long asked =
        Math.max(answeredAtMillis + ANSWER_GAP_MILLIS, reportedAtMillis + REPORT_GAP_MILLIS);
    long due = wholeAtMillis + reportIntervalMillis;
    return isWholeAsked ? Math.min(due, asked) : due;
  }

  /** Tells the whole share where that is due, else what is new of it. */
  private void report(List<ProberDecision> decisions, long nowMillis) {
    boolean isWhole = nowMillis >= nextWholeAtMillis();
    List<ReplicaStatus> statuses = new ArrayList<>();
    watches.forEach(
        (key, watch) -> {
          if ((isWhole || news.contains(key)) && watch.isReported(nowMillis)) {
            statuses.add(watch.status(nowMillis));
          }
        });
    removed.forEach(
        (key, entry) -> {
          if (isWhole || news.contains(key)) {
            statuses.add(entry.status());
          }
        });
    news.clear();
    reportedAtMillis = nowMillis;
    if (isWhole) {
      wholeAtMillis = nowMillis;
      answeredAtMillis = isWholeAsked && !statuses.isEmpty() ? nowMillis : answeredAtMillis;
      isWholeAsked = false;
    }
    if (!statuses.isEmpty()) {
      decisions.add(
          new ProberDecision.Report(
              new HealthReport(self, ++sequence, List.copyOf(statuses), !isWhole)));
    }
  }
}
