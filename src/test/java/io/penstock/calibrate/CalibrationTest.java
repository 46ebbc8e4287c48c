package io.penstock.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.penstock.tiers.Complexity;
import io.penstock.tiers.PromptFeatures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CalibrationTest {
  @TempDir Path folder;

  private static Sample sample(String subset, double weak, double strong) {
    return new Sample(subset, 10, PromptFeatures.of("x"), new float[0], weak, strong, 1, 10);
  }

  private CalibrationConfig config(Path file, boolean bySubset, int words) {
    return new CalibrationConfig(
        List.of(file),
        Optional.empty(),
        Optional.empty(),
        0.1,
        1,
        4,
        bySubset,
        Set.of(),
        false,
        words,
        200,
        7,
        Optional.empty());
  }

  /** Requests of which those need the better model that ask for a proof, but for some noise. */
  private Path labels(int count, double noise) throws IOException {
    Random random = new Random(3);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean hard = random.nextInt(3) == 0;
      boolean needs = random.nextDouble() < noise ? random.nextInt(3) == 0 : hard;
      String prompt =
          (hard ? "Prove that river " : "Name the river ") + "word" + random.nextInt(500) + ".";
      lines.add(
          "{\"subset\":\"s%d\",\"prompt\":\"%s\",\"m\":{\"small\":{\"score\":%d},\"large\":{\"score\":1}}}"
              .formatted(i % 6, prompt, needs ? 0 : 1));
    }
    return Files.write(folder.resolve("labels.jsonl"), lines);
  }

  @Test
  void aCurveByHand() {
    List<Sample> samples =
        List.of(sample("", 0, 1), sample("", 1, 1), sample("", 0, 1), sample("", 0, 0));
    GainCurve best = new GainCurve(samples, new double[] {4, 1, 3, 2});
    assertThat(best.pgr(0)).isZero();
    assertThat(best.pgr(0.25)).isEqualTo(0.5);
    assertThat(best.pgr(0.5)).isEqualTo(1);
    assertThat(best.pgr(1)).isEqualTo(1);
    assertThat(best.figures().cpt50()).isEqualTo(0.25);
    assertThat(best.figures().cpt80()).isEqualTo(0.5);
    assertThat(best.figures().apgr()).isEqualTo((0.25 + 0.75 + 1 + 1) / 4);
    GainCurve worst = new GainCurve(samples, new double[] {1, 4, 2, 3});
    assertThat(worst.figures().apgr()).isEqualTo((0 + 0 + 0.25 + 0.75) / 4);
    assertThat(worst.figures().cpt50()).isEqualTo(0.75);
  }

  @Test
  void randomScoresYieldAHalf() {
    Random random = new Random(5);
    List<Sample> samples = new ArrayList<>();
    double[] scores = new double[4_000];
    for (int i = 0; i < scores.length; i++) {
      samples.add(sample("", random.nextInt(2), 1));
      scores[i] = random.nextDouble();
    }
    GainCurve curve = new GainCurve(samples, scores);
    Bootstrap.Interval apgr =
        new Bootstrap(List.of(curve), 300, new Random(1)).of(0, GainCurve.Figures::apgr);
    assertThat(curve.figures().apgr()).isCloseTo(0.5, within(0.03));
    assertThat(apgr.low()).isLessThan(0.5).isLessThan(apgr.value());
    assertThat(apgr.high()).isGreaterThan(0.5);
    assertThat(apgr.high() - apgr.low()).isLessThan(0.06);
  }

  @Test
  void learnsWhatMakesATaskHard() throws Exception {
    Path file = labels(1_200, 0.1);
    Calibration of = Calibration.of(config(file, false, 8), EmbeddingsProgress.NONE);
    assertThat(of.report())
        .contains("requests   1,200 of 6 subsets")
        .contains("cheaper    small")
        .contains("better     large, mean score 1.0000")
        .contains("held out   4 folds of random requests, seed 7");
    Complexity complexity = Complexity.by(of.model());
    assertThat(complexity.of("Prove that river word7.")).isGreaterThan(0.6);
    assertThat(complexity.of("Name the river word7.")).isLessThan(0.6);
    assertThat(apgr(of.report(), "learned")).isGreaterThan(0.75);
    assertThat(apgr(of.report(), "length")).isBetween(0.3, 0.95);
  }

  /** A figure of the table, which stands behind its router's name. */
  private static double apgr(String report, String router) {
    return report
        .lines()
        .filter(line -> line.startsWith(router))
        .map(line -> Double.parseDouble(line.substring(11, 17)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void sameLabelsAndSeedSameFileAndReport() throws Exception {
    Path file = labels(300, 0.3);
    Calibration once = Calibration.of(config(file, true, 6), EmbeddingsProgress.NONE);
    Calibration again = Calibration.of(config(file, true, 6), EmbeddingsProgress.NONE);
    assertThat(again.report()).isEqualTo(once.report());
    once.write(folder.resolve("a.json"));
    again.write(folder.resolve("b.json"));
    assertThat(folder.resolve("b.json")).hasSameTextualContentAs(folder.resolve("a.json"));
    assertThat(Files.list(folder).map(Path::getFileName).map(Path::toString))
        .containsExactlyInAnyOrder("labels.jsonl", "a.json", "b.json");
  }

  @Test
  void subsetsAreHeldOutWhole() {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      samples.add(sample("s" + i % 7, 0, 1));
    }
    int[] folds = Folds.bySubset(samples, 3, new Random(1));
    for (int i = 0; i < 60; i++) {
      assertThat(folds[i]).isEqualTo(folds[i % 7]);
    }
    int[] single = Folds.random(60, 3, new Random(1));
    Set<Integer> seen = new HashSet<>();
    int[] sizes = new int[3];
    for (int fold : single) {
      sizes[fold]++;
      seen.add(fold);
    }
    assertThat(sizes).containsExactly(20, 20, 20);
    assertThat(seen).hasSize(3);
  }

  @Test
  void costsOfWaysToServe() {
    List<Sample> samples =
        List.of(sample("", 0, 1), sample("", 1, 1), sample("", 1, 1), sample("", 1, 1));
    List<CostTable.Row> rows =
        new CostTable(samples)
            .rows(new GainCurve(samples, new double[] {9, 1, 2, 3}), new Random(1));
    assertThat(rows.get(0)).isEqualTo(new CostTable.Row("better model for all", 1, 1, 1));
    assertThat(rows.get(1)).isEqualTo(new CostTable.Row("cheaper model for all", 0.1, 0.75, 0));
    assertThat(rows.get(2)).isEqualTo(new CostTable.Row("router, equal score", 13 / 40.0, 1, 0.25));
    assertThat(rows.get(5))
        .isEqualTo(new CostTable.Row("cascade, judge never wrong", 14 / 40.0, 1, 0.25));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '^',
      value = {
        "^^; no requests are left to learn from",
        "{oops; line 1: Unexpected character",
        "{'m':{'a':{'score':1}}}; line 1: prompt: missing (expected: a string)",
        "{'prompt':'p','m':{}}; line 1: m: {} (expected: an object with a result for each model)",
        "{'prompt':'p','m':{'a':{'score':'x'}}}; line 1: m.a.score: \"x\" (expected: a number)",
        "{'prompt':'p','m':{'a':{'score':1e999}}}; line 1: m.a.score:",
        "{'prompt':'p','m':{'a':{'score':1,'cost_usd':'x'}}}; line 1: m.a.cost_usd: \"x\" (expected: a number of at least 0, or none)",
        "[1]; line 1: [1] (expected: a JSON object)",
        "{'prompt':'p','m':{'a':{'score':1}}}; --weak and --strong: missing (expected: two of a)",
        "{'prompt':'p','m':{'a':{'score':1},'b':{'score':0}}}; 1 requests have results of both"
      })
  void labelsThatCanNotBeUsedAreExactErrors(String line, String said) throws Exception {
    Path file = Files.writeString(folder.resolve("bad.jsonl"), line.replace('\'', '"') + "\n");
    assertThatThrownBy(() -> Calibration.of(config(file, false, 0), EmbeddingsProgress.NONE))
        .isInstanceOf(LabelException.class)
        .hasMessageContaining(said);
  }

  @Test
  void aBetterModelThatIsNotIsNothingToRouteFor() throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      lines.add(
          "{\"prompt\":\"p%d\",\"m\":{\"a\":{\"score\":%d},\"b\":{\"score\":%d}}}"
              .formatted(i, i % 4 == 0 ? 0 : 1, i % 3 == 0 ? 1 : 0));
    }
    Path file = Files.write(folder.resolve("even.jsonl"), lines);
    CalibrationConfig config =
        new CalibrationConfig(
            List.of(file),
            Optional.of("a"),
            Optional.of("b"),
            0,
            0,
            2,
            false,
            Set.of(),
            false,
            0,
            0,
            1,
            Optional.empty());
    assertThatThrownBy(() -> Calibration.of(config, EmbeddingsProgress.NONE))
        .hasMessageContaining("nothing to route for");
    assertThatThrownBy(
            () ->
                Calibration.of(
                    new CalibrationConfig(
                        List.of(file),
                        Optional.of("a"),
                        Optional.of("c"),
                        0,
                        0,
                        2,
                        false,
                        Set.of(),
                        false,
                        0,
                        0,
                        1,
                        Optional.empty()),
                    EmbeddingsProgress.NONE))
        .hasMessage("model 'c' (expected: one of a, b)");
  }
}
