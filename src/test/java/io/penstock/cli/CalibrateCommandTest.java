package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ComplexityModelFile;
import io.penstock.config.ConfigLoader;
import io.penstock.inference.ComplexityModel;
import io.penstock.inference.TierPolicy;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
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
  void figuresAsJsonAreTheSameEachTime() throws IOException {
    Path file = folder.resolve("figures.json");
    assertThat(calibrate("--json", file.toString(), "--bootstrap", "50")).isZero();
    assertThat(out.toString()).contains("router     APGR");
    String figures = Files.readString(file);
    out.getBuffer().setLength(0);
    assertThat(calibrate("--json", "-", "--bootstrap", "50")).isZero();
    assertThat(out.toString()).isEqualTo(figures);
    JsonObject all = new JsonObject(figures);
    assertThat(all.fieldNames())
        .containsExactly(
            "options",
            "requests",
            "subsets",
            "cheaper",
            "better",
            "routers",
            "apgr_of_learned_above",
            "by_subset",
            "costs",
            "no_costs");
    assertThat(all.getJsonObject("options").getInteger("seed")).isEqualTo(1);
    assertThat(
            all.getJsonArray("routers").stream()
                .map(each -> ((JsonObject) each).getString("router")))
        .containsExactly("learned", "length", "random");
    JsonObject learned = all.getJsonArray("routers").getJsonObject(0);
    assertThat(learned.getJsonArray("pgr")).hasSize(101);
    assertThat(learned.getJsonArray("pgr").getJsonArray(100).encode()).isEqualTo("[1,1]");
    assertThat(all.getJsonArray("by_subset").getJsonObject(0).getString("subset")).isEqualTo("s");
    assertThat(all.getString("no_costs")).startsWith("costs are not known");
    out.getBuffer().setLength(0);
    assertThat(calibrate("--json", "-", "--bootstrap", "0")).isZero();
    assertThat(out.toString()).contains("\"low\" : null");
  }

  /** The simulator's embeddings say nothing of prompts, so they can not help. */
  @Test
  void embeddingsOfTheSimulatorAreNoise() throws Exception {
    Vertx vertx = Vertx.vertx();
    try {
      EngineSimulator sim =
          EngineSimulator.start(vertx, SimConfig.instant().withModel("m").withReplicas(1)).await();
      String url = "http://127.0.0.1:" + sim.ports().get(0);
      Path model = folder.resolve("model.json");
      assertThat(
              calibrate("--embeddings", url, "--embeddings-model", "m", "--out", model.toString()))
          .as(err.toString())
          .isZero();
      assertThat(err.toString())
          .startsWith("embeddings  0 of 80 asked for, 0 from the cache\n")
          .contains("embeddings  80 of 80 asked for, 0 from the cache\n");
      assertThat(out.toString())
          .contains("embedded   by m, 384 numbers, at most the last 2,000 characters")
          .contains("\nsurface    ");
      ComplexityModel read = ComplexityModelFile.parse(model);
      assertThat(read.embedded().orElseThrow().dimension()).isEqualTo(384);
      assertThat(read.embedded().orElseThrow().model()).isEqualTo("m");
      assertThat(
              calibrate(
                  "--embeddings",
                  url,
                  "--embeddings-model",
                  "n",
                  "--embeddings-cache",
                  folder.resolve("labels.jsonl.m.embeddings").toString()))
          .isEqualTo(1);
      assertThat(err.toString())
          .contains("labels.jsonl.m.embeddings: model m (expected: n; another file by");
    } finally {
      vertx.close().await();
    }
  }

  @Test
  void saysWhatIsWrong() {
    assertThat(calibrate("--weak", "small")).isEqualTo(2);
    assertThat(calibrate("--folds", "1")).isEqualTo(2);
    assertThat(calibrate("--data", "nowhere.jsonl")).isEqualTo(2);
    assertThat(calibrate("--out", folder.resolve("no/such/model.json").toString())).isEqualTo(1);
    assertThat(calibrate("--embeddings", "http://127.0.0.1:1")).isEqualTo(2);
    assertThat(calibrate("--embeddings", "nowhere", "--embeddings-model", "m")).isEqualTo(2);
    assertThat(
            calibrate(
                "--embeddings", "http://h", "--embeddings-model", "m", "--embeddings-batch", "0"))
        .isEqualTo(2);
    assertThat(calibrate("--json", folder.resolve("no/such/figures.json").toString())).isEqualTo(1);
    assertThat(err.toString())
        .contains("--embeddings-model: missing (expected: both or none)")
        .contains("--embeddings: 'nowhere' (expected: an address as http://127.0.0.1:8080")
        .contains("--embeddings-batch: 0 (expected: 1..2048)")
        .contains("figures.json can not be written");
    assertThat(err.toString())
        .contains("penstock calibrate: --strong: missing (expected: both models or none)")
        .contains("penstock calibrate: --folds: 1 (expected: 2..100)")
        .contains("penstock calibrate: nowhere.jsonl: no such file (expected: labelled requests)")
        .contains("model.json can not be written");
  }
}
