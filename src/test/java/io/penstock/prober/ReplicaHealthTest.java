package io.penstock.prober;

import static io.penstock.inference.ReplicaState.HEALTHY;
import static io.penstock.inference.ReplicaState.REMOVED;
import static io.penstock.inference.ReplicaState.STARTING;
import static io.penstock.inference.ReplicaState.UNHEALTHY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.inference.HealthPolicy;
import io.penstock.inference.ReplicaState;
import io.penstock.prober.ReplicaHealth.Change;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

/** All in virtual time, in milliseconds. */
class ReplicaHealthTest {
  private static final HealthPolicy POLICY =
      new HealthPolicy(
          Duration.ofSeconds(10),
          Duration.ofSeconds(5),
          3,
          Duration.ofSeconds(5),
          Duration.ofSeconds(1));

  private final ReplicaHealth health = new ReplicaHealth(POLICY, STARTING, "", 0, 0);
  private long now;

  private Optional<Change> check(boolean ok) {
    now = Math.max(now, health.nextCheckAtMillis());
    health.checkStarted(now);
    return ok ? health.onSuccess(now) : health.onFailure("503", now);
  }

  private void fall() {
    assertThat(health.state()).isEqualTo(HEALTHY);
    check(false);
    check(false);
    assertThat(check(false)).isPresent();
    assertThat(health.state()).isEqualTo(UNHEALTHY);
  }

  private int checksUntilHealthy() {
    int checks = 0;
    while (health.state() != HEALTHY) {
      check(true);
      checks++;
    }
    return checks;
  }

  @Test
  void isCheckedAtOnceAndHealthyOnTheFirstSuccess() {
    assertThat(health.nextCheckAtMillis()).isZero();
    assertThat(check(true)).hasValue(new Change(STARTING, HEALTHY, "first check that succeeded"));
    assertThat(health.nextCheckAtMillis()).isEqualTo(10_000);
  }

  @Test
  void isCheckedEagerlyInItsFirstMinuteAndThenAtTheRecoveryInterval() {
    List<Long> at = new ArrayList<>();
    while (now < 75_000) {
      check(false);
      at.add(now);
    }
    assertThat(health.state()).isEqualTo(STARTING);
    assertThat(at).startsWith(0L, 100L, 300L, 700L, 1_500L, 2_500L, 3_500L);
    for (int i = 1; i < at.size(); i++) {
      long gap = at.get(i) - at.get(i - 1);
      assertThat(gap).isEqualTo(at.get(i - 1) >= 60_000 ? 5_000 : Math.min(gap, 1_000));
    }
  }

  @Test
  void fallsOnTheThirdFailureInARowAndSaysWhy() {
    check(true);
    check(false);
    check(false);
    check(true);
    check(false);
    check(false);
    assertThat(health.state()).isEqualTo(HEALTHY);
    assertThat(check(false))
        .hasValue(new Change(HEALTHY, UNHEALTHY, "3 checks in a row failed, the last one: 503"));
    assertThat(health.lastError()).isEqualTo("503");
    assertThat(health.nextCheckAtMillis()).isEqualTo(now + 5_000);
  }

  @Test
  void comesBackOnOneSuccessWhenItFellOnce() {
    check(true);
    fall();
    assertThat(check(true)).hasValue(new Change(UNHEALTHY, HEALTHY, "check succeeded"));
    assertThat(health.lastError()).isEmpty();
  }

  @Test
  void mustProveItselfLongerEachTimeItFlapsAndIsForgivenLater() {
    check(true);
    List<Integer> proofs = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      fall();
      proofs.add(checksUntilHealthy());
    }
    assertThat(proofs).containsExactly(1, 2, 4, 4, 8);
    now += 20 * 60_000;
    fall();
    assertThat(checksUntilHealthy()).isEqualTo(1);
  }

  @Test
  void oneFailureAmongTheProofsStartsThemAnew() {
    check(true);
    fall();
    checksUntilHealthy();
    fall();
    check(true);
    check(false);
    check(true);
    assertThat(health.state()).isEqualTo(UNHEALTHY);
    check(true);
    assertThat(health.state()).isEqualTo(HEALTHY);
  }

  @Test
  void isNotDueWhileACheckRunsAndAtOnceAfterOneThatTookTooLong() {
    health.checkStarted(0);
    assertThat(health.nextCheckAtMillis()).isEqualTo(Long.MAX_VALUE);
    health.onFailure("no answer within 5000 ms", 5_000);
    assertThat(health.nextCheckAtMillis()).isLessThanOrEqualTo(5_000);
  }

  @Test
  void isCheckedAtOnceWhenDoubtedAndFallsOnOneFailure() {
    check(true);
    health.onDoubt("3 requests refused", 4_000);
    assertThat(health.nextCheckAtMillis()).isEqualTo(4_000);
    assertThat(check(false))
        .hasValue(
            new Change(
                HEALTHY, UNHEALTHY, "in doubt (3 requests refused), and a check failed: 503"));
    assertThat(health.lastError()).isEqualTo("503");
  }

  @Test
  void aGoodCheckEndsTheDoubt() {
    check(true);
    health.onDoubt("refused", 4_000);
    assertThat(health.isDoubted()).isTrue();
    assertThat(check(true)).isEmpty();
    assertThat(health.isDoubted()).isFalse();
    assertThat(health.nextCheckAtMillis()).isEqualTo(14_000);
    assertThat(check(false)).isEmpty();
    assertThat(health.state()).isEqualTo(HEALTHY);
  }

  @Test
  void isCheckedEvery200MillisAtMostHoweverOftenItIsDoubted() {
    check(true);
    List<Long> at = new ArrayList<>();
    for (long t = 1_000; t < 2_000; t += 7) {
      health.onDoubt("reset", t);
      if (health.nextCheckAtMillis() <= t) {
        health.checkStarted(t);
        health.onSuccess(t + 1);
        at.add(t);
      }
    }
    assertThat(at).hasSize(5).startsWith(1_000L);
    for (int i = 1; i < at.size(); i++) {
      assertThat(at.get(i) - at.get(i - 1)).isBetween(200L, 206L);
    }
  }

  @Test
  void aCheckThatRanWhenTheDoubtCameIsFollowedByAnother() {
    check(true);
    health.checkStarted(10_000);
    health.onDoubt("reset", 10_005);
    assertThat(health.nextCheckAtMillis()).isEqualTo(Long.MAX_VALUE);
    assertThat(health.onSuccess(10_010)).isEmpty();
    assertThat(health.isDoubted()).isTrue();
    assertThat(health.checks()).isEqualTo(1);
    assertThat(health.nextCheckAtMillis()).isEqualTo(10_200);
    health.checkStarted(10_200);
    health.onSuccess(10_201);
    assertThat(health.isDoubted()).isFalse();
    assertThat(health.checks()).isEqualTo(2);
  }

  @Test
  void aCheckThatRanWhenTheDoubtCameMayBeTheSecondWitness() {
    check(true);
    health.checkStarted(10_000);
    health.onDoubt("reset", 10_005);
    assertThat(health.onFailure("connection refused", 10_010)).isPresent();
    assertThat(health.state()).isEqualTo(UNHEALTHY);
  }

  @Test
  void looksEagerlyForAReplicaThatFellInDoubt() {
    check(true);
    health.onDoubt("refused", 4_000);
    List<Long> at = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      check(false);
      at.add(now);
    }
    assertThat(at)
        .containsExactly(4_000L, 4_100L, 4_300L, 4_700L, 5_500L, 7_100L, 10_300L, 15_300L, 20_300L);
    assertThat(check(true)).isPresent();
  }

  @Test
  void provesItselfAtTheRecoveryIntervalAlthoughItFellInDoubt() {
    check(true);
    health.onDoubt("refused", 4_000);
    check(false);
    check(true);
    health.onDoubt("refused", now + 1_000);
    check(false);
    long fell = now;
    assertThat(check(true)).isEmpty();
    assertThat(now).isEqualTo(fell + 100);
    assertThat(check(true)).isPresent();
    assertThat(now).isEqualTo(fell + 5_100);
  }

  @Test
  void doubtsChangeNothingForOneThatIsOut() {
    health.onDoubt("refused", 0);
    assertThat(check(true)).isPresent();
    fall();
    health.onDoubt("refused", now + 1_000);
    assertThat(health.isDoubted()).isFalse();
    assertThat(health.nextCheckAtMillis()).isEqualTo(now + 5_000);
  }

  @Test
  void takesAnotherProbersWordOnlyWhileItKnowsNothingItself() {
    assertThat(health.adopt(STARTING, "")).isEmpty();
    assertThat(health.adopt(REMOVED, "")).isEmpty();
    assertThat(health.adopt(UNHEALTHY, "500"))
        .hasValue(new Change(STARTING, UNHEALTHY, "as the prober before said"));
    assertThat(health.lastError()).isEqualTo("500");
    assertThat(health.adopt(HEALTHY, "")).isEmpty();
    assertThat(health.state()).isEqualTo(UNHEALTHY);
  }

  @Test
  void refusesToStartAsRemoved() {
    assertThatThrownBy(() -> new ReplicaHealth(POLICY, REMOVED, "", 0, 0))
        .hasMessage("state: removed (expected: starting, healthy or unhealthy)");
  }

  @Property
  void followsItsRulesWhateverTheEngineDoes(
      @ForAll long seed, @ForAll @DoubleRange(min = 0, max = 1) double phase) {
    Random random = new Random(seed);
    ReplicaHealth any = new ReplicaHealth(POLICY, STARTING, "", phase, 0);
    long at = 0;
    long lastStart = 0;
    int failures = 0;
    int successes = 0;
    for (int i = 0; i < 300; i++) {
      ReplicaState before = any.state();
      long due = any.nextCheckAtMillis();
      long longest = before == HEALTHY ? 10_000 : 5_000;
      assertThat(due).isBetween(0L, lastStart + longest);
      at = Math.max(at, due);
      lastStart = at;
      any.checkStarted(at);
      at += random.nextInt(5_001);
      boolean ok = random.nextInt(3) > 0;
      failures = ok ? 0 : failures + 1;
      successes = ok ? successes + 1 : 0;
      Optional<Change> change = ok ? any.onSuccess(at) : any.onFailure("x", at);
      assertThat(change.isPresent()).isEqualTo(before != any.state());
      switch (before) {
        case STARTING -> assertThat(any.state()).isEqualTo(ok ? HEALTHY : STARTING);
        case HEALTHY -> assertThat(any.state()).isEqualTo(failures >= 3 ? UNHEALTHY : HEALTHY);
        case UNHEALTHY -> {
          if (any.state() == HEALTHY) {
            assertThat(ok).isTrue();
          } else if (ok) {
            assertThat(successes).isLessThan(FlapDamping.SUCCESSES_MAX);
          }
        }
        case REMOVED -> throw new AssertionError("removed is not a state of health");
      }
      if (change.isPresent()) {
        failures = 0;
        successes = 0;
      }
    }
  }
}
