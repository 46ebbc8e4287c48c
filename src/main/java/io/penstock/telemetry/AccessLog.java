package io.penstock.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one line per request. {@link #write} only queues; a thread of its own formats and writes
 * what has gathered every {@value #GATHER_MILLIS} ms, in one call for many lines, and sleeps when
 * there is nothing. When it can not keep up, because whoever reads the output does not, lines
 * beyond {@value #LINES_MAX} are dropped and counted in {@link Names#ACCESS_LINES_DROPPED}: a
 * request never waits for its log. Thread-safe.
 *
 * <p>Lines are written while the logger {@value #LOGGER} is enabled for INFO.
 */
public final class AccessLog implements AutoCloseable {
  /** Its level turns access lines on and off. */
  public static final String LOGGER = "penstock.access";

  private static final Logger log = LoggerFactory.getLogger(AccessLog.class);
  private static final int LINES_MAX = 8_192;
  private static final int BATCH_MAX = 256;
  private static final long GATHER_MILLIS = 20;
  private static final long CLOSE_SECONDS = 2;

  private final ArrayBlockingQueue<AccessLine> waiting = new ArrayBlockingQueue<>(LINES_MAX);
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final Logger access = LoggerFactory.getLogger(LOGGER);
  private final ScheduledExecutorService writer;
  private final LogFormat format;
  private final OutputStream out;
  private final Counter dropped;
  private boolean failing; // of the writer thread

  /**
   * @param out each call to it has whole lines; not closed
   */
  public AccessLog(LogFormat format, OutputStream out, MeterRegistry registry) {
    this.format = format;
    this.out = out;
    this.dropped = registry.counter(Names.ACCESS_LINES_DROPPED);
    this.writer =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "penstock-access-log");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Queues a line; never blocks. */
  public void write(AccessLine line) {
    if (!access.isInfoEnabled()) {
      return;
    }
    if (!waiting.offer(line)) {
      dropped.increment();
    } else if (scheduled.compareAndSet(false, true)) {
      ScheduledFuture<?> ignored =
          writer.schedule(this::drain, GATHER_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private void drain() {
    scheduled.set(false); // before looking: a line that comes from now on schedules the next drain
    List<AccessLine> batch = new ArrayList<>(BATCH_MAX);
    while (waiting.drainTo(batch, BATCH_MAX) > 0) {
      try {
        out.write(format.format(batch));
        out.flush();
        failing = false;
      } catch (IOException | RuntimeException e) {
        dropped.increment(batch.size());
        if (!failing) {
          failing = true;
          log.warn("access lines can not be written: {}", e.toString());
        }
      }
      batch.clear();
    }
  }

  /** Writes what is queued, for at most {@value #CLOSE_SECONDS} s. */
  @Override
  public void close() {
    writer.execute(this::drain);
    writer.shutdown();
    try {
      if (!writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        writer.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
