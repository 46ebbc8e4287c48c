package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMark;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * All that one node knows of drains: a set of marks of which the last writer wins, target by
 * target. Pure.
 *
 * <p>Every node keeps one and tells the others all of it, so an order outlives the node that took
 * it and the owner that carries it out; it is lost only when all nodes are down at once. The book
 * after a set of messages does not depend on their order or repetition: a target's mark only ever
 * moves up in the total order of stamp and node (a last-writer-wins map, Shapiro et al., "A
 * comprehensive study of Convergent and Commutative Replicated Data Types", 2011). The same holds
 * with the bound: the {@code marksMax} highest marks are kept, and a mark that has once fallen
 * below so many others stays below them, since those only move up too.
 *
 * <p>Ended drains stay in the book, or an old message would begin them again. What the bound drops
 * first is what nobody has spoken of for longest.
 */
final class DrainBook {
  /** Most marks; the oldest beyond it are forgotten. */
  static final int MARKS_MAX = 1_024;

  private static final Comparator<DrainMark> ORDER =
      Comparator.comparingLong(DrainMark::stamp)
          .thenComparing(DrainMark::by)
          .thenComparing(DrainMark::kind)
          .thenComparing(DrainMark::name)
          .thenComparing(DrainMark::draining);

  private record Target(DrainKind kind, String name) {}

  private final int marksMax;
  private final Map<Target, DrainMark> marks = new HashMap<>();
  private final TreeSet<DrainMark> ordered = new TreeSet<>(ORDER);

  DrainBook() {
    this(MARKS_MAX);
  }

  DrainBook(int marksMax) {
    this.marksMax = marksMax;
  }

  /** Takes others' marks in; says whether anything was new. */
  boolean merge(List<DrainMark> told) {
    boolean changed = false;
    for (DrainMark each : told) {
      changed |= take(each);
    }
    return changed;
  }

  /**
   * An order given here and now, that no mark known so far can undo.
   *
   * @param epochMillis wall-clock time
   */
  void mark(DrainKind kind, String name, boolean draining, NodeId self, long epochMillis) {
    DrainMark before = marks.get(new Target(kind, name));
    long stamp = before == null ? epochMillis : Math.max(epochMillis, before.stamp() + 1);
    take(new DrainMark(kind, name, draining, stamp, self));
  }

  private boolean take(DrainMark mark) {
    Target target = new Target(mark.kind(), mark.name());
    @Nullable DrainMark before = marks.get(target);
    if (before != null && ORDER.compare(before, mark) >= 0) {
      return false;
    }
    if (before != null) {
      ordered.remove(before);
    }
    marks.put(target, mark);
    ordered.add(mark);
    if (marks.size() > marksMax) {
      DrainMark oldest = ordered.first();
      ordered.remove(oldest);
      marks.remove(new Target(oldest.kind(), oldest.name()));
      return !oldest.equals(mark);
    }
    return true;
  }

  /** All marks, the oldest first. */
  List<DrainMark> marks() {
    return List.copyOf(ordered);
  }

  /** What drains. */
  DrainState state() {
    Set<ReplicaId> replicas = new HashSet<>();
    Set<PoolName> pools = new HashSet<>();
    for (DrainMark each : ordered) {
      if (each.draining()) {
        switch (each.kind()) {
          case REPLICA -> replicas.add(new ReplicaId(each.name()));
          case POOL -> pools.add(new PoolName(each.name()));
        }
      }
    }
    return new DrainState(replicas, pools);
  }
}
