package io.penstock.batcher;

import io.penstock.batcher.Replica.Use;
import io.penstock.inference.ReplicaId;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which replicas a request may hope for, and which would take it now. Pure. */
final class Candidates {
  private final List<Replica> all;
  private final Allotment allotment;
  private final Zones zones;

  /**
   * @param all the pool's replicas in order, as they are at each call
   */
  Candidates(List<Replica> all, Allotment allotment, Zones zones) {
    this.all = all;
    this.allotment = allotment;
    this.zones = zones;
  }

  /**
   * What a request with these needs and exclusions may hope for.
   *
   * @param heard whether it is known at all which replicas there are
   */
  Reach reach(int needs, Set<ReplicaId> excluded, boolean heard) {
    boolean hope = !heard;
    boolean passive = false;
    for (Replica replica : all) {
      if (replica.suits(needs, excluded)) {
        if (replica.usable() && replica.limit() > 0) {
          return Reach.SERVED;
        }
        passive |= replica.use() == Use.PASSIVE && replica.limit() > 0;
        hope |= replica.usable() && !allotment.share().isWhole(); // the cut may heal
        hope |= allotment.isHopedFor(replica);
      }
    }
    return passive ? Reach.SERVED : hope ? Reach.HOPED_FOR : Reach.NONE;
  }

  /**
   * For how long all replicas that could serve such a request have asked to be left alone; 0 where
   * one has not.
   */
  long pausedMillis(int needs, Set<ReplicaId> excluded, long nowMillis) {
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
    if (allotment.open() == 0 && !allotment.holdsBack()) {
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
  void fill(int needs, Set<ReplicaId> excluded, List<Replica> into) {
    into.clear();
    for (Replica replica : allotment.open() == 0 ? List.<Replica>of() : all) {
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
    if (!excluded.isEmpty() && into.size() > 1 && !zones.all().isEmpty()) {
      zones.keepAway(known(excluded), into);
    }
  }

  private @Nullable Replica standIn(int needs, Set<ReplicaId> excluded) {
    if (!allotment.holdsBack()) {
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

  private List<Replica> known(Set<ReplicaId> ids) {
    return all.stream().filter(each -> ids.contains(each.id())).toList();
  }
}
