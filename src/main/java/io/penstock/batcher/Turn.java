package io.penstock.batcher;

import org.jspecify.annotations.Nullable;

/** The requests of one tenant in one line: earliest deadline first, then order of arrival. */
final class Turn extends Heap<Waiting> {
  final Line line;
  final Account account;

  /** What its requests will be charged, as far as it can be known, per unit of weight. */
  double cost;

  /** Place among the turns of its line, in the fair order. */
  int place = NOWHERE;

  Turn(Line line, Account account) {
    this.line = line;
    this.account = account;
  }

  /** The next one; there is one for as long as the turn is in its line. */
  Waiting head() {
    @Nullable Waiting head = first();
    if (head == null) {
      throw new IllegalStateException("tenant " + account.tenant + " (expected: waiting)");
    }
    return head;
  }

  @Override
  boolean isBefore(Waiting a, Waiting b) {
    return a.isDueBefore(b);
  }

  @Override
  int place(Waiting waiting) {
    return waiting.placeInTurn;
  }

  @Override
  void place(Waiting waiting, int at) {
    waiting.placeInTurn = at;
  }
}
