package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Doubted;
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
 * each has behaved ({@link Conduct}), and what work each gets for it ({@link Allotment}). A release
 * costs O(1) unless it changes what is held against a replica.
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

  /** The pool's written list; null where it follows a source, whose list the probers tell. */
  private @Nullable Map<ReplicaId, ReplicaSpec> written;

  private final List<AdmissionDecision> news = new ArrayList<>();
  private long nowMillis;
  private long newest;
  private final Map<ReplicaId, Replica> byId = new HashMap<>();
  private final List<Replica> all = new ArrayList<>();

  /** Whose live grants have changed since somebody looked. */
  private final Set<Replica> touched = new LinkedHashSet<>();

  private final Zones zones = new Zones();
  private final Allotment allotment;
  private final Candidates candidates;
  private boolean heard;
  private long structure;

  /** Whether replicas are there that no prober of the followed source has spoken of yet. */
  private boolean provisional;

  /**
   * @param probed whether the cluster has a prober
   */
  Roster(Pool pool, boolean probed) {
    this.pool = pool;
    this.allotment = new Allotment(pool, all, zones, touched, this::tell, id -> probed);
    this.candidates = new Candidates(all, allotment, zones);
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
    allotment.redefine(next);
    all.forEach(each -> each.conduct().policy(next.breaker()));
    all.forEach(this::followEvents);
    if (next.replicas() instanceof ReplicaSource.Listed listed) {
      takeInList(listed.replicas());
    } else {
      all.stream()
          .filter(Replica::listed)
          .forEach(
              each -> each.describe(each.spec(), next.capabilities(), zones.of(each.spec(), pool)));
      if (!sameSource && written != null) {
        forgetList();
      }
    }
    zones.dropEmpty();
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
        replica.reborn(newest);
      }
      if (isAnother || replica.reported == ReplicaState.REMOVED) {
        replica.unknown();
      }
      replica.provisionalUntilMillis = Long.MAX_VALUE;
      replica.describe(spec, pool.capabilities(), zones.of(spec, pool));
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
    return zones.all();
  }

  Optional<Replica> find(ReplicaId id) {
    return Optional.ofNullable(byId.get(id));
  }

  /** How many replicas would take one more request. */
  int open() {
    return allotment.open();
  }

  /** How many requests the usable replicas take at a time now. */
  int slots() {
    return allotment.slots();
  }

  /** Changes when a replica came, went, or was described anew. */
  long structure() {
    return structure;
  }

  /** Replicas that are healthy and have nothing held against them, whatever their duty. */
  int healthy() {
    return allotment.healthy();
  }

  /** Whether a barred replica is in use since no better one is left. */
  boolean degraded() {
    return allotment.degraded();
  }

  LimitShare share() {
    return allotment.share();
  }

  /** Whether there are replicas and an operator wants all of them left alone. */
  boolean allDrain() {
    return !all.isEmpty() && all.stream().allMatch(Replica::draining);
  }

  /** Whether this side of a split cluster may use no slot of any replica. */
  boolean isShareNothing() {
    for (Replica replica : all) {
      if (replica.isInList() && allotment.most(replica) > 0) {
        return false;
      }
    }
    return true;
  }

  /** Takes in this side's share of the limits; says whether anything changed. */
  boolean share(LimitShare now) {
    if (allotment.share().equals(now)) {
      return false;
    }
    allotment.share(now);
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
    return now >= allotment.dueMillis() && review();
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
    allotment.measured();
    Conduct.Effect effect =
        replica
            .conduct()
            .onOutcome(
                release,
                ordinal,
                newest,
                replica.live(),
                allotment.most(replica),
                replica.prober,
                replica.checks,
                nowMillis);
    if (Conduct.raisesDoubt(release)) {
      doubt(replica, release);
    }
    return switch (effect) {
      case NONE -> false;
      case LIMIT -> {
        allotment.relimit(replica, nowMillis);
        yield false;
      }
      case BAR -> review();
    };
  }

  private void doubt(Replica replica, Release release) {
    if (nowMillis - replica.doubtedMillis >= DOUBT_GAP_MILLIS) {
      String what = release.firstTokenMillis() < 0 ? "before" : "after";
      doubt(replica, "a request ended with " + release.outcome() + " " + what + " its first token");
    }
  }

  private void doubt(Replica replica, String why) {
    replica.doubtedMillis = nowMillis;
    tell(new Doubted(new Doubt(pool.name(), replica.id(), why)));
  }

  /**
   * Takes in who is probed now, as far as it can be known; says whether a replica's use changed.
   */
  boolean probed(Predicate<ReplicaId> now) {
    allotment.probed(now);
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
      replica.describe(status.spec(), pool.capabilities(), zones.of(status.spec(), pool));
      zones.dropEmpty();
      structure++;
    }
    boolean wasAway = replica.reported == ReplicaState.UNHEALTHY;
    replica.continuesMessages = status.continuesMessages();
    status
        .kvCache()
        .ifPresentOrElse(
            state -> replica.told(prober, state, nowMillis), replica.engineCache()::unheard);
    replica.engineCache().review(nowMillis);
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
      replica.reborn(newest);
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
    allotment.countOpen(wasOpen, replica.open());
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
    allotment.countOpen(wasOpen, replica.open());
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
    return candidates.reach(needs, excluded, heard);
  }

  /**
   * For how long all replicas that could serve such a request have asked to be left alone; 0 where
   * one has not.
   */
  long pausedMillis(int needs, Set<ReplicaId> excluded) {
    return candidates.pausedMillis(needs, excluded, nowMillis);
  }

  /** Whether a replica would take a request with these needs and exclusions now. */
  boolean opens(int needs, Set<ReplicaId> excluded) {
    return candidates.opens(needs, excluded);
  }

  /** Fills {@code into} with the replicas that would take such a request now. */
  void candidates(int needs, Set<ReplicaId> excluded, List<Replica> into) {
    candidates.fill(needs, excluded, into);
  }

  private boolean review() {
    dropUnconfirmed();
    for (Replica each : all) {
      if (each.conduct().wantsCheck(nowMillis) && each.doubtedMillis < nowMillis) {
        doubt(each, "connections to it failed");
      }
    }
    return allotment.review(newest, provisional, nowMillis);
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

  private Replica replica(ReplicaId id) {
    Replica known = byId.get(id);
    if (known != null) {
      return known;
    }
    Replica added = new Replica(id, new Conduct(pool.breaker()), zones.none());
    added.trustedUntilMillis = Long.MIN_VALUE;
    followEvents(added);
    byId.put(id, added);
    all.add(added);
    touched.add(added);
    structure++;
    return added;
  }

  private void followEvents(Replica replica) {
    replica
        .engineCache()
        .follow(pool.kvEvents().isPresent(), pool.health().signalInterval().toMillis());
  }

  private void dropIfGone(Replica replica) {
    boolean gone = !replica.listed() || replica.reported == ReplicaState.REMOVED;
    if (gone && replica.live() == 0) {
      byId.remove(replica.id());
      all.remove(replica);
      replica.leave();
      zones.dropEmpty();
      touched.remove(replica);
      structure++;
    }
  }
}
