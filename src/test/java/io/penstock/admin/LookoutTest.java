package io.penstock.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fake.Pools;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.message.PoolReport;
import io.penstock.telemetry.Readiness.Alarm;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LookoutTest {
  private final Lookout lookout = new Lookout();

  private static PoolLook silent(String name) {
    Pool pool = Pools.of(name, "m").make();
    return new PoolLook(pool, Optional.empty(), Optional.empty(), "no answer");
  }

  private static PoolLook told(String name, int healthy, int min) {
    PoolLook look = silent(name);
    PoolReport report =
        new PoolReport(
            1,
            look.pool().name(),
            new NodeId("n"),
            true,
            false,
            healthy,
            min,
            healthy < min,
            0,
            0,
            List.of(),
            List.of(),
            List.of(),
            0,
            0,
            0,
            Optional.empty());
    return new PoolLook(look.pool(), look.owner(), Optional.of(report), "");
  }

  @Test
  void tellsOfEachPoolWithTooFew() {
    FleetHealth health = lookout.look(List.of(told("a", 1, 2), told("b", 2, 2), told("c", 0, 1)));
    assertThat(health.anyHealthy()).isTrue();
    assertThat(health.belowMin())
        .containsExactlyInAnyOrder(
            new Alarm(
                "min_healthy_replicas",
                "pool a",
                "1 healthy replica (expected: at least 2, min_healthy_replicas)"),
            new Alarm(
                "min_healthy_replicas",
                "pool c",
                "0 healthy replicas (expected: at least 1, min_healthy_replicas)"));
  }

  @Test
  void knowsNothingBeforeAnOwnerHasSpoken() {
    assertThat(lookout.look(List.of(silent("a"))))
        .isEqualTo(new FleetHealth(false, false, List.of(), List.of()));
  }

  @Test
  void eachPoolHasToHaveSaidThatOneIsHealthy() {
    assertThat(lookout.look(List.of(told("a", 1, 1), silent("b"))))
        .isEqualTo(new FleetHealth(true, false, List.of(), List.of()));
    assertThat(lookout.look(List.of(told("a", 1, 1), told("b", 0, 0))).eachHealthy()).isFalse();
    assertThat(lookout.look(List.of(told("a", 1, 1), told("b", 1, 1))).eachHealthy()).isTrue();
  }

  @Test
  void whoIsSilentStandsAsBeforeAndWhoIsGoneDoesNot() {
    lookout.look(List.of(told("a", 0, 1), told("b", 0, 1)));
    assertThat(lookout.look(List.of(silent("a"))).belowMin())
        .extracting(Alarm::subject)
        .containsExactly("pool a");
    assertThat(lookout.look(List.of(told("a", 1, 1))))
        .isEqualTo(new FleetHealth(true, true, List.of(), List.of()));
  }
}
