package io.penstock.adapter.judge;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpQualityHookTest {
  @ParameterizedTest
  @CsvSource({
    "http://judge:9000/v1/score, http://judge:9000/v1/score",
    "https://me:secret@judge.example/score?token=secret#x, https://judge.example/score",
    "http://[::1]:9000, http://[::1]:9000",
  })
  void secretsOfAnAddressAreNotShown(String url, String shown) {
    assertThat(HttpQualityHook.shown(url)).isEqualTo(shown);
  }
}
