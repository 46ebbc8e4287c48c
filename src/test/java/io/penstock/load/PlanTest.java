package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.penstock.load.LoadConfig.Pace;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PlanTest {
  private static final Pace AS_TRACED = new Pace.AsTraced(1, OptionalDouble.empty());

  private static Trace trace(boolean perSession, TracedRequest... rows) {
    return new Trace("t.csv", List.of(rows), perSession, id -> 0);
  }

  private static TracedRequest row(double atSeconds, long session, int input) {
    return new TracedRequest((long) (atSeconds * 1e9), session, input, 1, TracedRequest.NO_BLOCKS);
  }

  private static LoadConfig config(
      Pace pace,
      boolean traced,
      double startSeconds,
      @Nullable Double seconds,
      @Nullable Long requests) {
    return new LoadConfig(
        new LoadConfig.Target(
            List.of(URI.create("http://x")),
            Endpoint.CHAT,
            Optional.empty(),
            Optional.empty(),
            Map.of(),
            false),
        new LoadConfig.Workload(
            traced ? Optional.of(Path.of("t.csv")) : Optional.empty(),
            Duration.ofMillis((long) (startSeconds * 1000)),
            OptionalInt.empty(),
            11,
            22,
            OptionalInt.empty(),
            OptionalInt.empty(),
            true,
            true,
            true),
        pace,
        new LoadConfig.Limits(
            Optional.ofNullable(seconds).map(s -> Duration.ofNanos((long) (s * 1e9))),
            requests == null ? OptionalLong.empty() : OptionalLong.of(requests),
            100,
            Duration.ofSeconds(1)),
        Optional.empty(),
        5);
  }

  private static List<Planned> all(Plan plan) {
    List<Planned> all = new ArrayList<>();
    for (Planned next = plan.next(); next != null; next = plan.next()) {
      all.add(next);
    }
    assertThat(plan.next()).as("after the end").isNull();
    return all;
  }

  private static List<Double> seconds(Plan plan) {
    return all(plan).stream().map(p -> p.atNanos() / 1e9).toList();
  }

  @Test
  void replaysTheTraceAtItsOwnTimes() {
    Trace trace = trace(false, row(0, -1, 1), row(1.5, -1, 2), row(1.5, -1, 3), row(9, -1, 4));

    assertThat(seconds(Plan.of(config(AS_TRACED, true, 0, null, null), trace)))
        .containsExactly(0.0, 1.5, 1.5, 9.0);
    assertThat(all(Plan.of(config(AS_TRACED, true, 0, null, null), trace)))
        .extracting(p -> p.request().inputTokens())
        .containsExactly(1, 2, 3, 4);
  }

  @Test
  void startSpeedDurationAndCountCutTheTrace() {
    Trace trace = trace(false, row(0, -1, 1), row(2, -1, 2), row(4, -1, 3), row(10, -1, 4));

    assertThat(
            seconds(
                Plan.of(
                    config(new Pace.AsTraced(2, OptionalDouble.empty()), true, 2, null, null),
                    trace)))
        .containsExactly(0.0, 1.0, 4.0);
    assertThat(seconds(Plan.of(config(AS_TRACED, true, 1, 9.0, null), trace)))
        .containsExactly(1.0, 3.0);
    assertThat(seconds(Plan.of(config(AS_TRACED, true, 0, null, 2L), trace)))
        .containsExactly(0.0, 2.0);
  }

  @Test
  void nothingAfterTheStartIsAMistake() {
    assertThatThrownBy(
            () -> Plan.of(config(AS_TRACED, true, 60, null, null), trace(false, row(0, -1, 1))))
        .hasMessage("start: 1m (expected: before the last request of t.csv)");
  }

  @Test
  void sessionsStartAtRandomAndKeepTheirOwnTimes() {
    Trace trace =
        trace(true, row(0, 1, 1), row(30, 1, 2), row(0, 2, 3), row(5, 2, 4), row(0, 3, 5));
    Pace pace = new Pace.AsTraced(1, OptionalDouble.of(0.1));

    List<Planned> plan = all(Plan.of(config(pace, true, 0, null, null), trace));

    assertThat(plan).isSortedAccordingTo((a, b) -> Long.compare(a.atNanos(), b.atNanos()));
    assertThat(at(plan, 2) - at(plan, 1)).isCloseTo(30, within(1e-6));
    assertThat(at(plan, 4) - at(plan, 3)).isCloseTo(5, within(1e-6));
    assertThat(at(plan, 1)).isGreaterThan(0).isLessThan(at(plan, 3));
  }

  private static double at(List<Planned> plan, int input) {
    return plan.stream()
            .filter(p -> p.request().inputTokens() == input)
            .findFirst()
            .orElseThrow()
            .atNanos()
        / 1e9;
  }

  @Test
  void sessionRateAndSessionTimesBelongTogether() {
    assertThatThrownBy(
            () -> Plan.of(config(AS_TRACED, true, 0, null, null), trace(true, row(0, 1, 1))))
        .hasMessage(
            "session-rate: missing (expected: --session-rate R, since the times of t.csv count from each session's start; or --rate, or --concurrency)");
    Pace withRate = new Pace.AsTraced(1, OptionalDouble.of(2));
    assertThatThrownBy(
            () -> Plan.of(config(withRate, true, 0, null, null), trace(false, row(0, 1, 1))))
        .hasMessage(
            "session-rate: 2.0 (expected: only for traces whose times count from each session's start)");
  }

  @Test
  void poissonAndClosedLoopsTakeLengthsInTurnAndCountLaps() {
    Trace trace = trace(false, row(0, -1, 1), row(5, -1, 2));

    List<Planned> plan = all(Plan.of(config(new Pace.Closed(1), true, 0, null, 5L), trace));

    assertThat(plan).extracting(p -> p.request().inputTokens()).containsExactly(1, 2, 1, 2, 1);
    assertThat(plan).extracting(Planned::lap).containsExactly(0, 0, 1, 1, 2);
    assertThat(plan).extracting(Planned::index).containsExactly(0L, 1L, 2L, 3L, 4L);
    assertThat(plan).allMatch(p -> p.atNanos() == 0);
    Planned fixed = all(Plan.of(config(new Pace.Poisson(3), false, 0, null, 1L), null)).get(0);
    assertThat(fixed.request().inputTokens()).isEqualTo(11);
    assertThat(fixed.request().outputTokens()).isEqualTo(22);
  }

  @Property(tries = 30)
  void poissonGapsAreExponential(@ForAll @DoubleRange(min = 0.5, max = 5000) double rate) {
    long n = 20_000;
    List<Planned> plan = all(Plan.of(config(new Pace.Poisson(rate), false, 0, null, n), null));

    double[] gaps = new double[plan.size()];
    long last = 0;
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = (plan.get(i).atNanos() - last) / 1e9;
      last = plan.get(i).atNanos();
    }
    double mean = Arrays.stream(gaps).average().orElseThrow();
    double variance = Arrays.stream(gaps).map(g -> (g - mean) * (g - mean)).average().orElseThrow();
    assertThat(mean * rate).isCloseTo(1, within(0.04));
    assertThat(Math.sqrt(variance) / mean)
        .as("coefficient of variation")
        .isCloseTo(1, within(0.05));
  }

  @Property(tries = 50)
  void arrivalsNeverGoBackNorPastTheDuration(
      @ForAll @DoubleRange(min = 0.1, max = 500) double rate,
      @ForAll @IntRange(min = 1, max = 20) int seconds) {
    List<Double> times =
        seconds(Plan.of(config(new Pace.Poisson(rate), false, 0, (double) seconds, null), null));

    assertThat(times).isSorted().allMatch(t -> t >= 0 && t < seconds);
  }

  @Test
  void theSameSeedGivesTheSamePlan() {
    LoadConfig config = config(new Pace.Poisson(7), false, 0, 60.0, null);

    assertThat(seconds(Plan.of(config, null)))
        .isEqualTo(seconds(Plan.of(config, null)))
        .hasSizeGreaterThan(300);
  }
}
