package io.penstock.batcher;

import io.penstock.inference.ReplicaId;
import java.util.Comparator;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Waiting requests of one class that the same replicas can serve: by tenant in the fair order, and
 * all of them in order of arrival, as a linked list, so that one leaves from the middle at no cost.
 */
final class Line extends Heap<Turn> {
  /**
   * Which requests share a line.
   *
   * @param retry whether they have failed before and go first
   * @param needs capabilities, as a mask
   */
  record Key(boolean retry, int needs, Set<ReplicaId> excluded) {}

  /**
   * Lines with retries first, then in the fair order of their first tenants; what one tenant has in
   * several lines by deadline. For lines that hold something.
   */
  static final Comparator<Line> BY_FIRST = Line::compare;

  final Key key;

  /** What its requests may hope for, and since when it is no more than that. */
  Reach reach = Reach.SERVED;

  long reachSinceMillis;

  /** Whether a replica would take one of its requests, as of the choice of that number. */
  boolean opens;

  long opensAsOf;

  private @Nullable Waiting head;
  private @Nullable Waiting tail;

  Line(Key key) {
    this.key = key;
  }

  /** Who arrived first. */
  @Nullable Waiting head() {
    return head;
  }

  /** Who is served first. */
  Waiting next() {
    return firstTurn().head();
  }

  private Turn firstTurn() {
    @Nullable Turn first = first();
    if (first == null) {
      throw new IllegalStateException("line " + key + ": empty (expected: somebody waits)");
    }
    return first;
  }

  void append(Waiting waiting) {
    waiting.before = tail;
    if (tail == null) {
      head = waiting;
    } else {
      tail.after = waiting;
    }
    tail = waiting;
  }

  void unlink(Waiting waiting) {
    if (waiting.before == null) {
      head = waiting.after;
    } else {
      waiting.before.after = waiting.after;
    }
    if (waiting.after == null) {
      tail = waiting.before;
    } else {
      waiting.after.before = waiting.before;
    }
    waiting.before = null;
    waiting.after = null;
  }

  private static int compare(Line a, Line b) {
    if (a == b) {
      return 0;
    }
    if (a.key.retry() != b.key.retry()) {
      return a.key.retry() ? -1 : 1;
    }
    Account first = a.firstTurn().account;
    Account second = b.firstTurn().account;
    if (first.isBefore(second)) {
      return -1;
    }
    if (second.isBefore(first)) {
      return 1;
    }
    return a.next().isDueBefore(b.next()) ? -1 : 1;
  }

  @Override
  boolean isBefore(Turn a, Turn b) {
    return a.account.isBefore(b.account);
  }

  @Override
  int place(Turn turn) {
    return turn.place;
  }

  @Override
  void place(Turn turn, int at) {
    turn.place = at;
  }
}
