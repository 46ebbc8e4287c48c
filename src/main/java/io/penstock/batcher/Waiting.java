package io.penstock.batcher;

import io.penstock.message.Admit;
import org.jspecify.annotations.Nullable;

/** One request in the queue; a link of two lists, and an element of two heaps. */
final class Waiting {
  final Admit admit;
  final long arrivedMillis;
  final long deadlineMillis;

  /** Order of arrival in the pool. */
  final long rank;

  /** Its tenant's requests in its line; null when it does not wait. */
  @Nullable Turn turn;

  @Nullable Waiting before;
  @Nullable Waiting after;

  /** What its tenant has waiting, and its neighbours there; null when it does not wait. */
  Crowd.@Nullable Member member;

  @Nullable Waiting older;
  @Nullable Waiting newer;

  /** Place among all that wait, by deadline. */
  int placeInQueue = Heap.NOWHERE;

  /** Place among those of its turn, by deadline. */
  int placeInTurn = Heap.NOWHERE;

  Waiting(Admit admit, long arrivedMillis, long deadlineMillis, long rank) {
    this.admit = admit;
    this.arrivedMillis = arrivedMillis;
    this.deadlineMillis = deadlineMillis;
    this.rank = rank;
  }

  /** Earliest deadline first, then order of arrival. */
  boolean isDueBefore(Waiting other) {
    return deadlineMillis != other.deadlineMillis
        ? deadlineMillis < other.deadlineMillis
        : rank < other.rank;
  }
}
