package io.penstock.stream;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Outcome;
import io.penstock.stream.Retries.Decision;
import io.penstock.stream.Retries.Verdict;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RetriesTest {
  private static final long DAY_MILLIS = 86_400_000;

  private static Retries retries(int percent, int floor) {
    return new Retries(3, 50, new RetryBudget(percent, floor, 0), () -> 0.5);
  }

  @Test
  void waitsLongerEachTime() {
    Retries rules = retries(20, 10);
    assertThat(rules.decide(Outcome.FAULT, 1, DAY_MILLIS, 0))
        .isEqualTo(new Decision(Verdict.AGAIN, 50));
    assertThat(rules.decide(Outcome.FAULT, 2, DAY_MILLIS, 0))
        .isEqualTo(new Decision(Verdict.AGAIN, 75));
    assertThat(rules.decide(Outcome.FAULT, 3, DAY_MILLIS, 0))
        .isEqualTo(new Decision(Verdict.NO_ATTEMPT_LEFT, 0));
  }

  @Property
  void jittersByAFifth(
      @ForAll @DoubleRange(min = 0, max = 1) double random,
      @ForAll @IntRange(min = 1, max = 9) int attempts) {
    Retries rules = new Retries(10, 50, new RetryBudget(0, 1, 0), () -> random);
    double middle = 50 * Math.pow(1.5, attempts - 1);
    assertThat(rules.decide(Outcome.FAULT, attempts, DAY_MILLIS, 0).delayMillis())
        .isBetween((long) Math.floor(middle * 0.8), (long) Math.ceil(middle * 1.2));
  }

  @Test
  void whatTheDeadlineDoesNotAllowIsNotTried() {
    Retries rules = retries(0, 1);
    assertThat(rules.decide(Outcome.FAULT, 1, 50, 0).verdict()).isEqualTo(Verdict.NO_TIME);
    assertThat(rules.decide(Outcome.FAULT, 1, 51, 0).verdict())
        .as("and has cost nothing")
        .isEqualTo(Verdict.AGAIN);
  }

  @Test
  void transportFailuresAreFree() {
    Retries rules = retries(0, 0);
    for (Outcome paid : new Outcome[] {Outcome.FAULT, Outcome.TIMEOUT, Outcome.BACK_PRESSURE}) {
      assertThat(rules.decide(paid, 1, DAY_MILLIS, 0).verdict()).isEqualTo(Verdict.NO_BUDGET);
    }
    assertThat(rules.decide(Outcome.TRANSPORT, 1, DAY_MILLIS, 0).verdict())
        .isEqualTo(Verdict.AGAIN);
    assertThat(rules.decide(Outcome.TRANSPORT, 3, DAY_MILLIS, 0).verdict())
        .isEqualTo(Verdict.NO_ATTEMPT_LEFT);
  }

  @Test
  void theBudgetIsAShareOfTheLastTenSeconds() {
    RetryBudget budget = new RetryBudget(20, 1, 0);
    for (int i = 0; i < 100; i++) {
      budget.earn(500);
    }
    for (int i = 0; i < 20; i++) {
      assertThat(budget.spend(600)).isTrue();
    }
    assertThat(budget.spend(700)).isFalse();
    assertThat(budget.spend(9_999)).as("the same window").isFalse();
    assertThat(budget.spend(10_000)).as("requests and retries are forgotten: the floor").isTrue();
    assertThat(budget.spend(10_000)).isFalse();
    assertThat(budget.spend(DAY_MILLIS)).isTrue();
  }

  @Test
  void theFloorOfANodeIsSharedByItsLoops() {
    int sum = 0;
    for (int loop = 0; loop < 4; loop++) {
      sum += RetryBudget.shareOfFloor(10, loop, 4);
    }
    assertThat(sum).isEqualTo(10);
    assertThat(RetryBudget.shareOfFloor(10, 31, 32)).isEqualTo(1);
    assertThat(RetryBudget.shareOfFloor(0, 0, 4)).isZero();
  }

  /** Against a model that remembers every event. */
  @Property
  void countsLikeAListOfEvents(@ForAll long seed) {
    Random random = new Random(seed);
    int percent = random.nextInt(101);
    int floor = random.nextInt(5);
    long start = random.nextInt(2) == 0 ? -random.nextInt(1_000_000) : random.nextInt(1_000_000);
    RetryBudget budget = new RetryBudget(percent, floor, start);
    Deque<Long> requests = new ArrayDeque<>();
    Deque<Long> retries = new ArrayDeque<>();
    long now = start;
    for (int i = 0; i < 300; i++) {
      now += random.nextInt(random.nextInt(20) == 0 ? 15_000 : 300);
      long firstSecond = Math.floorDiv(now, 1_000) - RetryBudget.WINDOW_SECONDS + 1;
      requests.removeIf(at -> Math.floorDiv(at, 1_000) < firstSecond);
      retries.removeIf(at -> Math.floorDiv(at, 1_000) < firstSecond);
      if (random.nextInt(3) > 0) {
        budget.earn(now);
        requests.add(now);
      } else {
        boolean allowed = retries.size() < Math.max(floor, requests.size() * percent / 100);
        assertThat(budget.spend(now)).isEqualTo(allowed);
        if (allowed) {
          retries.add(now);
        }
      }
    }
  }
}
