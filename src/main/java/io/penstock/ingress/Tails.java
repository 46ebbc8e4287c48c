package io.penstock.ingress;

import io.penstock.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Answers of engines that are complete by their own word, and whose end has still to be read before
 * the connection is another's. Each has a second for it. One per loop, touched on it only.
 *
 * <p>No timers: one would keep all that belongs to a request, for a second after it has ended,
 * which at some thousand requests a second is more than what is alive.
 */
final class Tails {
  /** How long an engine has to end an answer that it has said to be complete. */
  static final long MAX_MILLIS = 1_000;

  /** One of them. */
  static final class Tail {
    private final long dueMillis;
    private @Nullable Runnable cut;

    private Tail(long dueMillis, Runnable cut) {
      this.dueMillis = dueMillis;
      this.cut = cut;
    }

    /** The end has come. */
    void ended() {
      cut = null;
    }
  }

  private final Clock clock;
  private final Deque<Tail> waiting = new ArrayDeque<>(); // the first is due first

  Tails(Clock clock) {
    this.clock = clock;
  }

  /**
   * Waits for an end.
   *
   * @param cut called when it has not come in time
   */
  Tail await(Runnable cut) {
    Tail tail = new Tail(clock.millis() + MAX_MILLIS, cut);
    waiting.add(tail);
    return tail;
  }

  /** Cuts off what is due. */
  void tick(long nowMillis) {
    Tail first = waiting.peek();
    while (first != null && (first.cut == null || first.dueMillis <= nowMillis)) {
      waiting.remove();
      if (first.cut != null) {
        first.cut.run();
      }
      first = waiting.peek();
    }
  }

  /** Whether nothing is waited for; as of the last tick. */
  boolean isIdle() {
    return waiting.isEmpty();
  }
}
