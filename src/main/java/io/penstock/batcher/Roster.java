package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Doubted;
import io.penstock.batcher.AdmissionDecision.Judged;
import io.penstock.batcher.Replica.Use;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.message.Doubt;
import io.penstock.message.Release;
import io.penstock.message.ReplicaStatus;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The replicas of one pool: merged from the probers' reports by id, with their live grants, how
 * each has behaved ({@link Conduct}), and what work each gets for it under the pool's failover
 * policy ({@link Formation}).
 *
 * <p>A release costs O(1) unless it changes what is held against a replica. All the rest is looked
 * at by a review of all replicas, at most every {@link #REVIEW_MILLIS}, which is due only while
 * time matters to one of them. The slow ones are told every {@link #JUDGE_MILLIS}.
 *
 * <p>Where every replica that can do some kind of work is barred, the one that is barred most
 * mildly is kept in use, of several the one that was barred last: to try is better than to refuse.
 * A request that this one has failed already waits a moment for news of the others that are only
 * under suspicion. That does not hold for replicas that are unhealthy by the probers, or drained.
 *
 * <p>Where the pool spreads over zones, the roster keeps what each carries ({@link ZoneLoad}), for
 * the strategies to go by among replicas that are equally good. A request that has failed in one
 * zone is offered the replicas of the others first: a zone that fails as a whole would else cost
 * all its attempts.
 *
 * <p>A written list is the pool's own word on who is of it, at which address and with which limits;
 * a report counts for the state of these alone, since its prober may go by another version of the
 * list for as long as nodes are reloaded one after another. Before any report such a replica is
 * usable if nobody probes it, and waited for otherwise.
 *
 * <p>A prober that takes a share over from another, or begins anew itself, starts with "never
 * answered yet"; that is no news of an engine known to be healthy, and does not count for {@link
 * #TAKEOVER_MILLIS}.
 */
final class Roster {
  /** How long a replica stays healthy on the word of the prober before. */
  static final long TAKEOVER_MILLIS = 5_000;

  /** Least time between two reviews that time alone calls for. */
  static final long REVIEW_MILLIS = 50;

  /** Least time between two searches for slow replicas. */
  static final long JUDGE_MILLIS = 500;

  /** Least time between two doubts of one replica. */
  static final long DOUBT_GAP_MILLIS = 500;

  /**
   * How long replicas of a written list are kept beside signal intervals once the pool follows a
   * source, where no prober speaks of them.
   */
  static final long PROVISIONAL_MILLIS = 30_000;

  /** Decisions kept until somebody takes them; more are dropped. */
  static final int NEWS_MAX = 2 * Pool.REPLICAS_MAX;

  private Pool pool;
  private final Formation formation;

  /** The pool's written list; null where it follows a source, whose list the probers tell. */
  private @Nullable Map<ReplicaId, ReplicaSpec> written;

  private final List<AdmissionDecision> news = new ArrayList<>();
  private final List<Replica> eligible = new ArrayList<>();
  private final ZoneLoad noZone = new ZoneLoad("");
  private final Map<String, ZoneLoad> zones = new HashMap<>();
  private long choices;
  private LimitShare share = LimitShare.WHOLE;
  private long nowMillis;
  private long nextReviewMillis = Long.MAX_VALUE;
  private long judgedMillis = Long.MIN_VALUE;
  private long firstSoundMillis = Long.MAX_VALUE;
  private boolean measured;
  private long newest;
  private int healthy;
  private boolean degraded;
  private final Map<ReplicaId, Replica> byId = new HashMap<>();
  private final List<Replica> all = new ArrayList<>();

  /** Whose live grants have changed since somebody looked. */
  private final Set<Replica> touched = new LinkedHashSet<>();

  private Predicate<ReplicaId> probed;
  private boolean heard;
  private int open;
  private int slots;
  private long structure;

  /** Whether replicas are there that no prober of the followed source has spoken of yet. */
  private boolean provisional;

  /**
   * @param probed whether the cluster has a prober
   */
  Roster(Pool pool, boolean probed) {
    this.pool = pool;
    this.probed = id -> probed;
    this.formation = new Formation(pool.failover());
    if (pool.replicas() instanceof ReplicaSource.Listed listed) {
      takeInList(listed.replicas());
    }
    review();
  }

  /**
   * Goes by another definition of the pool from now on. Replicas that stay keep their live grants
   * and what is known of them; those that are gone keep their live grants and get no new ones.
   */
  void redefine(Pool next, long now) {
    nowMillis = now;
    boolean sameSource = next.replicas().equals(pool.replicas());
    pool = next;
    formation.policy(next.failover());
    all.forEach(each -> each.conduct().policy(next.breaker()));
    if (next.replicas() instanceof ReplicaSource.Listed listed) {
      takeInList(listed.replicas());
    } else {
      all.stream()
          .filter(Replica::listed)
          .forEach(each -> each.describe(each.spec(), next.capabilities(), zoneLoad(each.spec())));
      if (!sameSource && written != null) {
        forgetList();
      }
    }
    zones.values().removeIf(zone -> zone.replicas() == 0);
    structure++;
    review();
  }

  /** Takes the list for the truth, in its order. */
  private void takeInList(List<ReplicaSpec> list) {
    Map<ReplicaId, ReplicaSpec> next = new LinkedHashMap<>();
    list.forEach(spec -> next.put(spec.id(), spec));
    written = next;
    heard = true;
    for (Replica each : List.copyOf(all)) {
      if (!next.containsKey(each.id())) {
        each.reported = ReplicaState.REMOVED;
        dropIfGone(each);
      }
    }
    List<Replica> inOrder = new ArrayList<>();
    for (ReplicaSpec spec : list) {
      Replica replica = replica(spec.id());
      boolean isAnother = replica.listed() && !replica.spec().url().equals(spec.url());
      if (isAnother) {
        replica.conduct().reborn(newest);
      }
      if (isAnother || replica.reported == ReplicaState.REMOVED) {
        replica.unknown();
      }
      replica.provisionalUntilMillis = Long.MAX_VALUE;
      replica.describe(spec, pool.capabilities(), zoneLoad(spec));
      inOrder.add(replica);
    }
    all.removeIf(each -> next.containsKey(each.id()));
    all.addAll(0, inOrder);
  }

  /** What was listed and reported on stays until it is clear that the source has it too. */
  private void forgetList() {
    written = null;
    provisional = true;
    long until = nowMillis + PROVISIONAL_MILLIS + 2 * pool.health().signalInterval().toMillis();
    for (Replica each : List.copyOf(all)) {
      if (each.reported == null) {
        each.reported = ReplicaState.REMOVED;
        dropIfGone(each);
      } else {
        each.provisionalUntilMillis = until;
      }
    }
    heard = !all.isEmpty();
  }

  /** The replicas in order of first mention; read only. */
  List<Replica> all() {
    return Collections.unmodifiableList(all);
  }

  /** Tells each replica that is new, or whose live grants have changed, since the last call. */
  void takeTouched(Consumer<Replica> each) {
    touched.forEach(each);
    touched.clear();
  }

  /** What each zone carries that has a name; none where the pool is not to spread over zones. */
  Collection<ZoneLoad> zones() {
    return zones.values();
  }

  private ZoneLoad zoneLoad(ReplicaSpec spec) {
    boolean counts = pool.failover().spreadAcrossZones() && !spec.zone().isEmpty();
    return counts ? zones.computeIfAbsent(spec.zone(), ZoneLoad::new) : noZone;
  }

  Optional<Replica> find(ReplicaId id) {
    return Optional.ofNullable(byId.get(id));
  }

  /** How many replicas would take one more request. */
  int open() {
    return open;
  }

  /** How many requests the usable replicas take at a time now. */
  int slots() {
    return slots;
  }

  /** Changes when a replica came, went, or was described anew. */
  long structure() {
    return structure;
  }

  /** Replicas that are healthy and have nothing held against them, whatever their duty. */
  int healthy() {
    return healthy;
  }

  /** Whether a barred replica is in use since no better one is left. */
  boolean degraded() {
    return degraded;
  }

  LimitShare share() {
    return share;
  }

  /** Whether there are replicas and an operator wants all of them left alone. */
  boolean allDrain() {
    return !all.isEmpty() && all.stream().allMatch(Replica::draining);
  }

  /** Whether this side of a split cluster may use no slot of any replica. */
  boolean isShareNothing() {
    for (Replica replica : all) {
      if (replica.isInList() && most(replica) > 0) {
        return false;
      }
    }
    return true;
  }

  /** Takes in this side's share of the limits; says whether anything changed. */
  boolean share(LimitShare now) {
    if (share.equals(now)) {
      return false;
    }
    share = now;
    return review();
  }

  /** What has been decided since the last call. */
  List<AdmissionDecision> takeNews() {
    if (news.isEmpty()) {
      return List.of();
    }
    List<AdmissionDecision> taken = List.copyOf(news);
    news.clear();
    return taken;
  }

  private void tell(AdmissionDecision decision) {
    if (news.size() < NEWS_MAX) {
      news.add(decision);
    }
  }

  /** Lets time pass; says whether anything changed for those who wait. Nearly always O(1). */
  boolean advance(long now) {
    nowMillis = now;
    return now >= nextReviewMillis && review();
  }

  /**
   * A request has ended on a replica, whose grant is still to be given back; says whether anything
   * changed for those who wait.
   *
   * @param ordinal of its grant
   */
  boolean outcome(Release release, long ordinal) {
    Replica replica = byId.get(release.replica());
    if (replica == null) {
      return false;
    }
    measured = true;
    nextReviewMillis = Math.min(nextReviewMillis, judgedMillis + JUDGE_MILLIS);
    Conduct.Effect effect =
        replica
            .conduct()
            .onOutcome(
                release,
                ordinal,
                newest,
                replica.live(),
                most(replica),
                replica.prober,
                replica.checks,
                nowMillis);
    if (Conduct.raisesDoubt(release)) {
      doubt(replica, release);
    }
    return switch (effect) {
      case NONE -> false;
      case LIMIT -> relimit(replica);
      case BAR -> review();
    };
  }

  private void doubt(Replica replica, Release release) {
    if (nowMillis - replica.doubtedMillis >= DOUBT_GAP_MILLIS) {
      replica.doubtedMillis = nowMillis;
      String what = release.firstTokenMillis() < 0 ? "before" : "after";
      String why = "a request ended with " + release.outcome() + " " + what + " its first token";
      tell(new Doubted(new Doubt(pool.name(), replica.id(), why)));
    }
  }

  /**
   * Takes in who is probed now, as far as it can be known; says whether a replica's use changed.
   */
  boolean probed(Predicate<ReplicaId> now) {
    probed = now;
    return review();
  }

  /** Takes one prober's word on one replica in; says whether anything changed. */
  boolean report(NodeId prober, ReplicaStatus status, long now) {
    nowMillis = now;
    ReplicaId id = status.spec().id();
    if (written != null && !isOfList(status, written)) {
      return false;
    }
    boolean first = !heard;
    heard = true;
    if (status.state() == ReplicaState.REMOVED) {
      return remove(id) || first;
    }
    if (!byId.containsKey(id) && all.size() >= Pool.REPLICAS_MAX) {
      return first;
    }
    Replica replica = replica(id);
    replica.provisionalUntilMillis = Long.MAX_VALUE;
    boolean isSameEngine = replica.listed() && replica.spec().url().equals(status.spec().url());
    boolean described =
        written == null && !(replica.listed() && replica.spec().equals(status.spec()));
    if (described) {
      replica.describe(status.spec(), pool.capabilities(), zoneLoad(status.spec()));
      zones.values().removeIf(zone -> zone.replicas() == 0);
      structure++;
    }
    boolean wasAway = replica.reported == ReplicaState.UNHEALTHY;
    replica.continuesMessages = status.continuesMessages();
    boolean moved = hear(replica, prober, status.state(), isSameEngine, nowMillis);
    if (replica.reported == ReplicaState.HEALTHY) {
      moved |= heardGood(replica, wasAway, status.checks());
    }
    if (described || moved) {
      review();
    }
    return described || moved || first;
  }

  /** Whether it is on the engine that the list names, by a prober that lists it too. */
  private static boolean isOfList(ReplicaStatus status, Map<ReplicaId, ReplicaSpec> list) {
    ReplicaSpec own = list.get(status.spec().id());
    return own != null
        && own.url().equals(status.spec().url())
        && status.state() != ReplicaState.REMOVED;
  }

  private boolean heardGood(Replica replica, boolean wasAway, long checks) {
    replica.checks = checks;
    if (wasAway) {
      replica.conduct().reborn(newest);
    }
    NodeId by = replica.prober;
    return by != null && replica.conduct().onGoodCheck(by, checks, newest, nowMillis);
  }

  private static boolean hear(
      Replica replica, NodeId prober, ReplicaState state, boolean isSameEngine, long nowMillis) {
    boolean proberKnowsNothing =
        state == ReplicaState.STARTING && replica.reported == ReplicaState.HEALTHY && isSameEngine;
    if (proberKnowsNothing) {
      if (replica.trustedUntilMillis == Long.MIN_VALUE) {
        replica.trustedUntilMillis = nowMillis + TAKEOVER_MILLIS;
      }
      if (nowMillis < replica.trustedUntilMillis) {
        return false;
      }
    }
    replica.trustedUntilMillis = Long.MIN_VALUE;
    boolean changed = replica.reported != state;
    replica.reported = state;
    replica.prober = prober;
    return changed;
  }

  /**
   * A replica gets no new grants, or gets them again; those that live are not touched. Without
   * effect on one that is not known.
   *
   * @return whether anything changed
   */
  boolean draining(ReplicaId id, boolean now) {
    Replica replica = byId.get(id);
    if (replica == null || replica.draining() == now) {
      return false;
    }
    replica.draining(now);
    review();
    return true;
  }

  private boolean remove(ReplicaId id) {
    Replica replica = byId.get(id);
    if (replica == null || replica.reported == ReplicaState.REMOVED) {
      return false;
    }
    replica.reported = ReplicaState.REMOVED;
    structure++;
    dropIfGone(replica);
    review();
    return true;
  }

  /** Counts one more live grant. */
  void take(ReplicaId id, long ordinal) {
    Replica replica = replica(id);
    boolean wasOpen = replica.open();
    replica.addLive(1);
    touched.add(replica);
    replica.lastGrant = ordinal;
    newest = Math.max(newest, ordinal);
    if (replica.use() == Use.TRIED) {
      replica.conduct().trialBegins(ordinal, nowMillis);
      replica.trialTaken();
    }
    countOpen(wasOpen, replica.open());
  }

  /**
   * Counts one live grant less.
   *
   * @param ordinal with which it was taken
   */
  void giveBack(ReplicaId id, long ordinal) {
    Replica replica = byId.get(id);
    if (replica == null || replica.live() == 0) {
      throw new IllegalStateException(
          "pool " + pool.name() + ", replica " + id + ": given back (expected: a live grant)");
    }
    boolean wasOpen = replica.open();
    replica.addLive(-1);
    touched.add(replica);
    countOpen(wasOpen, replica.open());
    dropIfGone(replica);
    if (replica.conduct().trialEnds(ordinal)) {
      review();
    }
  }

  /**
   * Forgets all live grants and what has come of grants: another node counts and judges now, and
   * who owns the pool again counts from 1 and begins with a clean slate.
   */
  void forgetGrants() {
    newest = 0;
    for (Replica replica : List.copyOf(all)) {
      replica.forget(new Conduct(pool.breaker()));
      touched.add(replica);
      dropIfGone(replica);
    }
    review();
  }

  /** What a request with these needs and exclusions may hope for. */
  Reach reach(int needs, Set<ReplicaId> excluded) {
    boolean hope = !heard;
    boolean passive = false;
    for (Replica replica : all) {
      if (replica.suits(needs, excluded)) {
        if (replica.usable() && replica.limit() > 0) {
          return Reach.SERVED;
        }
        passive |= replica.use() == Use.PASSIVE && replica.limit() > 0;
        hope |= hopedFor(replica);
      }
    }
    return passive ? Reach.SERVED : hope ? Reach.HOPED_FOR : Reach.NONE;
  }

  /**
   * For how long all replicas that could serve such a request have asked to be left alone; 0 where
   * one has not.
   */
  long pausedMillis(int needs, Set<ReplicaId> excluded) {
    long shortest = Long.MAX_VALUE;
    for (Replica replica : all) {
      if (replica.usable() && replica.suits(needs, excluded)) {
        long left = replica.conduct().pressure().pausedUntilMillis() - nowMillis;
        shortest = replica.paused() ? Math.min(shortest, left) : 0;
        if (shortest <= 0) {
          return 0;
        }
      }
    }
    return shortest == Long.MAX_VALUE ? 0 : shortest;
  }

  /** Whether a replica would take a request with these needs and exclusions now. */
  boolean opens(int needs, Set<ReplicaId> excluded) {
    if (open == 0 && !formation.isSelective()) {
      return false;
    }
    for (Replica replica : all) {
      if (replica.open() && replica.suits(needs, excluded)) {
        return true;
      }
    }
    return standIn(needs, excluded) != null;
  }

  /**
   * Fills {@code into} with the replicas that would take such a request now: those that carry the
   * pool's work; where none of these can, because it lacks a capability or has been tried, the
   * first of those that are held back. Of several those stay that are outside of the zones in which
   * it has been tried.
   */
  void candidates(int needs, Set<ReplicaId> excluded, List<Replica> into) {
    into.clear();
    for (Replica replica : open == 0 ? List.<Replica>of() : all) {
      if (replica.open() && replica.suits(needs, excluded)) {
        into.add(replica);
      }
    }
    if (into.isEmpty()) {
      @Nullable Replica standIn = standIn(needs, excluded);
      if (standIn != null) {
        into.add(standIn);
      }
    }
    if (!excluded.isEmpty() && into.size() > 1 && !zones.isEmpty()) {
      preferOtherZones(excluded, into);
    }
  }

  private void preferOtherZones(Set<ReplicaId> excluded, List<Replica> into) {
    long choice = ++choices;
    for (ReplicaId each : excluded) {
      Replica tried = byId.get(each);
      if (tried != null && tried.zoneLoad() != noZone) {
        tried.zoneLoad().avoidedIn = choice;
      }
    }
    boolean hasOthers = false;
    for (Replica each : into) {
      hasOthers |= each.zoneLoad().avoidedIn != choice;
    }
    if (hasOthers) {
      into.removeIf(each -> each.zoneLoad().avoidedIn == choice);
    }
  }

  private @Nullable Replica standIn(int needs, Set<ReplicaId> excluded) {
    if (!formation.isSelective()) {
      return null;
    }
    @Nullable Replica first = null;
    for (Replica replica : all) {
      if (replica.suits(needs, excluded)) {
        if (replica.usable()) {
          return null; // it is only full
        }
        first = first == null && replica.opensInNeed() ? replica : first;
      }
    }
    return first;
  }

  // --- what work each gets ---

  private boolean review() {
    nextReviewMillis = Long.MAX_VALUE;
    dropUnconfirmed();
    judge();
    keepTheMildest();
    takeInWhoIsSound();
    formation.form(all, nowMillis);
    boolean changed = allot();
    if (formation.isUnsettled() || isAnyUnsettled()) {
      nextReviewMillis = nowMillis + REVIEW_MILLIS;
    } else if (measured) {
      nextReviewMillis = Math.max(nowMillis + 1, judgedMillis + JUDGE_MILLIS);
    }
    return changed;
  }

  private void dropUnconfirmed() {
    if (!provisional) {
      return;
    }
    provisional = false;
    for (Replica each : List.copyOf(all)) {
      if (each.provisionalUntilMillis <= nowMillis) {
        each.provisionalUntilMillis = Long.MAX_VALUE;
        each.reported = ReplicaState.REMOVED;
        dropIfGone(each);
        structure++;
      }
      provisional |= each.provisionalUntilMillis != Long.MAX_VALUE;
    }
  }

  private void judge() {
    eligible.clear();
    for (Replica replica : all) {
      if (eligible(replica)) {
        eligible.add(replica);
      }
    }
    if (judgedMillis == Long.MIN_VALUE || nowMillis - judgedMillis >= JUDGE_MILLIS) {
      judgedMillis = nowMillis;
      measured = false;
      Outliers.judge(eligible, nowMillis);
    }
    healthy = 0;
    for (Replica replica : all) {
      replica.conduct().tick(nowMillis);
      Bar before = replica.bar();
      Bar bar = replica.conduct().bar(nowMillis);
      replica.judge(bar);
      if (before.severity() != bar.severity()) {
        tell(new Judged(replica.id(), before, bar, replica.conduct().why(bar)));
      }
      if (before != bar) {
        touched.add(replica);
      }
    }
    for (Replica replica : eligible) {
      healthy += replica.bar() == Bar.NONE ? 1 : 0;
    }
  }

  /** For each kind of work that a replica could do, one that may. */
  private void keepTheMildest() {
    degraded = false;
    for (Replica each : eligible) {
      if (each.bar() != Bar.NONE && !each.kept()) {
        keepFor(each.capabilities());
      }
    }
  }

  private void keepFor(int capabilities) {
    @Nullable Replica best = null;
    for (Replica each : eligible) {
      if ((each.capabilities() & capabilities) == capabilities) {
        if (each.bar() == Bar.NONE || each.kept()) {
          return;
        }
        best = best == null || isMilder(each, best) ? each : best;
      }
    }
    if (best != null) {
      best.keep();
      degraded = true;
    }
  }

  private static boolean isMilder(Replica a, Replica b) {
    int severity = Integer.compare(a.bar().severity(), b.bar().severity());
    return severity != 0 ? severity < 0 : a.lastSoundMillis() > b.lastSoundMillis();
  }

  private void takeInWhoIsSound() {
    long slowStart = pool.breaker().slowStart().toMillis();
    for (Replica each : all) {
      boolean sound = eligible(each) && (each.bar() == Bar.NONE || each.kept());
      if (sound && firstSoundMillis == Long.MAX_VALUE) {
        firstSoundMillis = nowMillis;
      }
      boolean ramps = slowStart > 0 && sound && nowMillis - firstSoundMillis >= slowStart;
      each.sound(sound, ramps, nowMillis);
    }
  }

  /** Slow start spares a replica at the cost of the others: where they are few there is none. */
  private boolean hasRoomForSlowStart(long slowStartMillis) {
    long working = 0;
    long ready = 0;
    for (Replica each : all) {
      if (each.sound() && each.duty() == Duty.PRIMARY) {
        working += each.maxConcurrent();
        ready += each.ramp(slowStartMillis, nowMillis) == 1 ? each.maxConcurrent() : 0;
      }
    }
    return 2 * ready >= working && ready > 0;
  }

  private boolean allot() {
    long slowStart = Math.max(1, pool.breaker().slowStart().toMillis());
    boolean ramps = hasRoomForSlowStart(slowStart);
    boolean changed = false;
    int openNow = 0;
    int slotsNow = 0;
    noZone.noSlots();
    zones.values().forEach(ZoneLoad::noSlots);
    for (Replica each : all) {
      int limitBefore = each.limit();
      changed |= allot(each, ramps ? each.ramp(slowStart, nowMillis) : 1);
      openNow += each.open() ? 1 : 0;
      int slotsOfIt = each.usable() ? each.limit() : 0;
      slotsNow += slotsOfIt;
      each.zoneLoad().addSlots(slotsOfIt);
      if (limitBefore != each.limit()) {
        touched.add(each);
      }
    }
    changed |= openNow != open || slotsNow != slots;
    open = openNow;
    slots = slotsNow;
    return changed;
  }

  private boolean allot(Replica replica, double ramp) {
    Use use = use(replica);
    int most = most(replica);
    Conduct conduct = replica.conduct();
    if (use == Use.OUT || use == Use.TRIED) {
      boolean due = use == Use.TRIED && conduct.isTrialDue(replica.bar(), newest, nowMillis);
      return replica.use(use, use == Use.OUT ? 0 : most, 1, due, false);
    }
    BackPressure pressure = conduct.pressure();
    double share = replica.kept() ? ramp : ramp / conduct.slowness();
    int taken = pressure.limit(most);
    int limit = most == 0 ? 0 : Math.max(1, Math.min(taken, (int) (most * share)));
    double fraction = most == 0 ? 1 : Math.min(share, (double) taken / most);
    return replica.use(use, limit, fraction, false, pressure.isPaused(nowMillis));
  }

  private Use use(Replica replica) {
    if (!eligible(replica)) {
      return Use.OUT;
    }
    boolean works = replica.duty() == Duty.PRIMARY;
    if (replica.sound()) {
      return works ? Use.WORKING : Use.PASSIVE;
    }
    return works && replica.bar().isTried() ? Use.TRIED : Use.OUT;
  }

  /** Its limit when nothing is held against it. */
  private int most(Replica replica) {
    return share.of(replica.maxConcurrent());
  }

  /** Takes in that back-pressure has changed the limit of one. */
  private boolean relimit(Replica replica) {
    nextReviewMillis = Math.min(nextReviewMillis, nowMillis + REVIEW_MILLIS);
    if (replica.use() != Use.WORKING) {
      return false;
    }
    boolean wasOpen = replica.open();
    int before = replica.limit();
    BackPressure pressure = replica.conduct().pressure();
    int most = most(replica);
    int limit = Math.min(before, pressure.limit(most));
    replica.use(
        Use.WORKING,
        limit,
        most == 0 ? 1 : Math.min(replica.fraction(), (double) pressure.limit(most) / most),
        false,
        pressure.isPaused(nowMillis));
    slots += limit - before;
    replica.zoneLoad().addSlots(limit - before);
    touched.add(replica);
    countOpen(wasOpen, replica.open());
    return false;
  }

  private boolean isAnyUnsettled() {
    for (Replica each : all) {
      if (each.isRamping() || each.conduct().isUnsettled(nowMillis)) {
        return true;
      }
    }
    return provisional;
  }

  private boolean eligible(Replica replica) {
    @Nullable ReplicaState state = replica.reported;
    return replica.listed()
        && !replica.draining()
        && (state == null ? !probed.test(replica.id()) : state == ReplicaState.HEALTHY);
  }

  /** Whether news of it is under way: of a first check, or of whether a suspicion was right. */
  private boolean hopedFor(Replica replica) {
    if (replica.use() == Use.TRIED || (replica.bar() == Bar.SUSPECT && eligible(replica))) {
      return true;
    }
    @Nullable ReplicaState state = replica.reported;
    return replica.listed()
        && !replica.draining()
        && (state == null ? probed.test(replica.id()) : state == ReplicaState.STARTING);
  }

  private Replica replica(ReplicaId id) {
    Replica known = byId.get(id);
    if (known != null) {
      return known;
    }
    Replica added = new Replica(id, new Conduct(pool.breaker()), noZone);
    added.trustedUntilMillis = Long.MIN_VALUE;
    byId.put(id, added);
    all.add(added);
    touched.add(added);
    structure++;
    return added;
  }

  private void dropIfGone(Replica replica) {
    boolean gone = !replica.listed() || replica.reported == ReplicaState.REMOVED;
    if (gone && replica.live() == 0) {
      byId.remove(replica.id());
      all.remove(replica);
      replica.leave();
      zones.values().removeIf(zone -> zone.replicas() == 0);
      touched.remove(replica);
      structure++;
    }
  }

  private void countOpen(boolean before, boolean after) {
    open += (after ? 1 : 0) - (before ? 1 : 0);
  }
}
