package io.penstock.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees when an event loop hangs: whatever blocks one stops a part of the node, and the part can not
 * say so itself. {@link EventLoopLag} beats on each loop twice a second; a thread of its own looks
 * at the age of the last beat.
 *
 * <ul>
 *   <li>from {@link #BLOCKED} on the loop is reported with the stack trace of its thread, now and
 *       whenever the time has doubled, and the node is not ready: connections that this loop gets
 *       would hang;
 *   <li>from {@link #GIVEN_UP} on what lives on it is given up ({@link Listener});
 *   <li>from {@link #DEAD} on the node is not live: it does not come back by itself.
 * </ul>
 *
 * <p>A block that ended before anybody looked is reported by the loop itself, without a stack
 * trace. Where this thread was late itself, the process was paused or had no CPU, and the pause
 * counts for no loop. Thread-safe.
 */
public final class LoopWatch implements AutoCloseable {
  /** How long a loop may not turn before it counts as blocked. */
  public static final Duration BLOCKED = Duration.ofSeconds(2);

  /** How long before others are asked to take over; as long as they wait for a silent node. */
  public static final Duration GIVEN_UP = Duration.ofSeconds(4);

  /** How long before the process should be started anew. */
  public static final Duration DEAD = Duration.ofSeconds(30);

  /** The condition in {@link Readiness}. */
  static final String CONDITION = "event-loops";

  private static final long LOOK_MILLIS = 250;

  /** A look that comes this much too late tells nothing of the loops. */
  private static final long LATE_MILLIS = 1_000;

  private static final Logger log = LoggerFactory.getLogger(LoopWatch.class);

  /** Who is told that a loop hangs, on the watching thread. */
  public interface Listener {
    /**
     * It has not turned for {@link #GIVEN_UP}.
     *
     * @param thread of the loop
     */
    void hangs(Thread thread);

    /** It turns again. */
    void turns(Thread thread);
  }

  /** How long is long. */
  record Limits(Duration blocked, Duration givenUp, Duration dead) {}

  private final Clock clock;
  private final MeterRegistry registry;
  private final Readiness readiness;
  private final Limits limits;
  private final List<Loop> loops = new CopyOnWriteArrayList<>();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final AtomicLong awakeSinceNanos;
  private final ScheduledExecutorService watcher;

  // Of the watching thread.
  private long lookedNanos;
  private boolean wasBlocked;

  /** Begins to watch whatever is added. */
  public LoopWatch(Clock clock, MeterRegistry registry, Readiness readiness) {
    this(clock, registry, readiness, new Limits(BLOCKED, GIVEN_UP, DEAD));
    begin();
  }

  /** Looks at nothing before {@link #begin}. */
  LoopWatch(Clock clock, MeterRegistry registry, Readiness readiness, Limits limits) {
    this.clock = clock;
    this.registry = registry;
    this.readiness = readiness;
    this.limits = limits;
    this.lookedNanos = clock.nanos();
    this.awakeSinceNanos = new AtomicLong(lookedNanos);
    this.watcher =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "penstock-loop-watch");
              thread.setDaemon(true);
              return thread;
            });
  }

  void begin() {
    ScheduledFuture<?> ignored =
        watcher.scheduleWithFixedDelay(
            this::lookOrSay, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Tells this one too from now on. */
  public void onChange(Listener listener) {
    listeners.add(listener);
  }

  /**
   * A loop to watch, which has just turned.
   *
   * @param ordinal the label
   * @param thread that the loop is
   */
  Loop add(int ordinal, Thread thread) {
    Loop loop = new Loop(ordinal, thread);
    loops.add(loop);
    return loop;
  }

  /** For how long the loop that hangs longest has not turned; 0 when all turn well enough. */
  public long deadMillis() {
    long longest = 0;
    for (Loop loop : loops) {
      longest = Math.max(longest, loop.stillMillis());
    }
    return longest >= limits.dead().toMillis() ? longest : 0;
  }

  @Override
  public void close() {
    watcher.shutdownNow();
  }

  private void lookOrSay() {
    try {
      look();
    } catch (RuntimeException bug) { // or nobody would look any more
      log.error("the event loops could not be looked at", bug);
    }
  }

  /** One look at all loops. */
  void look() {
    long now = clock.nanos();
    if (now - lookedNanos > TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS + LATE_MILLIS)) {
      awakeSinceNanos.set(now);
    }
    lookedNanos = now;
    StringBuilder blocked = new StringBuilder();
    for (Loop loop : loops) {
      long still = loop.look();
      if (still > 0) {
        blocked
            .append(blocked.isEmpty() ? "" : ", ")
            .append("event loop ")
            .append(loop.ordinal)
            .append(" has not turned for ")
            .append(still)
            .append(" ms");
      }
    }
    if (!blocked.isEmpty()) {
      readiness.unmet(CONDITION, blocked.toString());
    } else if (wasBlocked) {
      readiness.met(CONDITION);
    }
    wasBlocked = !blocked.isEmpty();
  }

  /** One loop. */
  final class Loop {
    private final int ordinal;
    private final Thread thread;
    private final Counter blocked;
    private final AtomicLong beatNanos;

    /** The beat after which a block has been reported, by the watching thread or by the loop. */
    private final AtomicLong reportedAfter = new AtomicLong(Long.MIN_VALUE);

    // Of the watching thread.
    private long nextReportMillis;
    private boolean isGivenUp;

    Loop(int ordinal, Thread thread) {
      this.ordinal = ordinal;
      this.thread = thread;
      this.beatNanos = new AtomicLong(clock.nanos());
      String label = Integer.toString(ordinal);
      this.blocked = registry.counter(Names.EVENT_LOOP_BLOCKED, "loop", label);
      Gauge.builder(Names.EVENT_LOOP_STILL, this, loop -> loop.stillMillis() / 1e3)
          .tag("loop", label)
          .strongReference(true)
          .register(registry);
    }

    /** The loop turns; called by itself. */
    void beat() {
      long before = beatNanos.get();
      long still = stillMillis();
      if (still >= limits.blocked().toMillis()) {
        if (reportedAfter.getAndSet(before) != before) {
          blocked.increment();
          log.warn(
              "event loop {} ({}) did not turn for {} ms; where it was is not known",
              ordinal,
              thread.getName(),
              still);
        } else {
          log.info("event loop {} ({}) turns again after {} ms", ordinal, thread.getName(), still);
        }
      }
      beatNanos.set(clock.nanos());
    }

    private long stillMillis() {
      long since = Math.max(beatNanos.get(), awakeSinceNanos.get());
      return Math.max(0, TimeUnit.NANOSECONDS.toMillis(clock.nanos() - since));
    }

    /** One look; for how long it has been blocked, 0 when it is not. */
    private long look() {
      long beat = beatNanos.get();
      long still = stillMillis();
      boolean now = still >= limits.blocked().toMillis();
      if (now && (reportedAfter.get() != beat || still >= nextReportMillis)) {
        report(beat, still);
      }
      if (isGivenUp && !now) {
        isGivenUp = false;
        listeners.forEach(listener -> listener.turns(thread));
      } else if (!isGivenUp && still >= limits.givenUp().toMillis()) {
        isGivenUp = true;
        listeners.forEach(listener -> listener.hangs(thread));
      }
      return now ? still : 0;
    }

    private void report(long beat, long still) {
      if (reportedAfter.getAndSet(beat) != beat) {
        blocked.increment();
      }
      nextReportMillis = 2 * still;
      log.error(
          "event loop {} ({}) has not turned for {} ms; what it is doing is below{}",
          ordinal,
          thread.getName(),
          still,
          still >= limits.dead().toMillis() ? "; this node is not live any more" : "",
          new Whereabouts(thread));
    }
  }

  /** Carries the stack trace of a thread into the log. */
  private static final class Whereabouts extends Throwable {
    private static final long serialVersionUID = 1;

    Whereabouts(Thread thread) {
      super("here is " + thread.getName(), null, false, true);
      setStackTrace(thread.getStackTrace());
    }
  }
}
