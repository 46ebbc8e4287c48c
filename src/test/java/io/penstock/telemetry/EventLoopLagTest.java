package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(VertxExtension.class)
class EventLoopLagTest {
  @Test
  void recordsHowLateItRan(Vertx vertx) throws InterruptedException {
    MeterRegistry registry = new SimpleMeterRegistry();
    SteppingClock clock = new SteppingClock();

    try (LoopWatch watch = new LoopWatch(Clock.system(), registry, new Readiness())) {
      vertx.deployVerticle(new EventLoopLag(registry, clock, watch, 3));

      assertThat(clock.readThrice.await(60, TimeUnit.SECONDS)).isTrue();
    }
    Timer lag = registry.get(Names.EVENT_LOOP_LAG).tag("loop", "3").timer();
    assertThat(lag.count()).isPositive();
    // Two seconds pass between two looks at the clock, and half a second was due.
    assertThat(lag.max(TimeUnit.MILLISECONDS)).isEqualTo(1_500);
  }

  private static final class SteppingClock implements Clock {
    private final CountDownLatch readThrice = new CountDownLatch(3);
    private long nanos;

    @Override
    public long epochMillis() {
      return 0;
    }

    @Override
    public long nanos() {
      readThrice.countDown();
      nanos += TimeUnit.SECONDS.toNanos(2);
      return nanos;
    }
  }
}
