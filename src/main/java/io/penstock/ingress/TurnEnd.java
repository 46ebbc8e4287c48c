package io.penstock.ingress;

import io.vertx.core.internal.ContextInternal;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work put off until what is there to read has been read, in the order in which it came. For
 * writes: a socket that had several pieces to read gives one to write, which is one system call
 * instead of several.
 *
 * <p>Where a socket {@link #readBegins says} that it is read, that is when it has been read and
 * before the next one is: with a thousand streams ready in one turn the first does not wait for the
 * last, and is written while what belongs to it is in the cache. Else it is the end of this turn of
 * the event loop. One per loop, touched on it only; bounded by what is read till then.
 */
final class TurnEnd {
  private static final Logger LOG = LoggerFactory.getLogger(TurnEnd.class);

  private final ContextInternal context;
  private List<Runnable> waiting = new ArrayList<>();
  private List<Runnable> spare = new ArrayList<>();
  private boolean isReading;
  private boolean isScheduled;
  private boolean isRunning;

  /**
   * @param context of a verticle, which the work runs on
   */
  TurnEnd(ContextInternal context) {
    this.context = context;
  }

  /** Runs {@code work} at the end; what it throws is logged and stops no other. */
  void then(Runnable work) {
    waiting.add(work);
    if (!isReading) {
      schedule();
    }
  }

  /** A socket is being read, and will say when it has been. */
  void readBegins() {
    isReading = true;
  }

  /** The socket has been read: what was put off runs now. */
  void readEnds() {
    isReading = false;
    if (isRunning) {
      return; // it looks again
    }
    if (!waiting.isEmpty()) {
      context.dispatch(this::run);
    }
  }

  private void schedule() {
    if (!isScheduled && !isRunning) {
      isScheduled = true;
      context.runOnContext(
          turn -> {
            isScheduled = false;
            run();
          });
    }
  }

  private void run() {
    List<Runnable> now = waiting;
    waiting = spare;
    isRunning = true;
    for (Runnable work : now) {
      try {
        work.run();
      } catch (RuntimeException bug) {
        LOG.error("work at the end of a turn failed", bug);
      }
    }
    isRunning = false;
    now.clear();
    spare = now;
    if (!waiting.isEmpty()) {
      schedule();
    }
  }
}
