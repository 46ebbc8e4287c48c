package io.penstock.batcher;

import io.penstock.inference.Capability;
import io.penstock.inference.NodeId;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.message.KvCacheState;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One replica as its pool's owner knows it: what it is, whether it may be used, how many live
 * grants it carries. Changed by {@link Roster} alone.
 */
final class Replica {
  /** Share with which a slow start begins. */
  static final double RAMP_MIN = 0.1;

  /** What work it gets. */
  enum Use {
    /** None. */
    OUT,
    /** One request at a time, to see how it does. */
    TRIED,
    /** None while another carries it; it could. */
    PASSIVE,
    /** As much as its limit allows. */
    WORKING
  }

  private final ReplicaId id;
  private Conduct conduct;

  /** Null while only a lease names it: its list has not been heard yet, or lists it no more. */
  private @Nullable ReplicaSpec spec;

  private ZoneLoad zoneLoad;
  private int capabilities;
  private Use use = Use.OUT;
  private Bar bar = Bar.NONE;
  private Duty duty = Duty.PRIMARY;
  private boolean kept;
  private boolean sound;
  private boolean wasLost;
  private long soundSinceMillis;
  private long lostMillis = Long.MIN_VALUE;
  private long rampFromMillis = Long.MIN_VALUE;
  private boolean trialDue;
  private boolean paused;
  private int limit;
  private double fraction = 1;
  private boolean draining;
  private int live;

  /** Last word of a prober; null before the first. */
  @Nullable ReplicaState reported;

  /** Who said so. */
  @Nullable NodeId prober;

  /** Checks that this one had finished. */
  long checks;

  /** Whether its API says that it can go on with a message; empty when it is not known. */
  Optional<Boolean> continuesMessages = Optional.empty();

  /**
   * Until when an heir's "never answered yet" does not count against a replica that was healthy.
   */
  long trustedUntilMillis;

  /** Until when it stays without a prober's word; {@link Long#MAX_VALUE} where it needs none. */
  long provisionalUntilMillis = Long.MAX_VALUE;

  /** When its prober was last asked to check it at once. */
  long doubtedMillis = Long.MIN_VALUE / 2;

  /** Ordinal of its last grant in the pool; 0 before the first. */
  long lastGrant;

  /** Its running credit under smooth weighted round robin. */
  double credit;

  /** What the pool's strategy expects of it; null while that does not learn. */
  @Nullable Prospect prospect;

  private final EngineCache engineCache = new EngineCache();

  /** What its engine found in its prefix cache, since this owner began. */
  CacheTally caches = new CacheTally();

  /** Whether it is among the candidates of the bounded hash's pick that is being made. */
  boolean candidate;

  /**
   * @param zoneLoad of what is known to be in no zone
   */
  Replica(ReplicaId id, Conduct conduct, ZoneLoad zoneLoad) {
    this.id = id;
    this.conduct = conduct;
    this.zoneLoad = zoneLoad;
    zoneLoad.enter(0);
  }

  Conduct conduct() {
    return conduct;
  }

  /**
   * Its engine was away and is back: what is known of its behaviour is of its former life, and its
   * cache is empty. How fast it is it still is.
   *
   * @param newest ordinal of the pool's newest grant
   */
  void reborn(long newest) {
    conduct.reborn(newest);
    Prospect expected = prospect;
    if (expected != null) {
      expected.reborn();
    }
  }

  /** Another node's grants say how it behaves from now on; ours begin with ordinal 1 again. */
  void forget(Conduct fresh) {
    conduct = fresh;
    prospect = null;
    caches = new CacheTally();
    engineCache.forget();
    addLive(-live);
    lastGrant = 0;
    doubtedMillis = Long.MIN_VALUE / 2;
  }

  ReplicaId id() {
    return id;
  }

  /** What its engine's events say of its prefix cache. */
  EngineCache engineCache() {
    return engineCache;
  }

  /** A prober's word on that. */
  void told(NodeId by, KvCacheState state, long nowMillis) {
    boolean isOfSame = engineCache.isOfSame(by);
    boolean isEmpty = engineCache.told(by, state, nowMillis);
    Prospect expected = prospect;
    if (expected != null) {
      expected.told(state, isOfSame);
      if (isEmpty) {
        expected.reborn();
      }
    }
  }

  boolean listed() {
    return spec != null;
  }

  ReplicaSpec spec() {
    ReplicaSpec known = spec;
    if (known == null) {
      throw new IllegalStateException("replica " + id + ": not listed (expected: listed)");
    }
    return known;
  }

  /**
   * @param ofPool what the pool declares, taken where the replica declares nothing; where that is
   *     empty too nothing is known and nothing is held against it
   * @param newZone what its zone carries
   */
  void describe(ReplicaSpec newSpec, Set<Capability> ofPool, ZoneLoad newZone) {
    spec = newSpec;
    zoneLoad.leave(live);
    zoneLoad = newZone;
    zoneLoad.enter(live);
    Set<Capability> declared = newSpec.capabilities().isEmpty() ? ofPool : newSpec.capabilities();
    capabilities = declared.isEmpty() ? CapabilityMask.ALL : CapabilityMask.of(declared);
  }

  /** Nothing has been said of it yet, or what was said was of another engine. */
  void unknown() {
    reported = null;
    prober = null;
    checks = 0;
    continuesMessages = Optional.empty();
    trustedUntilMillis = Long.MIN_VALUE;
  }

  int capabilities() {
    return capabilities;
  }

  int live() {
    return live;
  }

  void addLive(int change) {
    live += change;
    zoneLoad.addLive(change);
  }

  /** It is forgotten. */
  void leave() {
    zoneLoad.leave(live);
  }

  /** What its zone carries; one for all where the pool is not to spread over zones. */
  ZoneLoad zoneLoad() {
    return zoneLoad;
  }

  int maxConcurrent() {
    return spec == null ? 0 : spec.maxConcurrent();
  }

  String zone() {
    return spec == null ? "" : spec.zone();
  }

  /** Its share of the work for weighted strategies, as it is now. */
  double weight() {
    return use == Use.TRIED ? listedWeight() : listedWeight() * fraction;
  }

  /** Its share of the work by its list. */
  double listedWeight() {
    return spec == null ? 1 : spec.weight();
  }

  /** Whether its pool's list has it. */
  boolean isInList() {
    return listed() && reported != ReplicaState.REMOVED;
  }

  Use use() {
    return use;
  }

  /** Whether it gets ordinary work. */
  boolean usable() {
    return use == Use.WORKING;
  }

  /** What is held against it by what its requests came to. */
  Bar bar() {
    return bar;
  }

  /** Whether it is in use although it is barred, since no better one is left. */
  boolean kept() {
    return kept;
  }

  /** Takes in what is held against it. */
  void judge(Bar newBar) {
    bar = newBar;
    kept = false;
  }

  void keep() {
    kept = true;
  }

  Duty duty() {
    return duty;
  }

  void duty(Duty newDuty) {
    duty = newDuty;
  }

  /** Whether it could carry work, if its duty is to. */
  boolean sound() {
    return sound;
  }

  /** Since when it is, without a break. */
  long soundSinceMillis() {
    return soundSinceMillis;
  }

  /** Whether it was sound before and not in between. */
  boolean wasLost() {
    return wasLost;
  }

  /**
   * @param ramps whether it begins with a slow start where it was away for long enough
   */
  void sound(boolean now, boolean ramps, long nowMillis) {
    if (now && !sound) {
      boolean longAway =
          lostMillis == Long.MIN_VALUE || nowMillis - lostMillis >= Conduct.SLOW_START_AFTER_MILLIS;
      wasLost = lostMillis != Long.MIN_VALUE;
      soundSinceMillis = nowMillis;
      if (longAway) {
        rampFromMillis = ramps ? nowMillis : Long.MIN_VALUE;
      }
    } else if (!now && sound) {
      lostMillis = nowMillis;
    }
    sound = now;
  }

  /** When it was sound last; now, where it is. */
  long lastSoundMillis() {
    return sound ? Long.MAX_VALUE : lostMillis;
  }

  boolean isRamping() {
    return rampFromMillis != Long.MIN_VALUE;
  }

  double fraction() {
    return fraction;
  }

  /** How far its slow start has come: over 0, and 1 when it is over. */
  double ramp(long slowStartMillis, long nowMillis) {
    if (rampFromMillis == Long.MIN_VALUE) {
      return 1;
    }
    double done = (double) (nowMillis - rampFromMillis) / slowStartMillis;
    if (done >= 1) {
      rampFromMillis = Long.MIN_VALUE;
      return 1;
    }
    return Math.max(RAMP_MIN, done);
  }

  /** Takes in what work it gets; says whether anything changed. */
  boolean use(Use newUse, int newLimit, double newFraction, boolean isTrialDue, boolean isPaused) {
    boolean changed =
        use != newUse || limit != newLimit || trialDue != isTrialDue || paused != isPaused;
    use = newUse;
    limit = newLimit;
    fraction = newFraction;
    trialDue = isTrialDue;
    paused = isPaused;
    return changed;
  }

  void trialTaken() {
    trialDue = false;
  }

  /** Whether its engine has asked to be left alone for now. */
  boolean paused() {
    return paused;
  }

  /** Most requests that it gets at a time, as it is now. */
  int limit() {
    return limit;
  }

  /** Live grants as they count for a choice: a trial is not put off for what still runs there. */
  int load() {
    return use == Use.TRIED ? 0 : live;
  }

  /** Whether it gets no new grants by somebody's order; neither unhealthy nor failed. */
  boolean draining() {
    return draining;
  }

  void draining(boolean now) {
    draining = now;
  }

  /** Whether it takes one more request now. */
  boolean open() {
    return switch (use) {
      case WORKING -> !paused && live < limit;
      case TRIED -> trialDue && live < limit;
      case PASSIVE, OUT -> false;
    };
  }

  /** Whether it would take one more request now if those that carry the work can not. */
  boolean opensInNeed() {
    return use == Use.PASSIVE && !paused && live < limit;
  }

  boolean suits(int needs, Set<ReplicaId> excluded) {
    return (capabilities & needs) == needs && (excluded.isEmpty() || !excluded.contains(id));
  }

  @Override
  public String toString() {
    return id + " " + live + "/" + limit + " " + use;
  }
}
