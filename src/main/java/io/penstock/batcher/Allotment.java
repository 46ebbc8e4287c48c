package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Judged;
import io.penstock.batcher.Replica.Use;
import io.penstock.inference.LimitShare;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaState;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What work each replica of a pool gets: by its health, by what is held against it ({@link
 * Conduct}), under the pool's failover policy ({@link Formation}), with slow start and
 * back-pressure, and within this side's share of the limits. Pure.
 *
 * <p>All replicas are looked at together, at most every {@link #REVIEW_MILLIS} where time alone
 * calls for it, and that only while time matters to one of them. The slow ones are told every
 * {@link #JUDGE_MILLIS}.
 *
 * <p>Where every replica that can do some kind of work is barred, the one that is barred most
 * mildly is kept in use, of several the one that was barred last: to try is better than to refuse.
 * A request that this one has failed already waits a moment for news of the others that are only
 * under suspicion. That does not hold for replicas that are unhealthy by the probers, or drained.
 */
final class Allotment {
  /** Least time between two reviews that time alone calls for. */
  static final long REVIEW_MILLIS = 50;

  /** Least time between two searches for slow replicas. */
  static final long JUDGE_MILLIS = 500;

  private Pool pool;
  private final List<Replica> all;
  private final Zones zones;
  private final Set<Replica> touched;
  private final Consumer<AdmissionDecision> news;
  private final Formation formation;
  private final List<Replica> eligible = new ArrayList<>();
  private LimitShare share = LimitShare.WHOLE;
  private Predicate<ReplicaId> probed;
  private long dueMillis = Long.MAX_VALUE;
  private long judgedMillis = Long.MIN_VALUE;
  private long firstSoundMillis = Long.MAX_VALUE;
  private boolean measured;
  private int healthy;
  private boolean degraded;
  private int open;
  private int slots;

  /**
   * @param all the pool's replicas in order, as they are at each call
   * @param touched takes each replica whose work has changed
   * @param news takes what is found out about them
   * @param probed whether a replica is checked by a prober, and waited for until that has spoken
   */
  Allotment(
      Pool pool,
      List<Replica> all,
      Zones zones,
      Set<Replica> touched,
      Consumer<AdmissionDecision> news,
      Predicate<ReplicaId> probed) {
    this.pool = pool;
    this.all = all;
    this.zones = zones;
    this.touched = touched;
    this.news = news;
    this.formation = new Formation(pool.failover());
    this.probed = probed;
  }

  /** Goes by another definition of the pool from the next review on. */
  void redefine(Pool next) {
    pool = next;
    formation.policy(next.failover());
  }

  void probed(Predicate<ReplicaId> now) {
    probed = now;
  }

  LimitShare share() {
    return share;
  }

  void share(LimitShare now) {
    share = now;
  }

  /** When the next review is due if nothing happens; {@link Long#MAX_VALUE} for never. */
  long dueMillis() {
    return dueMillis;
  }

  /** A request has ended, and says how fast its replica is. */
  void measured() {
    measured = true;
    dueMillis = Math.min(dueMillis, judgedMillis + JUDGE_MILLIS);
  }

  /** How many replicas would take one more request. */
  int open() {
    return open;
  }

  /** How many requests the usable replicas take at a time now. */
  int slots() {
    return slots;
  }

  /** Replicas that are healthy and have nothing held against them, whatever their duty. */
  int healthy() {
    return healthy;
  }

  /** Whether a barred replica is in use since no better one is left. */
  boolean degraded() {
    return degraded;
  }

  /** Whether sound replicas are held back for when others fail. */
  boolean holdsBack() {
    return formation.isSelective();
  }

  /** One more, or one less, takes requests. */
  void countOpen(boolean before, boolean after) {
    open += (after ? 1 : 0) - (before ? 1 : 0);
  }

  /**
   * Looks at all of them; says whether anything changed for those who wait.
   *
   * @param newest ordinal of the pool's newest grant
   * @param isProvisional whether somebody's place is provisional, so that time matters
   */
  boolean review(long newest, boolean isProvisional, long nowMillis) {
    dueMillis = Long.MAX_VALUE;
    judge(nowMillis);
    keepTheMildest();
    takeInWhoIsSound(nowMillis);
    formation.form(all, nowMillis);
    boolean changed = allot(newest, nowMillis);
    if (isProvisional || formation.isUnsettled() || isAnyUnsettled(nowMillis)) {
      dueMillis = nowMillis + REVIEW_MILLIS;
    } else if (measured) {
      dueMillis = Math.max(nowMillis + 1, judgedMillis + JUDGE_MILLIS);
    }
    return changed;
  }

  private void judge(long nowMillis) {
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
        news.accept(new Judged(replica.id(), before, bar, replica.conduct().why(bar)));
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

  private void takeInWhoIsSound(long nowMillis) {
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
  private boolean hasRoomForSlowStart(long slowStartMillis, long nowMillis) {
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

  private boolean allot(long newest, long nowMillis) {
    long slowStart = Math.max(1, pool.breaker().slowStart().toMillis());
    boolean ramps = hasRoomForSlowStart(slowStart, nowMillis);
    boolean changed = false;
    int openNow = 0;
    int slotsNow = 0;
    zones.noSlots();
    for (Replica each : all) {
      int limitBefore = each.limit();
      changed |= allot(each, ramps ? each.ramp(slowStart, nowMillis) : 1, newest, nowMillis);
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

  private boolean allot(Replica replica, double ramp, long newest, long nowMillis) {
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
  int most(Replica replica) {
    return share.of(replica.maxConcurrent());
  }

  /** Takes in that back-pressure has changed the limit of one. */
  void relimit(Replica replica, long nowMillis) {
    dueMillis = Math.min(dueMillis, nowMillis + REVIEW_MILLIS);
    if (replica.use() != Use.WORKING) {
      return;
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
  }

  private boolean isAnyUnsettled(long nowMillis) {
    for (Replica each : all) {
      if (each.isRamping() || each.conduct().isUnsettled(nowMillis)) {
        return true;
      }
    }
    return false;
  }

  private boolean eligible(Replica replica) {
    @Nullable ReplicaState state = replica.reported;
    return replica.listed()
        && !replica.draining()
        && (state == null ? !probed.test(replica.id()) : state == ReplicaState.HEALTHY);
  }

  /** Whether news of it is under way: of a first check, or of whether a suspicion was right. */
  boolean isHopedFor(Replica replica) {
    if (replica.use() == Use.TRIED || (replica.bar() == Bar.SUSPECT && eligible(replica))) {
      return true;
    }
    @Nullable ReplicaState state = replica.reported;
    return replica.listed()
        && !replica.draining()
        && (state == null ? probed.test(replica.id()) : state == ReplicaState.STARTING);
  }
}
