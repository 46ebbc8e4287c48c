package io.penstock.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fault.Fault;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GateTest {
  private static final Optional<String> KEY = Optional.of("sk-admin");

  private static Optional<Fault> keyed(@Nullable String authorization, @Nullable String apiKey) {
    return Gate.check(KEY, new Gate.Caller("admin.example.com", null, null, authorization, apiKey))
        .map(Gate.Denial::fault);
  }

  private static Optional<Fault> open(
      @Nullable String host, @Nullable String origin, @Nullable String site) {
    return Gate.check(Optional.empty(), new Gate.Caller(host, origin, site, null, null))
        .map(Gate.Denial::fault);
  }

  @ParameterizedTest
  @CsvSource({"Bearer sk-admin,", "bearer  sk-admin,", ", sk-admin"})
  void whoShowsTheKeyPasses(@Nullable String authorization, @Nullable String apiKey) {
    assertThat(keyed(authorization, apiKey)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    ",",
    "Bearer sk-admi,",
    "Bearer sk-admin2,",
    "Basic sk-admin,",
    "Bearer wrong, sk-admin",
    ", SK-ADMIN",
    "Bearer,"
  })
  void whoShowsNoneOrAnotherDoesNot(@Nullable String authorization, @Nullable String apiKey) {
    assertThat(keyed(authorization, apiKey)).contains(Fault.INVALID_API_KEY);
  }

  @Test
  void aDenialNeverTellsAKey() {
    Gate.Denial denial =
        Gate.check(KEY, new Gate.Caller("h", null, null, "Bearer guess", null)).orElseThrow();

    assertThat(denial.message()).doesNotContain("sk-admin").doesNotContain("guess");
    assertThat(new AdminConfig("h", 1, KEY).toString()).doesNotContain("sk-admin");
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "localhost:9080", "127.0.0.1:9080", "127.8.8.8", "[::1]:1"})
  void withoutAKeyTheLoopbackPasses(String host) {
    assertThat(open(host, null, null)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example.com",
        "127.0.0.1.evil.com",
        "localhost.evil.com:9080",
        "10.0.0.1",
        ""
      })
  void withoutAKeyAnotherNameOfThisMachineDoesNot(String host) {
    assertThat(open(host, null, null)).contains(Fault.HOST_NOT_ALLOWED);
  }

  @Test
  void withoutAKeyNoWebPagePasses() {
    assertThat(open(null, null, null)).contains(Fault.HOST_NOT_ALLOWED);
    assertThat(open("localhost", "https://evil.example.com", null))
        .contains(Fault.ORIGIN_NOT_ALLOWED);
    assertThat(open("localhost", "null", null)).contains(Fault.ORIGIN_NOT_ALLOWED);
    assertThat(open("localhost", null, "cross-site")).contains(Fault.ORIGIN_NOT_ALLOWED);
    assertThat(open("localhost", null, "none")).as("typed by the operator").isEmpty();
  }
}
