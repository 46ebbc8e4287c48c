package io.penstock.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackoffTest {
  @Test
  void doublesUpToItsBound() {
    Backoff backoff = new Backoff(1_000, 30_000);
    assertThat(IntStream.rangeClosed(1, 7).mapToLong(backoff::afterMillis))
        .containsExactly(1_000L, 2_000L, 4_000L, 8_000L, 16_000L, 30_000L, 30_000L);
    assertThat(backoff.afterMillis(Integer.MAX_VALUE)).isEqualTo(30_000);
  }

  @Test
  void neverOverflows() {
    assertThat(new Backoff(1, Long.MAX_VALUE).afterMillis(1_000)).isEqualTo(Long.MAX_VALUE);
    assertThat(new Backoff(7, 7).afterMillis(3)).isEqualTo(7);
  }

  @Test
  void saysWhatItWants() {
    assertThatThrownBy(() -> new Backoff(0, 1)).hasMessage("minMillis: 0 (expected: > 0)");
    assertThatThrownBy(() -> new Backoff(2, 1)).hasMessage("maxMillis: 1 (expected: >= 2)");
    assertThatThrownBy(() -> new Backoff(1, 1).afterMillis(0))
        .hasMessage("failures: 0 (expected: > 0)");
  }
}
