package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WaitForecastTest {
  private final WaitForecast forecast = new WaitForecast();
  private int live;

  private void begin(int many, long now) {
    forecast.advance(live, now);
    live += many;
  }

  private void end(long now) {
    forecast.advance(live, now);
    forecast.ended(now);
    live--;
  }

  @Test
  void saysNothingBeforeEnoughHaveEnded() {
    begin(40, 0);
    for (int i = 1; i < WaitForecast.SAMPLES_MIN; i++) {
      end(1_000);
    }
    assertThat(forecast.waitMillis(1, 10)).isEqualTo(-1);
    end(1_000);
    assertThat(forecast.waitMillis(1, 10)).isPositive();
    assertThat(forecast.waitMillis(1, 0)).as("no slots").isEqualTo(-1);
  }

  @Test
  void itIsTheTimeOfBusySlotsForEachThatEnds() {
    for (int i = 0; i < 100; i++) {
      begin(1, i * 1_000L);
      end(i * 1_000L + 400); // 600 ms of each second nothing runs
    }
    assertThat(forecast.waitMillis(5, 2)).isEqualTo(1_000);
  }

  @Test
  void theShortOnesThatEndFirstDoNotDeceiveIt() {
    begin(100, 0);
    for (int i = 0; i < 40; i++) {
      end(100);
      begin(1, 100);
    }
    assertThat(forecast.waitMillis(100, 100)).as("100 slots for 100 ms, 40 ended").isEqualTo(250);
  }

  @Test
  void whatEndedLongAgoIsForgottenWhileThereIsNewer() {
    for (int i = 0; i < 100; i++) {
      begin(1, i * 10L);
      end(i * 10L + 10);
    }
    long later = WaitForecast.WINDOW_MILLIS + 10_000;
    for (int i = 0; i < 40; i++) {
      begin(1, later + i * 500L);
      end(later + i * 500L + 500);
    }
    assertThat(forecast.waitMillis(1, 1)).isEqualTo(500);
  }

  @Test
  void grantsThatWereLostAreAsIfTheyHadNotBeen() {
    begin(60, 0);
    for (int i = 0; i < 50; i++) {
      end(1_000);
    }
    long before = forecast.waitMillis(1, 1);
    forecast.advance(live, 9_000);
    for (int i = 0; i < 10; i++) {
      forecast.lost(9_000);
      live--;
    }
    for (int i = 0; i < 50; i++) {
      begin(1, 10_000 + i * 1_000L);
      end(11_000 + i * 1_000L);
    }
    assertThat(before).isEqualTo(1_200);
    assertThat(forecast.waitMillis(1, 1)).isEqualTo(1_000);
  }
}
