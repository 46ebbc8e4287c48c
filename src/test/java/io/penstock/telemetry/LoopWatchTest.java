package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.AppenderBase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.time.Clock;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Loops that are really blocked. */
@Timeout(300)
class LoopWatchTest {
  private static final LoopWatch.Limits DEAD_SOON =
      new LoopWatch.Limits(LoopWatch.BLOCKED, Duration.ofMillis(2_500), Duration.ofMillis(2_750));

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final Readiness readiness = new Readiness();
  private final LoopWatch watch = new LoopWatch(Clock.system(), meters, readiness, DEAD_SOON);
  private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
  private final List<ILoggingEvent> log = new CopyOnWriteArrayList<>();
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          log.add(event);
        }
      };

  @BeforeEach
  void beat() throws Exception {
    appender.start();
    ((Logger) LoggerFactory.getLogger(LoopWatch.class)).addAppender(appender);
    watch.onChange(
        new LoopWatch.Listener() {
          @Override
          public void hangs(Thread thread) {
            told.add("hangs " + thread.getName());
          }

          @Override
          public void turns(Thread thread) {
            told.add("turns " + thread.getName());
          }
        });
    watch.begin();
    AtomicInteger ordinal = new AtomicInteger();
    get(
        vertx.deployVerticle(
            () -> new EventLoopLag(meters, Clock.system(), watch, ordinal.getAndIncrement()),
            new DeploymentOptions().setInstances(2)));
  }

  @AfterEach
  void close() throws Exception {
    ((Logger) LoggerFactory.getLogger(LoopWatch.class)).detachAppender(appender);
    watch.close();
    get(vertx.close());
  }

  private static <T> T get(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("within 60 s").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  /** Parks its event loop until it is woken. */
  private static final class Sleeper extends VerticleBase {
    private final BlockingQueue<String> told;
    private final AtomicBoolean woken;

    Sleeper(BlockingQueue<String> told, AtomicBoolean woken) {
      this.told = told;
      this.woken = woken;
    }

    @Override
    public Future<?> start() {
      told.add("parks " + Thread.currentThread().getName());
      vertx.runOnContext(turn -> sleepSoundly(woken));
      return Future.succeededFuture();
    }

    private static void sleepSoundly(AtomicBoolean woken) {
      while (!woken.get()) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
      }
    }
  }

  @Test
  void aLoopThatHangsIsReportedWithWhereItIsAndThatItTurnsAgain() throws Exception {
    assertThat(watch.deadMillis()).isZero();
    AtomicBoolean woken = new AtomicBoolean();
    vertx.deployVerticle(new Sleeper(told, woken)); // its loop may park before it can say so
    String parks = String.valueOf(told.poll(60, TimeUnit.SECONDS));
    String thread = parks.substring("parks ".length());

    until(() -> !readiness.state().ready());
    assertThat(readiness.state().conditions().get(LoopWatch.CONDITION))
        .contains("has not turned for");
    awaitTold("hangs " + thread);
    until(() -> watch.deadMillis() > 0);
    assertThat(watch.deadMillis()).isGreaterThanOrEqualTo(2_750);

    woken.set(true);
    awaitTold("turns " + thread);
    until(() -> readiness.state().ready());
    assertThat(watch.deadMillis()).isZero();
    assertThat(blocked()).isGreaterThanOrEqualTo(1);
    ILoggingEvent report =
        log.stream()
            .filter(l -> l.getFormattedMessage().contains(thread))
            .findFirst()
            .orElseThrow();
    assertThat(report.getFormattedMessage()).containsPattern("has not turned for \\d{4,} ms");
    assertThat(Arrays.stream(report.getThrowableProxy().getStackTraceElementProxyArray()))
        .extracting(StackTraceElementProxy::getSTEAsString)
        .anyMatch(frame -> frame.contains("LoopWatchTest$Sleeper.sleepSoundly"));
    assertThat(log)
        .extracting(ILoggingEvent::getFormattedMessage)
        .anyMatch(l -> l.contains("again after"));
  }

  /** On a machine that stands still the other loop may be told of too. */
  private void awaitTold(String wanted) throws InterruptedException {
    String last = "";
    while (!wanted.equals(last)) {
      last = told.poll(60, TimeUnit.SECONDS);
      assertThat(last).as("told in time, until %s", wanted).isNotNull();
    }
  }

  private double blocked() {
    return meters.get(Names.EVENT_LOOP_BLOCKED).counters().stream()
        .mapToDouble(counter -> counter.count())
        .sum();
  }

  // --- in virtual time, from here on ---

  private long nowMillis;
  private final SimpleMeterRegistry virtualMeters = new SimpleMeterRegistry();
  private final LoopWatch virtual =
      new LoopWatch(
          new Clock() {
            @Override
            public long epochMillis() {
              return nowMillis;
            }

            @Override
            public long nanos() {
              return TimeUnit.MILLISECONDS.toNanos(nowMillis);
            }
          },
          virtualMeters,
          readiness,
          DEAD_SOON);

  private void pass(long millis) {
    for (long i = 0; i < millis; i += 250) {
      nowMillis += 250;
      virtual.look();
    }
  }

  private double virtuallyBlocked() {
    return virtualMeters.get(Names.EVENT_LOOP_BLOCKED).tag("loop", "7").counter().count();
  }

  @Test
  void aLoopThatTurnsIsLeftAlone() {
    LoopWatch.Loop loop = virtual.add(7, Thread.currentThread());
    for (int i = 0; i < 100; i++) {
      pass(1_750);
      loop.beat();
    }
    assertThat(virtuallyBlocked()).isZero();
    assertThat(readiness.state().ready()).isTrue();
    assertThat(log).isEmpty();
  }

  @Test
  void aBlockIsCountedOnceAndReportedWheneverItsLengthHasDoubled() {
    LoopWatch.Loop loop = virtual.add(7, Thread.currentThread());
    pass(20_000);
    assertThat(virtuallyBlocked()).isEqualTo(1);
    assertThat(log).hasSize(4); // after 2, 4, 8 and 16 s
    assertThat(virtual.deadMillis()).isEqualTo(20_000);
    assertThat(virtualMeters.get(Names.EVENT_LOOP_STILL).gauge().value()).isEqualTo(20);
    loop.beat();
    pass(250);
    assertThat(virtual.deadMillis()).isZero();
    assertThat(readiness.state().ready()).isTrue();
    pass(2_250);
    assertThat(virtuallyBlocked()).as("a second one").isEqualTo(2);
  }

  @Test
  void aBlockThatIsOverBeforeAnybodyLooksIsReportedByTheLoop() {
    LoopWatch.Loop loop = virtual.add(7, Thread.currentThread());
    nowMillis += 2_100;
    loop.beat();
    assertThat(virtuallyBlocked()).isEqualTo(1);
    assertThat(log).hasSize(1);
    pass(1_000);
    assertThat(log).hasSize(1);
  }

  @Test
  void aPauseOfTheProcessIsNoBlock() {
    virtual.add(7, Thread.currentThread());
    pass(1_000);
    nowMillis += 60_000;
    virtual.look();
    pass(1_750);
    assertThat(virtuallyBlocked()).isZero();
    assertThat(readiness.state().ready()).isTrue();
    pass(250);
    assertThat(virtuallyBlocked()).as("it has not turned since the pause").isEqualTo(1);
  }
}
