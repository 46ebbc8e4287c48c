package io.penstock.ingress;

import io.vertx.core.internal.ContextInternal;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work put off until what is there to read has been read, in the order in which it came. For
 * writes: a socket that had several pieces to read gives one to write, which is one system call
 * instead of several. It is flush consolidation, as Netty has it for one channel, from the channel
 * that is read to those that are written.
 *
 * <p>Where a socket {@link #begins says} that it is read, work waits until it has been, and not for
 * the next one: with a thousand streams ready in one turn the first does not wait for the last, and
 * is written while what belongs to it is in the cache. Else it waits for the end of this turn of
 * the event loop; what waits for that goes with a socket that ends before. One per loop, touched on
 * it only; bounded by what is read till then.
 */
final class ReadEnd {
  private static final Logger LOG = LoggerFactory.getLogger(ReadEnd.class);

  private final ContextInternal context;
  private final Runnable run = this::run;
  private List<Runnable> waiting = new ArrayList<>();
  private List<Runnable> spare = new ArrayList<>();
  private boolean isReading;
  private boolean isScheduled;
  private boolean isRunning;

  /**
   * @param context of an event loop, which the work runs on
   */
  ReadEnd(ContextInternal context) {
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
  void begins() {
    isReading = true;
  }

  /**
   * A socket has been read, whether it has said that it began or not: what was put off runs now; if
   * this is called from within such work, in the next turn.
   */
  void ends() {
    isReading = false;
    if (!isRunning && !waiting.isEmpty()) {
      context.dispatch(run);
    }
  }

  private void schedule() {
    if (!isScheduled && !isRunning) { // run() schedules what is left
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
      } catch (RuntimeException | Error bug) { // whatever it is: the others' streams go on
        LOG.error("work put off to the end of a read failed", bug);
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
