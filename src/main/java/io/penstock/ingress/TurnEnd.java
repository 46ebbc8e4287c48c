package io.penstock.ingress;

import io.vertx.core.Context;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work put off to the end of this turn of the event loop: it runs when what all sockets had to say
 * has been heard, in the order in which it came. For writes: a socket that had several pieces to
 * read gives one to write, which is one system call instead of several. One per loop, touched on it
 * only; bounded by what one turn reads.
 */
final class TurnEnd {
  private static final Logger LOG = LoggerFactory.getLogger(TurnEnd.class);

  private final Context context;
  private List<Runnable> waiting = new ArrayList<>();
  private List<Runnable> running = new ArrayList<>();

  TurnEnd(Context context) {
    this.context = context;
  }

  /** Runs {@code work} at the end of this turn; what it throws is logged and stops no other. */
  void then(Runnable work) {
    if (waiting.isEmpty()) {
      context.runOnContext(turn -> run());
    }
    waiting.add(work);
  }

  private void run() {
    List<Runnable> now = waiting;
    waiting = running;
    running = now;
    for (Runnable work : now) {
      try {
        work.run();
      } catch (RuntimeException bug) {
        LOG.error("work at the end of a turn failed", bug);
      }
    }
    now.clear();
  }
}
