package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.message.ReplicaStatus;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The replicas of one pool: merged from the probers' reports by id, with their live grants.
 *
 * <p>Before any report a replica of a written list is usable if nobody probes in this cluster, and
 * waited for otherwise. A prober that takes a share over from another starts with "never answered
 * yet"; that is no news of a replica known to be healthy, and does not count for {@link
 * #TAKEOVER_MILLIS}.
 */
final class Roster {
  /** How long a replica stays healthy on the word of the prober before. */
  static final long TAKEOVER_MILLIS = 5_000;

  private final Pool pool;
  private final Map<ReplicaId, Replica> byId = new HashMap<>();
  private final List<Replica> all = new ArrayList<>();

  /** Whose live grants have changed since somebody looked. */
  private final Set<Replica> touched = new LinkedHashSet<>();

  private boolean probed;
  private boolean heard;
  private int open;
  private int slots;
  private long structure;

  /**
   * @param probed whether the cluster has a prober
   */
  Roster(Pool pool, boolean probed) {
    this.pool = pool;
    this.probed = probed;
    if (pool.replicas() instanceof ReplicaSource.Listed listed) {
      for (ReplicaSpec spec : listed.replicas()) {
        replica(spec.id()).describe(spec, pool.capabilities());
      }
      heard = true;
    }
    review();
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

  Optional<Replica> find(ReplicaId id) {
    return Optional.ofNullable(byId.get(id));
  }

  /** How many replicas would take one more request. */
  int open() {
    return open;
  }

  /** Sum of {@code max_concurrent} over the usable replicas. */
  int slots() {
    return slots;
  }

  /** Changes when a replica came, went, or was described anew. */
  long structure() {
    return structure;
  }

  /** Takes in whether the cluster has a prober now; says whether a replica's use changed. */
  boolean probed(boolean now) {
    if (probed == now) {
      return false;
    }
    probed = now;
    return review();
  }

  /** Takes one prober's word on one replica in; says whether anything changed. */
  boolean report(NodeId prober, ReplicaStatus status, long nowMillis) {
    boolean first = !heard;
    heard = true;
    ReplicaId id = status.spec().id();
    if (status.state() == ReplicaState.REMOVED) {
      return remove(id) || first;
    }
    if (!byId.containsKey(id) && all.size() >= Pool.REPLICAS_MAX) {
      return first;
    }
    Replica replica = replica(id);
    boolean described = !replica.listed() || !replica.spec().equals(status.spec());
    if (described) {
      replica.describe(status.spec(), pool.capabilities());
      structure++;
    }
    replica.continuesMessages = status.continuesMessages();
    boolean moved = hear(replica, prober, status.state(), nowMillis);
    if (described || moved) {
      review();
    }
    return described || moved || first;
  }

  private static boolean hear(Replica replica, NodeId prober, ReplicaState state, long nowMillis) {
    boolean heirKnowsNothing =
        state == ReplicaState.STARTING
            && replica.reported == ReplicaState.HEALTHY
            && !prober.equals(replica.prober);
    if (heirKnowsNothing) {
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
    countOpen(wasOpen, replica.open());
  }

  /** Counts one live grant less. */
  void giveBack(ReplicaId id) {
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
  }

  /** Forgets all live grants: another node counts them now. */
  void forgetLive() {
    for (Replica replica : List.copyOf(all)) {
      replica.addLive(-replica.live());
      touched.add(replica);
      dropIfGone(replica);
    }
    review();
  }

  /** What a request with these needs and exclusions may hope for. */
  Reach reach(int needs, Set<ReplicaId> excluded) {
    boolean hope = !heard;
    for (Replica replica : all) {
      if (replica.suits(needs, excluded)) {
        if (replica.usable()) {
          return Reach.SERVED;
        }
        hope |= hopedFor(replica);
      }
    }
    return hope ? Reach.HOPED_FOR : Reach.NONE;
  }

  /** Whether a replica would take a request with these needs and exclusions now. */
  boolean opens(int needs, Set<ReplicaId> excluded) {
    if (open == 0) {
      return false;
    }
    for (Replica replica : all) {
      if (replica.open() && replica.suits(needs, excluded)) {
        return true;
      }
    }
    return false;
  }

  /** Fills {@code into} with the replicas that would take such a request now. */
  void candidates(int needs, Set<ReplicaId> excluded, List<Replica> into) {
    into.clear();
    if (open == 0) {
      return;
    }
    for (Replica replica : all) {
      if (replica.open() && replica.suits(needs, excluded)) {
        into.add(replica);
      }
    }
  }

  private boolean review() {
    boolean changed = false;
    int openNow = 0;
    int slotsNow = 0;
    for (Replica replica : all) {
      boolean usable = usable(replica);
      changed |= usable != replica.usable();
      replica.usable(usable);
      openNow += replica.open() ? 1 : 0;
      slotsNow += usable ? replica.maxConcurrent() : 0;
    }
    changed |= openNow != open || slotsNow != slots;
    open = openNow;
    slots = slotsNow;
    return changed;
  }

  private boolean usable(Replica replica) {
    @Nullable ReplicaState state = replica.reported;
    return replica.listed()
        && !replica.draining()
        && (state == null ? !probed : state == ReplicaState.HEALTHY);
  }

  private boolean hopedFor(Replica replica) {
    @Nullable ReplicaState state = replica.reported;
    return replica.listed()
        && !replica.draining()
        && (state == null ? probed : state == ReplicaState.STARTING);
  }

  private Replica replica(ReplicaId id) {
    Replica known = byId.get(id);
    if (known != null) {
      return known;
    }
    Replica added = new Replica(id);
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
      touched.remove(replica);
      structure++;
    }
  }

  private void countOpen(boolean before, boolean after) {
    open += (after ? 1 : 0) - (before ? 1 : 0);
  }
}
