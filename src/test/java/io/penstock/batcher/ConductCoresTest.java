package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.BreakerPolicy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The cores of a replica's conduct, each on its own, over random events. */
class ConductCoresTest {
  private static final BreakerPolicy POLICY =
      new BreakerPolicy(
          true, 0.5, Duration.ofSeconds(60), 10, Duration.ofSeconds(60), Duration.ofSeconds(30));

  private record Seen(long at, boolean failed) {}

  @Property(tries = 200)
  void aWindowCountsWhatIsYoungAndForgetsWhatIsOld(@ForAll long seed) {
    Random random = new Random(seed);
    ErrorWindow window = new ErrorWindow(12_000);
    Deque<Seen> seen = new ArrayDeque<>();
    long now = random.nextInt(100_000) - 50_000;
    for (int i = 0; i < 300; i++) {
      now += random.nextInt(10) == 0 ? random.nextInt(20_000) : random.nextInt(200);
      boolean failed = random.nextBoolean();
      window.add(failed, now);
      seen.add(new Seen(now, failed));
      long at = now;
      long atLeast = seen.stream().filter(each -> each.at() > at - 11_000).count();
      long atMost = seen.stream().filter(each -> each.at() > at - 12_000).count();
      assertThat((long) window.requests(now)).isBetween(atLeast, atMost);
      long failures =
          seen.stream().filter(each -> each.failed() && each.at() > at - 12_000).count();
      assertThat((long) window.failures(now)).isLessThanOrEqualTo(failures);
    }
  }

  @Property(tries = 300)
  void aBreakerOpensOnEvidenceOnlyAndClosesOnThreeSuccesses(@ForAll long seed) {
    Random random = new Random(seed);
    Breaker breaker = new Breaker(POLICY);
    double bad = random.nextDouble();
    long now = 0;
    int failures = 0;
    int successesInARow = 0;
    for (int i = 0; i < 500; i++) {
      now += random.nextInt(2_000);
      Breaker.State before = breaker.state();
      if (breaker.tick(now)) {
        assertThat(before).isEqualTo(Breaker.State.OPEN);
        assertThat(breaker.state()).isEqualTo(Breaker.State.HALF_OPEN);
        successesInARow = 0;
      }
      before = breaker.state();
      boolean fails = random.nextDouble() < bad;
      boolean changed = fails ? breaker.onFailure(now) : breaker.onSuccess(now);
      failures += fails ? 1 : 0;
      successesInARow = fails ? 0 : successesInARow + 1;
      assertThat(changed).isEqualTo(before != breaker.state());
      if (changed && before == Breaker.State.CLOSED) {
        assertThat(fails).isTrue();
        assertThat(failures).isGreaterThanOrEqualTo(5);
        assertThat(breaker.why()).isNotEmpty();
      }
      if (changed && breaker.state() == Breaker.State.CLOSED) {
        assertThat(successesInARow).isGreaterThanOrEqualTo(Breaker.SUCCESSES_TO_CLOSE);
        failures = 0;
      }
      if (fails && before == Breaker.State.HALF_OPEN) {
        assertThat(breaker.state()).isEqualTo(Breaker.State.OPEN);
      }
    }
  }

  @Test
  void aBreakerThatIsNotEnabledStaysClosed() {
    Breaker breaker =
        new Breaker(
            new BreakerPolicy(false, 0.5, Duration.ofSeconds(60), 1, Duration.ZERO, Duration.ZERO));
    for (int i = 0; i < 100; i++) {
      assertThat(breaker.onFailure(i)).isFalse();
    }
    assertThat(breaker.state()).isEqualTo(Breaker.State.CLOSED);
  }

  @Property(tries = 300)
  void backPressureStaysWithinItsBoundsAndHealsWithTime(@ForAll long seed) {
    Random random = new Random(seed);
    BackPressure pressure = new BackPressure();
    long now = 0;
    int most = 1 + random.nextInt(200);
    for (long grant = 1; grant < 300; grant++) {
      now += random.nextInt(500);
      int before = pressure.limit(most);
      if (random.nextInt(3) == 0) {
        pressure.onRefused(grant, grant, 1 + random.nextInt(most), most, 0, now);
        assertThat(pressure.limit(most)).isLessThanOrEqualTo(before);
      } else {
        pressure.onSuccess(grant, most);
        assertThat(pressure.limit(most)).isBetween(before, most);
      }
      assertThat(pressure.limit(most)).isBetween(1, most);
    }
    pressure.tick(now + 120_000);
    assertThat(pressure.limit(most)).isEqualTo(most);
    assertThat(pressure.isPaused(now + 120_000)).isFalse();
  }

  @Test
  void refusalsOfOneRoundCountOnce() {
    BackPressure pressure = new BackPressure();
    for (int grant = 1; grant <= 36; grant++) {
      pressure.onRefused(grant, 100, 100 - grant + 1, 100, 0, 5);
    }
    assertThat(pressure.limit(100)).isEqualTo(75);
    assertThat(pressure.isPaused(5)).isFalse();
  }

  @Property(tries = 300)
  void aSuspectComesBackByNewEvidenceOnly(@ForAll long seed) {
    Random random = new Random(seed);
    Suspicion suspicion = new Suspicion();
    long now = 0;
    long checks = 1;
    long newest = 0;
    long failedAt = 0;
    for (int i = 0; i < 300; i++) {
      now += random.nextInt(3_000);
      boolean before = suspicion.isSuspected();
      switch (random.nextInt(4)) {
        case 0 -> {
          long ordinal = ++newest;
          assertThat(suspicion.onFailure(ordinal, newest, Samples.PROBER, checks, now)).isTrue();
          assertThat(suspicion.isTrialDue(now + Suspicion.BACK_OFF.minMillis() - 1)).isFalse();
          assertThat(suspicion.isTrialDue(now + Suspicion.BACK_OFF.maxMillis())).isTrue();
          failedAt = newest;
        }
        case 1 -> {
          assertThat(suspicion.onAnswer(failedAt, newest)).as("an old grant").isFalse();
          assertThat(suspicion.isSuspected()).isEqualTo(before);
        }
        case 2 -> {
          assertThat(suspicion.onGoodCheck(Samples.PROBER, 0, newest, now))
              .as("an old check")
              .isFalse();
          checks++;
          suspicion.onGoodCheck(Samples.PROBER, checks, newest, now);
        }
        default -> {
          long ordinal = ++newest;
          suspicion.onAnswer(ordinal, newest);
          assertThat(suspicion.isSuspected()).isFalse();
        }
      }
    }
  }

  @Test
  void aCheckIsAskedForWhenItCounts() {
    Suspicion suspicion = new Suspicion();
    assertThat(suspicion.wantsCheck(0)).isFalse();
    suspicion.onFailure(1, 1, Samples.PROBER, 1, 100);
    assertThat(suspicion.wantsCheck(100)).isTrue();
    assertThat(suspicion.wantsCheck(100)).as("once").isFalse();
    assertThat(suspicion.onGoodCheck(Samples.PROBER, 2, 1, 120)).isTrue();
    assertThat(suspicion.wantsCheck(120)).isFalse();

    suspicion.onFailure(2, 2, Samples.PROBER, 2, 200);
    assertThat(suspicion.onGoodCheck(Samples.PROBER, 3, 2, 400)).as("too early").isFalse();
    assertThat(suspicion.wantsCheck(1_199)).isFalse();
    assertThat(suspicion.wantsCheck(1_200)).as("before the trial, at 2,200").isTrue();
    assertThat(suspicion.isTrialDue(1_200)).isFalse();
    assertThat(suspicion.onGoodCheck(Samples.PROBER, 4, 2, 1_210)).isTrue();
  }

  @Property(tries = 300)
  void neverMoreThanHalfAreSlowAndEqualsNever(@ForAll long seed) {
    Random random = new Random(seed);
    double[] logs = new double[random.nextInt(12)];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = random.nextDouble() * 10;
    }
    int slow = 0;
    for (double times : Outliers.slowness(logs)) {
      assertThat(times).isGreaterThanOrEqualTo(1);
      slow += times > 1 ? 1 : 0;
    }
    assertThat(2 * slow).isLessThanOrEqualTo(logs.length);
    java.util.Arrays.fill(logs, 3);
    assertThat(Outliers.slowness(logs)).containsOnly(fill(logs.length));
  }

  private static double[] fill(int length) {
    double[] ones = new double[length];
    java.util.Arrays.fill(ones, 1);
    return ones;
  }

  @Test
  void ofTwoTheSlowOneIsTold() {
    double[] times = Outliers.slowness(new double[] {Math.log(50), Math.log(500)});
    assertThat(times[0]).isEqualTo(1);
    assertThat(times[1]).isCloseTo(10, org.assertj.core.api.Assertions.within(0.001));
  }
}
