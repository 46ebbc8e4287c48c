package io.penstock.telemetry;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Twice a second on its event loop: how late am I? Deployed with as many instances as there are
 * event loops, one lands on each. What a request pays for work that holds the loop shows here, and
 * a rising maximum is the first sign that a node has too little CPU. It is the heartbeat that the
 * {@link LoopWatch} listens to.
 */
public final class EventLoopLag extends VerticleBase {
  private static final long PERIOD_MILLIS = 500;

  private final Clock clock;
  private final Timer lag;
  private final LoopWatch watch;
  private final int loop;
  private LoopWatch.@Nullable Loop watched;
  private long dueNanos;

  /**
   * @param loop ordinal of the instance, the label
   */
  public EventLoopLag(MeterRegistry registry, Clock clock, LoopWatch watch, int loop) {
    this.clock = clock;
    this.watch = watch;
    this.loop = loop;
    this.lag =
        Timer.builder(Names.EVENT_LOOP_LAG).tag("loop", Integer.toString(loop)).register(registry);
  }

  @Override
  public Future<?> start() {
    watched = watch.add(loop, Thread.currentThread());
    arm();
    return Future.succeededFuture();
  }

  private void arm() {
    dueNanos = clock.nanos() + TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS);
    vertx.setTimer(PERIOD_MILLIS, fired -> tick());
  }

  private void tick() {
    lag.record(Math.max(0, clock.nanos() - dueNanos), TimeUnit.NANOSECONDS);
    LoopWatch.Loop turning = watched;
    if (turning != null) {
      turning.beat();
    }
    arm();
  }
}
