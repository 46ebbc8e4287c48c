package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TailsTest {
  private long nowMillis = 5_000;
  private final Tails tails =
      new Tails(
          new Clock() {
            @Override
            public long epochMillis() {
              return nowMillis;
            }

            @Override
            public long nanos() {
              return nowMillis * 1_000_000;
            }
          });
  private final List<String> cut = new ArrayList<>();

  @Test
  void onlyWhatHasNotEndedInTimeIsCutOff() {
    Tails.Tail quick = tails.await(() -> cut.add("quick"));
    nowMillis += 100;
    tails.await(() -> cut.add("slow"));
    nowMillis += 100;
    Tails.Tail late = tails.await(() -> cut.add("late"));
    quick.ended();
    tails.tick(nowMillis);
    assertThat(cut).isEmpty();
    tails.tick(5_100 + Tails.MAX_MILLIS - 1);
    assertThat(cut).isEmpty();
    tails.tick(5_100 + Tails.MAX_MILLIS);
    assertThat(cut).containsExactly("slow");
    assertThat(tails.isIdle()).isFalse();
    late.ended();
    tails.tick(5_100 + Tails.MAX_MILLIS);
    assertThat(tails.isIdle()).isTrue();
    assertThat(cut).containsExactly("slow");
  }
}
