package io.penstock.adapter.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.telemetry.Names;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two failures in a row open it. */
class GuardTest {
  private static final int CLOSED = 0;
  private static final int HALF_OPEN = 1;
  private static final int OPEN = 2;

  private final Vertx vertx = Vertx.vertx();
  private final Context loop = vertx.getOrCreateContext();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final GuardMeters meters = new GuardMeters(registry);

  @AfterEach
  void close() {
    vertx.close().await();
  }

  private Guard guard(Duration timeout, Duration rest) {
    return new Guard(
        vertx, meters, "judge", "here", new Guard.Rules(2, timeout, rest), failure -> true);
  }

  private Guard guard(Duration rest) {
    return guard(Duration.ofMinutes(1), rest);
  }

  private <T> Future<T> call(Guard guard, Supplier<Future<T>> what) {
    Promise<T> done = Promise.promise();
    loop.runOnContext(go -> guard.call(what).onComplete(done));
    return done.future();
  }

  private void fails(Guard guard) {
    assertThatThrownBy(() -> call(guard, () -> Future.failedFuture("ill")).await())
        .hasMessage("ill");
  }

  private void answers(Guard guard) {
    assertThat(call(guard, () -> Future.succeededFuture("well")).await()).isEqualTo("well");
  }

  private void isCancelled(Guard guard) {
    assertThatThrownBy(
            () -> call(guard, () -> Future.failedFuture(new CancellationException("left"))).await())
        .isInstanceOf(CancellationException.class);
  }

  private double state() {
    return registry.get(Names.GUARD_STATE).tag("system", "judge").gauge().value();
  }

  private double calls(String outcome) {
    return registry.get(Names.GUARD_CALLS).tag("outcome", outcome).counter().count();
  }

  private void awaitState(int wanted) {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (state() != wanted) {
      assertThat(System.nanoTime()).as("state %s", state()).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    }
  }

  @Test
  void aCallThatIsCancelledIsNoAnswerBetweenTwoFailures() {
    Guard guard = guard(Duration.ofHours(1));
    fails(guard);
    isCancelled(guard);
    assertThat(state()).isEqualTo(CLOSED);
    fails(guard);
    awaitState(OPEN);
    assertThat(calls("failed")).isEqualTo(2);
    assertThatThrownBy(() -> call(guard, () -> Future.succeededFuture("well")).await())
        .matches(Guard::isRefusal);
    assertThat(calls("refused")).isEqualTo(1);
  }

  @Test
  void anAnswerBetweenTwoFailuresIsOne() {
    Guard guard = guard(Duration.ofHours(1));
    fails(guard);
    answers(guard);
    fails(guard);
    assertThat(state()).isEqualTo(CLOSED);
  }

  @Test
  void aTrialThatIsCancelledHasFoundNothingOut() {
    Guard guard = guard(Duration.ofMillis(200));
    fails(guard);
    fails(guard);
    for (int i = 0; i < 3; i++) {
      awaitState(HALF_OPEN);
      isCancelled(guard);
      assertThat(state()).isNotEqualTo(CLOSED);
    }
    awaitState(HALF_OPEN);
    answers(guard);
    awaitState(CLOSED);
    assertThat(calls("ok")).isEqualTo(1);
    assertThat(calls("failed")).isEqualTo(2);
  }

  @Test
  void oneThatTakesTooLongHasFailedAndIsHeardNoMore() {
    Guard guard = guard(Duration.ofMillis(50), Duration.ofHours(1));
    Promise<String> late = Promise.promise();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> call(guard, late::future).await())
          .isInstanceOf(TimeoutException.class)
          .hasMessage("no answer within 50 ms");
    }
    awaitState(OPEN);
    late.fail(new CancellationException("nobody waits"));
    assertThat(state()).isEqualTo(OPEN);
    assertThat(calls("failed")).isEqualTo(2);
  }

  @Test
  void ofSeveralOfOneLabelTheWorstIsShown() {
    Guard one = guard(Duration.ofHours(1));
    Guard two = guard(Duration.ofHours(1));
    fails(one);
    fails(one);
    awaitState(OPEN);
    answers(two);
    assertThat(state()).as("the other's state is not the only one").isEqualTo(OPEN);
    assertThat(calls("failed") + calls("ok")).isEqualTo(3);
    one.close();
    one.close();
    assertThat(state()).isEqualTo(CLOSED);
    two.close();
    assertThat(registry.find(Names.GUARD_STATE).gauges()).isEmpty();
  }
}
