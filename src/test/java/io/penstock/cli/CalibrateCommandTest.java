package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ConfigLoader;
import io.penstock.inference.TierPolicy;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrateCommandTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Path labels;

  @BeforeEach
  void write() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 80; i++) {
      lines.add(
          "{\"subset\":\"s\",\"prompt\":\"%s %d\",\"m\":{\"small\":{\"score\":%d},\"large\":{\"score\":1}}}"
              .formatted(i % 3 == 0 ? "Prove it" : "Name it", i, i % 3 == 0 ? 0 : 1));
    }
    labels = Files.write(folder.resolve("labels.jsonl"), lines);
  }

  private int calibrate(String... more) {
    List<String> args = new ArrayList<>(List.of("calibrate", "--data", labels.toString()));
    args.addAll(List.of(more));
    return Main.run(
        args.toArray(new String[0]),
        Map.of(),
        new PrintWriter(out, true),
        new PrintWriter(err, true));
  }

  @Test
  void writesAModelThatTheRouterLoads() throws IOException {
    Path model = folder.resolve("model.json");
    assertThat(calibrate("--out", model.toString(), "--words", "6")).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("router     APGR")
        .contains("\nlearned    ")
        .contains("\nlength     ")
        .contains("\nrandom     0.5000")
        .contains("costs are not known: give --price-weak and --price-strong")
        .contains("model file  " + model);
    Path node =
        Files.writeString(
            folder.resolve("node.json"),
            """
            {"fleet": {"pools": [{"model_id": "m", "replicas": [{"url": "http://h:1"}]}],
              "tiers": {"estimator_file": "model.json", "list": [{"level": "fast", "model_id": "m",
                "latency_target_ms": 1, "cost_per_1k_tokens": 0, "quality_score": 1}]}}}
            """);
    TierPolicy tiers =
        ConfigLoader.load(node, name -> Optional.empty())
            .fold(
                ok -> ok.config().fleet().tiers().orElseThrow(),
                no -> {
                  throw new AssertionError(no.mistakes());
                });
    assertThat(tiers.estimator()).isPresent();
    assertThat(tiers.estimator().get().model().surface().hashedWeights()).hasSize(64);
  }

  @Test
  void costsAreComparedWherePricesAreKnown() {
    assertThat(calibrate("--price-weak", "0.1", "--price-strong", "1")).isZero();
    assertThat(out.toString())
        .containsPattern("better model for all +100\\.0% +1\\.0000 +100\\.0%")
        .containsPattern("cascade, judge never wrong +43\\.\\d% +1\\.0000 +33\\.8%");
  }

  @Test
  void saysWhatIsWrong() {
    assertThat(calibrate("--weak", "small")).isEqualTo(2);
    assertThat(calibrate("--folds", "1")).isEqualTo(2);
    assertThat(calibrate("--data", "nowhere.jsonl")).isEqualTo(2);
    assertThat(calibrate("--out", folder.resolve("no/such/model.json").toString())).isEqualTo(1);
    assertThat(err.toString())
        .contains("penstock calibrate: --strong: missing (expected: both models or none)")
        .contains("penstock calibrate: --folds: 1 (expected: 2..100)")
        .contains("penstock calibrate: nowhere.jsonl: no such file (expected: labelled requests)")
        .contains("model.json can not be written");
  }
}
