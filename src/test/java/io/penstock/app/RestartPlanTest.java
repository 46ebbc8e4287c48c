package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RestartPlanTest {
  private final RestartPlan plan = new RestartPlan();
  private long now = 1_000_000;

  /** Runs for so long, then fails. */
  private long failsAfter(long millis) {
    plan.up(now);
    now += millis;
    return plan.failed(now);
  }

  @Test
  void atOnceAndThenEverLaterWithoutEnd() {
    assertThat(failsAfter(5)).isZero();
    for (long expected : new long[] {1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000}) {
      assertThat(failsAfter(5)).isEqualTo(expected);
    }
    for (int i = 0; i < 1_000; i++) {
      assertThat(failsAfter(5)).isEqualTo(30_000);
    }
  }

  @Test
  void whatHasRunWellIsForgiven() {
    failsAfter(5);
    failsAfter(5);
    assertThat(failsAfter(RestartPlan.STABLE_MILLIS - 1)).isEqualTo(2_000);
    assertThat(failsAfter(RestartPlan.STABLE_MILLIS)).isZero();
    assertThat(failsAfter(5)).isEqualTo(1_000);
  }

  @Test
  void whatDoesNotStartHasNotRunWell() {
    assertThat(failsAfter(RestartPlan.STABLE_MILLIS)).isZero();
    now += 10 * RestartPlan.STABLE_MILLIS;
    assertThat(plan.notStarted()).isEqualTo(1_000);
    assertThat(plan.notStarted()).isEqualTo(2_000);
    assertThat(failsAfter(5)).isEqualTo(4_000);
  }
}
