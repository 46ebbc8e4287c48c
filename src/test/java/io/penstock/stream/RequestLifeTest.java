package io.penstock.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.fault.Fault;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class RequestLifeTest {
  private static final StreamDeadlines DEADLINES = new StreamDeadlines(10, 20, 30, 40, 50, 1_000);

  private static RequestLife streaming() {
    return new RequestLife(0, true, DEADLINES);
  }

  @Test
  void measuresEachPhase() {
    RequestLife life = streaming();
    life.queue(2, 20);
    life.connect(7);
    life.sent(8);
    life.firstContent(18);
    assertThat(life.finish(118)).isTrue();

    assertThat(life.routeMillis()).isEqualTo(2);
    assertThat(life.queueMillis()).isEqualTo(5);
    assertThat(life.timeToFirstTokenMillis()).isEqualTo(18);
    assertThat(life.grantToFirstContentMillis()).isEqualTo(11);
    assertThat(life.grantToEndMillis()).isEqualTo(111);
    assertThat(life.generationMillis()).isEqualTo(100);
    assertThat(life.totalMillis()).isEqualTo(118);
    assertThat(life.endedIn()).isEqualTo(StreamState.STREAMING);
  }

  @Test
  void eachPhaseHasItsDeadline() {
    RequestLife life = streaming();
    assertThat(life.overdue(9)).isEmpty();
    assertThat(life.overdue(10)).contains(Fault.DEADLINE_EXCEEDED);
    life.queue(10, 25);
    assertThat(life.overdue(34)).isEmpty();
    assertThat(life.overdue(35)).contains(Fault.QUEUE_TIMEOUT);
    life.connect(35);
    assertThat(life.overdue(65)).contains(Fault.CONNECT_TIMEOUT);
    life.sent(65);
    assertThat(life.overdue(105)).contains(Fault.FIRST_TOKEN_TIMEOUT);
    life.firstContent(105);
    life.progress(150);
    assertThat(life.overdue(199)).isEmpty();
    assertThat(life.overdue(200)).contains(Fault.IDLE_TIMEOUT);
    life.progress(990);
    assertThat(life.overdue(1_000)).contains(Fault.DEADLINE_EXCEEDED);
    life.cancel(1_000);
    assertThat(life.overdue(5_000)).isEmpty();
  }

  @Test
  void anAnswerInOnePieceHasNoFirstTokenDeadline() {
    RequestLife life = new RequestLife(0, false, DEADLINES);
    life.queue(0, 20);
    life.connect(0);
    life.sent(0);
    assertThat(life.overdue(999)).isEmpty();
    assertThat(life.overdue(1_000)).contains(Fault.DEADLINE_EXCEEDED);
  }

  @Test
  void refusesWhatTheStateDoesNotAllow() {
    RequestLife life = streaming();
    assertThatThrownBy(() -> life.firstContent(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("RECEIVED does not allow STREAMING");
  }

  /** Whatever comes in whatever order: one end, and nothing after it. */
  @Property
  void endsExactlyOnce(@ForAll long seed, @ForAll boolean streams) {
    Random random = new Random(seed);
    RequestLife life = new RequestLife(0, streams, DEADLINES);
    int ends = 0;
    for (int now = 1; now < 60; now++) {
      StreamState before = life.state();
      try {
        switch (random.nextInt(8)) {
          case 0 -> life.queue(now, 20);
          case 1 -> life.connect(now);
          case 2 -> life.sent(now);
          case 3 -> life.firstContent(now);
          case 4 -> life.progress(now);
          case 5 -> ends += life.finish(now) ? 1 : 0;
          case 6 -> ends += life.cancel(now) ? 1 : 0;
          default -> ends += life.fail(now) ? 1 : 0;
        }
      } catch (IllegalStateException notAllowed) {
        assertThat(life.state()).isEqualTo(before);
      }
      assertThat(before.isFinal() && life.state() != before).isFalse();
      assertThat(ends).isEqualTo(life.state().isFinal() ? 1 : 0);
    }
    if (!life.state().isFinal()) {
      assertThat(life.fail(100)).isTrue();
    }
    assertThat(life.fail(101) || life.cancel(101) || life.finish(101)).isFalse();
  }
}
