package io.penstock.batcher;

import io.penstock.inference.ReplicaId;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Waiting requests of one class that the same replicas can serve, first come first served. A linked
 * list, so that a request leaves from the middle at no cost.
 */
final class Line {
  /**
   * Which requests share a line.
   *
   * @param retry whether they have failed before and go first
   * @param needs capabilities, as a mask
   */
  record Key(boolean retry, int needs, Set<ReplicaId> excluded) {}

  final Key key;

  /** What its requests may hope for, and since when it is no more than that. */
  Reach reach = Reach.SERVED;

  long reachSinceMillis;

  private @Nullable Waiting head;
  private @Nullable Waiting tail;

  Line(Key key) {
    this.key = key;
  }

  @Nullable Waiting head() {
    return head;
  }

  void append(Waiting waiting) {
    waiting.line = this;
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
    waiting.line = null;
    waiting.before = null;
    waiting.after = null;
  }
}
