package io.penstock.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.load.Goodput;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeterminismTest {
  static final Replay.Progress NOBODY =
      new Replay.Progress() {
        @Override
        public void begins(String policy, double rate) {}

        @Override
        public void ended(String policy, int requests) {}
      };

  @TempDir Path folder;

  private ReplayReport replay(long seed, ReplayConfig.Load load, List<String> policies) {
    String dies = "{\"replica\":\"r-1\",\"at\":\"5s\",\"what\":\"down\",\"for\":\"4s\"}";
    Path fleet = Samples.tinyFile(folder, 3, 6, dies);
    Path trace = Samples.trace(folder, Samples.conversations(7, 300).toArray(new String[0]));
    return Replay.of(
            new ReplayConfig(
                trace,
                fleet,
                policies,
                load,
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.of(450),
                Optional.empty(),
                Duration.ofSeconds(3),
                Goodput.parse("ttft=800ms,itl=25ms"),
                seed))
        .run(NOBODY);
  }

  @Test
  void theSameSeedGivesTheSameBytesUnderEveryPolicy() {
    ReplayConfig.Load load = new ReplayConfig.Load.Rate(14);

    ReplayReport one = replay(5, load, List.of());
    ReplayReport two = replay(5, load, List.of());
    ReplayReport other = replay(6, load, List.of());

    assertThat(one.results()).extracting(Result::policy).containsExactlyElementsOf(Policy.names());
    assertThat(two.toText()).isEqualTo(one.toText());
    assertThat(two.toJson()).isEqualTo(one.toJson());
    assertThat(two.toHtml()).isEqualTo(one.toHtml());
    assertThat(other.toJson()).isNotEqualTo(one.toJson());
  }

  @Test
  void aPolicysFiguresDoNotDependOnTheOthers() {
    ReplayConfig.Load load = new ReplayConfig.Load.Rate(14);

    Result among =
        replay(5, load, List.of("random", "weighted_scores", "power_of_two")).results().get(1);
    Result alone = replay(5, load, List.of("weighted_scores")).results().get(0);

    assertThat(alone).usingRecursiveComparison().isEqualTo(among);
  }

  @Test
  void theLoadThatJustSaturatesAPolicyDoesSo() {
    ReplayReport report =
        replay(5, new ReplayConfig.Load.Saturating("least_loaded", 0.9), List.of("least_loaded"));
    double rate = report.rate();
    ReplayReport over = replay(5, new ReplayConfig.Load.Rate(rate * 1.3), List.of("least_loaded"));

    assertThat(report.results().get(0).goodShare()).isBetween(0.88, 0.96);
    assertThat(over.results().get(0).goodShare()).isLessThan(0.88);
    assertThat(report.toText()).contains("where least_loaded just has 90 % of the requests");
  }
}
