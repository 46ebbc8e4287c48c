package io.penstock.batcher;

import io.penstock.message.Admit;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/** One request in the queue; a link of its line's list. */
final class Waiting {
  static final Comparator<Waiting> BY_DEADLINE =
      Comparator.<Waiting>comparingLong(w -> w.deadlineMillis).thenComparingLong(w -> w.rank);

  final Admit admit;
  final long arrivedMillis;
  final long deadlineMillis;

  /** Place in its class: lower is served first; unique in the pool. */
  final long rank;

  @Nullable Line line;
  @Nullable Waiting before;
  @Nullable Waiting after;

  Waiting(Admit admit, long arrivedMillis, long deadlineMillis, long rank) {
    this.admit = admit;
    this.arrivedMillis = arrivedMillis;
    this.deadlineMillis = deadlineMillis;
    this.rank = rank;
  }
}
