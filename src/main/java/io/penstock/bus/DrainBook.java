package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMark;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** All that one node knows of drains: a {@link Book} of them. Pure. */
final class DrainBook {
  /** Most marks; the oldest beyond it are forgotten. */
  static final int MARKS_MAX = 1_024;

  private final Book<DrainMark> book;

  DrainBook() {
    this(MARKS_MAX);
  }

  DrainBook(int marksMax) {
    book = new Book<>(marksMax, Comparator.comparing(DrainMark::draining));
  }

  /** The marks themselves. */
  Book<DrainMark> book() {
    return book;
  }

  /** Takes others' marks in; says whether anything was new. */
  boolean merge(List<DrainMark> told) {
    return !book.merge(told).isEmpty();
  }

  /**
   * An order given here and now, that no mark known so far can undo.
   *
   * @param epochMillis wall-clock time
   */
  DrainMark mark(DrainKind kind, String name, boolean draining, NodeId self, long epochMillis) {
    String target = new DrainMark(kind, name, draining, 0, self).target();
    DrainMark mark = new DrainMark(kind, name, draining, book.stamp(target, epochMillis), self);
    book.take(mark);
    return mark;
  }

  /** All marks, the oldest first. */
  List<DrainMark> marks() {
    return book.marks();
  }

  /** What drains. */
  DrainState state() {
    Set<ReplicaId> replicas = new HashSet<>();
    Set<PoolName> pools = new HashSet<>();
    for (DrainMark each : book.marks()) {
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
