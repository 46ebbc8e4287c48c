package io.penstock.adapter.guard;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is shown of an address in logs and labels. */
class GuardSecretsTest {
  @ParameterizedTest
  @CsvSource({
    "http://judge:9000/v1/score, http://judge:9000/v1/score",
    "https://me:secret@judge.example/score?token=secret#x, https://judge.example/score",
    "redis://:secret@127.0.0.1:6379/0, redis://127.0.0.1:6379/0",
    "http://[::1]:9000, http://[::1]:9000",
    "127.0.0.53:53, 127.0.0.53:53",
    "localhost:53, localhost:53",
  })
  void secretsOfAnAddressAreNotShown(String target, String shown) {
    assertThat(Guard.withoutSecrets(target)).isEqualTo(shown);
  }
}
