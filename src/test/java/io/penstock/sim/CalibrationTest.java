package io.penstock.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The profiles, run in virtual time, against figures published by others. */
class CalibrationTest {
  private static final Percentage TIGHT = Percentage.withPercentage(2);
  private static final Percentage LOOSE = Percentage.withPercentage(25);

  /** Base, prefill and per-sequence costs as published, context nearly empty. */
  @ParameterizedTest
  @CsvSource({
    "h100-llama-3.1-8b, 5.76, 57968, 467280",
    "a100-llama-3.1-8b, 16.46, 20904, 467280",
    "h100x8-llama-3.3-70b, 14.16, 99745, 1327488",
    "a100-40g-llama-2-7b, 14.11, 14772, 44960",
    "l4-llama-3.1-8b, 53.6, 3767, 34640",
  })
  void reproducesItsPublishedFigures(
      String name, double stepMillis, double prefillTokensPerSecond, int kvTokens) {
    SimProfile profile = SimProfile.of(name);
    assertThat(decodeMillis(profile, 1, 16, 100)).isCloseTo(stepMillis, TIGHT);
    assertThat(prefillRate(profile)).isCloseTo(prefillTokensPerSecond, TIGHT);
    assertThat(profile.kvTokens()).isEqualTo(kvTokens);
  }

  /**
   * Against a measurement that the coefficients were not fitted to: InferenceBench's concurrency
   * sweep (one H100, vLLM 0.21, Llama-3.1-8B, short chat) has 6.48 ms a token with one client and
   * 6.59 ms with four. Its 10.94 ms at sixteen is far above what the fitted coefficients give.
   */
  @Test
  void h100MeetsAnIndependentMeasurement() {
    SimProfile h100 = SimProfile.of("h100-llama-3.1-8b");
    assertThat(decodeMillis(h100, 1, 200, 200)).isCloseTo(6.48, LOOSE);
    assertThat(decodeMillis(h100, 4, 200, 200)).isCloseTo(6.59, LOOSE);
  }

  /** J. Musgrave's sweep: 75 tokens a second from one A100 40 GB with an 8B model. */
  @Test
  void a100MeetsAnIndependentMeasurement() {
    double millis = decodeMillis(SimProfile.of("a100-40g-llama-2-7b"), 1, 1024, 128);
    assertThat(1000 / millis).isCloseTo(75, LOOSE);
  }

  @Test
  void batchingBuysThroughputAndContextCostsTime() {
    SimProfile h100 = SimProfile.of("h100-llama-3.1-8b");
    double alone = 1 / decodeMillis(h100, 1, 256, 64);
    double batched = 64 / decodeMillis(h100, 64, 256, 64);
    assertThat(batched / alone).isBetween(40.0, 64.0);
    assertThat(decodeMillis(h100, 64, 4096, 64)).isGreaterThan(decodeMillis(h100, 64, 256, 64) * 2);
  }

  @Test
  void instantTakesNoTime() {
    EngineCore core = new EngineCore(SimProfile.of("instant"), 0);
    List<Sequence> all = submit(core, 100, 1000, 500);
    core.advance(0);
    assertThat(all).allMatch(each -> each.finishedNanos == 0);
  }

  /** What makes a replay of millions of requests feasible: runs, not tokens, cost work. */
  @Test
  void aRunCostsOneDecisionHoweverLongItIs() {
    EngineCore core = new EngineCore(SimProfile.of("h100-llama-3.1-8b"), 0);
    submit(core, 1, 100, 10_000);
    int decisions = 0;
    while (core.nextScheduleNanos() != EngineCore.IDLE) {
      core.advance(core.nextScheduleNanos());
      decisions++;
    }
    assertThat(core.steps()).isEqualTo(10_000);
    assertThat(decisions).isLessThan(10);
  }

  @Test
  void anUnknownProfileIsToldWithTheKnownOnes() {
    assertThat(SimProfile.names()).contains("instant", "h100-llama-3.1-8b");
    assertThatThrownBy(() -> SimProfile.of("h200"))
        .hasMessageStartingWith("profile: 'h200' (expected: one of h100-llama-3.1-8b, ");
    assertThatThrownBy(() -> SimConfig.instant().withReplicas(0))
        .hasMessage("replicas: 0 (expected: 1..1024)");
    assertThatThrownBy(() -> SimConfig.instant().withMaxNumSeqs(0))
        .hasMessage("maxNumSeqs: 0 (expected: 1..65536)");
    assertThatThrownBy(() -> SimConfig.instant().withBasePort(65_535).withReplicas(2))
        .hasMessage("basePort: 65535 (expected: 0, or 1..65534 for 2 replicas)");
  }

  private static double decodeMillis(SimProfile profile, int batch, int prompt, int tokens) {
    EngineCore core = new EngineCore(profile, 0);
    List<Sequence> all = submit(core, batch, prompt, tokens);
    core.advance(EngineCore.IDLE - 1);
    // From where all have their first token: chunked prefill staggers them.
    long start = all.stream().mapToLong(each -> each.firstTokenNanos).max().orElseThrow();
    Sequence last = all.get(batch - 1);
    assertThat(last.firstTokenNanos).isEqualTo(start);
    return (last.finishedNanos - last.firstTokenNanos) / 1e6 / (tokens - 1);
  }

  private static double prefillRate(SimProfile profile) {
    EngineCore core = new EngineCore(profile, 0);
    int prompt = profile.maxModelLength() / 2;
    List<Sequence> one = submit(core, 1, prompt, 1);
    core.advance(EngineCore.IDLE - 1);
    double baseNanos = core.steps() * profile.stepBaseMicros() * 1000;
    return prompt / ((one.get(0).firstTokenNanos - baseNanos) / 1e9);
  }

  private static List<Sequence> submit(EngineCore core, int count, int prompt, int tokens) {
    EngineCoreTest.Log log = new EngineCoreTest.Log();
    List<Sequence> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(core.submit(log, new long[0], prompt, tokens, 0));
    }
    return all;
  }
}
