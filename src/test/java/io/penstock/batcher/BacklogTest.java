package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class BacklogTest {
  /** 10 ms and 0.05 ms a token. */
  private final Tempo tempo = new Tempo(new Typical());

  private final Strategy strategy = new PredictedLatency(1 << 16);
  private final Prospect prospect = new Prospect(strategy, 1 << 16, tempo);
  private final Backlog backlog = prospect.backlog();

  private Errand add(int tokens, boolean streams, long now) {
    Errand errand =
        new Errand(strategy, prospect, tokens, new Prospect.Match(0, 0, 0, true), streams, now);
    backlog.add(errand);
    return errand;
  }

  @Test
  void waitsForAllThatIsToBeReadButNotForWhatHasBeen() {
    add(1_000, true, 0);
    add(2_000, true, 0);
    assertThat(backlog.waitMillis(tempo, 0)).isCloseTo(60 + 110, within(1e-6));
    assertThat(backlog.waitMillis(tempo, 40)).isCloseTo(20 + 110, within(1e-6));
  }

  @Test
  void theNextIsReadWhenTheOneBeforeHasBeen() {
    Errand first = add(1_000, true, 0);
    add(2_000, true, 0);
    backlog.remove(first, 80);
    assertThat(backlog.tokens()).isEqualTo(2_000);
    assertThat(backlog.waitMillis(tempo, 100)).isCloseTo(90, within(1e-6));
  }

  @Test
  void whatIsLateIsTakenToBeAsLateAgain() {
    add(1_000, true, 0);
    assertThat(backlog.waitMillis(tempo, 60)).isZero();
    assertThat(backlog.waitMillis(tempo, 1_060)).isCloseTo(1_000, within(1e-6));
  }

  @Test
  void wholeAnswersCountAsReadInTheirTime() {
    add(1_000, false, 0);
    add(2_000, false, 0);
    assertThat(backlog.waitMillis(tempo, 30)).isCloseTo(30 + 110, within(1e-6));
    assertThat(backlog.waitMillis(tempo, 100)).isCloseTo(70, within(1e-6));
    assertThat(backlog.waitMillis(tempo, 500)).isZero();
    assertThat(backlog.size()).isZero();
    assertThat(backlog.tokens()).isZero();
  }

  @Test
  void anyMayLeaveAndOnlyOnce() {
    Errand first = add(1_000, true, 0);
    Errand second = add(2_000, true, 0);
    Errand third = add(3_000, true, 0);
    backlog.remove(second, 10);
    backlog.remove(second, 20);
    assertThat(backlog.tokens()).isEqualTo(4_000);
    backlog.remove(third, 20);
    backlog.remove(first, 20);
    assertThat(backlog.size()).isZero();
    assertThat(backlog.waitMillis(tempo, 20)).isZero();
  }
}
