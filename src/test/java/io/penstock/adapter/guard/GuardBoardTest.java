package io.penstock.adapter.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.telemetry.Names;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GuardBoardTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final GuardBoard board = new GuardBoard(meters);
  private final Tags tags = Tags.of("system", "judge", "target", "http://judge");

  private Gauge gauge() {
    return meters.find(Names.GUARD_STATE).tags(tags).gauge();
  }

  @Test
  void theWorstOfTheLoopsIsShown() {
    AtomicInteger first = new AtomicInteger();
    AtomicInteger second = new AtomicInteger();
    board.add(tags, first);
    board.add(tags, second);
    assertThat(gauge().value()).isZero();
    second.set(2);
    assertThat(gauge().value()).isEqualTo(2);
    first.set(1);
    board.remove(tags, second);
    assertThat(gauge().value()).isEqualTo(1);
    board.remove(tags, first);
    assertThat(gauge()).as("nobody guards it any more").isNull();
    board.add(tags, second);
    assertThat(gauge().value()).isEqualTo(2);
  }
}
