package io.penstock.calibrate;

import io.penstock.inference.ComplexityModel;
import io.penstock.tiers.Complexity;
import io.penstock.tiers.PromptFeatures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * A calibration: reads, holds out, trains, and has its report and its model. The same files and
 * configuration give the same of both. Blocks for seconds to minutes.
 */
public final class Calibration {
  private static final int CHARS_PER_TOKEN = 4;
  private static final int TOKENS_PER_1K = 1_000;

  private final CalibrationConfig config;
  private final List<Sample> samples = new ArrayList<>();
  private final double[] heldOut;
  private final ComplexityModel model;
  private String weak = "";
  private String strong = "";

  private Calibration(CalibrationConfig config) throws LabelException, IOException {
    this.config = config;
    read();
    this.heldOut = scores();
    this.model = new Trainer(config.wordBits()).fit(samples);
  }

  /**
   * Calibrates.
   *
   * @throws LabelException when the labels can not be used
   * @throws IOException when a file can not be read
   */
  public static Calibration of(CalibrationConfig config) throws LabelException, IOException {
    return new Calibration(config);
  }

  private void read() throws LabelException, IOException {
    List<Labelled> rows = new ArrayList<>();
    for (Path file : config.data()) {
      rows.addAll(LabelReader.read(file, config.without(), config.contaminated()));
    }
    chooseModels(rows);
    for (Labelled row : rows) {
      Labelled.Result cheap = row.results().get(weak);
      Labelled.Result good = row.results().get(strong);
      if (cheap != null && good != null) {
        samples.add(sample(row, cheap, good));
      }
    }
    if (samples.size() < 2 * config.folds() || !Trainer.isMixed(samples)) {
      throw new LabelException(
          samples.size()
              + " requests have results of both '"
              + weak
              + "' and '"
              + strong
              + "' (expected: at least "
              + 2 * config.folds()
              + ", of which the better model does some better and some not)");
    }
    double gap = mean(true) - mean(false);
    if (gap <= 0) {
      throw new LabelException(
          "'"
              + strong
              + "' scores "
              + mean(true)
              + " in the mean and '"
              + weak
              + "' "
              + mean(false)
              + " (expected: the better model scores more; there is nothing to route for)");
    }
  }

  private void chooseModels(List<Labelled> rows) throws LabelException {
    if (rows.isEmpty()) {
      throw new LabelException("no requests are left to learn from (expected: one a line)");
    }
    Map<String, double[]> sums = new TreeMap<>();
    for (Labelled row : rows) {
      row.results()
          .forEach(
              (name, result) -> {
                double[] sum = sums.computeIfAbsent(name, first -> new double[2]);
                sum[0] += result.score();
                sum[1]++;
              });
    }
    if (config.weak().isPresent()) {
      weak = config.weak().get();
      strong = config.strong().orElseThrow();
      for (String each : List.of(weak, strong)) {
        if (!sums.containsKey(each)) {
          throw new LabelException(
              "model '" + each + "' (expected: one of " + String.join(", ", sums.keySet()) + ")");
        }
      }
      return;
    }
    if (sums.size() != 2) {
      throw new LabelException(
          "--weak and --strong: missing (expected: two of "
              + String.join(", ", sums.keySet())
              + ")");
    }
    List<String> names =
        sums.keySet().stream()
            .sorted(
                Comparator.comparingDouble(
                    name -> mean(sums.getOrDefault(name, new double[] {0, 1}))))
            .toList();
    weak = names.get(0);
    strong = names.get(1);
  }

  private static double mean(double[] sum) {
    return sum[0] / sum[1];
  }

  private Sample sample(Labelled row, Labelled.Result cheap, Labelled.Result good) {
    return new Sample(
        row.subset(),
        row.prompt().length(),
        PromptFeatures.of(row.prompt()),
        cheap.score(),
        good.score(),
        cost(row, cheap, config.weakPrice()),
        cost(row, good, config.strongPrice()));
  }

  /** As told, else as many tokens of answer as of prompt. */
  private static double cost(Labelled row, Labelled.Result result, double price) {
    double tokens = 2.0 * Math.max(1, row.prompt().length() / CHARS_PER_TOKEN);
    return Double.isNaN(result.cost()) ? tokens / TOKENS_PER_1K * price : result.cost();
  }

  private double mean(boolean ofStrong) {
    return samples.stream()
        .mapToDouble(each -> ofStrong ? each.strong() : each.weak())
        .average()
        .orElse(0);
  }

  /** Of each sample by a model that has not seen it. */
  private double[] scores() {
    Random random = new Random(config.seed());
    int[] folds =
        config.bySubset()
            ? Folds.bySubset(samples, config.folds(), random)
            : Folds.random(samples.size(), config.folds(), random);
    double[] scores = new double[samples.size()];
    for (int fold = 0; fold < config.folds(); fold++) {
      List<Sample> others = new ArrayList<>();
      for (int i = 0; i < folds.length; i++) {
        if (folds[i] != fold) {
          others.add(samples.get(i));
        }
      }
      if (!Trainer.isMixed(others)) {
        continue;
      }
      Complexity by = Complexity.by(new Trainer(config.wordBits()).fit(others));
      for (int i = 0; i < folds.length; i++) {
        if (folds[i] == fold) {
          scores[i] = by.score(samples.get(i).features());
        }
      }
    }
    return scores;
  }

  /** The figures, as text for a terminal. */
  public String report() {
    GainCurve learned = new GainCurve(samples, heldOut);
    GainCurve length =
        new GainCurve(samples, samples.stream().mapToDouble(Sample::chars).toArray());
    Random random = new Random(config.seed());
    return new CalibrationReport(config, samples, weak, strong)
        .text(
            learned,
            learned.intervals(config.resamples(), random),
            length,
            length.intervals(config.resamples(), random),
            random);
  }

  /** The model, trained on all of the samples. */
  public ComplexityModel model() {
    return model;
  }

  /** Writes the model's file. */
  public void write(Path file) throws IOException {
    ModelWriter.write(
        file,
        model,
        samples.size() + " requests, " + weak + " or " + strong + ", seed " + config.seed());
  }
}
