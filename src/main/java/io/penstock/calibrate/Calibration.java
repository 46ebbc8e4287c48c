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
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;

/**
 * A calibration: reads, has prompts embedded where that is asked for, holds out, trains, and has
 * its report and its model. The same files, embeddings and configuration give the same of both.
 * Blocks for seconds to minutes, and for as long as embeddings take.
 */
public final class Calibration {
  private static final int CHARS_PER_TOKEN = 4;
  private static final int TOKENS_PER_1K = 1_000;
  private static final float[] NO_VECTOR = {};

  private final CalibrationConfig config;
  private final Pair pair;
  private final List<Sample> samples;
  private final ComplexityModel model;
  private final CalibrationFigures figures;

  private Calibration(CalibrationConfig config, EmbeddingsProgress progress)
      throws LabelException, EmbeddingsException, IOException {
    this.config = config;
    List<Labelled> rows = read(config);
    this.pair = pair(config, rows);
    List<Labelled> usable = rows.stream().filter(pair::hasBoth).toList();
    isEnough(usable);
    this.samples = samples(usable, progress);
    Trainer trainer = new Trainer(config);
    this.figures =
        CalibrationFigures.of(config, pair.weak(), pair.strong(), samples, scored(trainer));
    this.model = trainer.fit(samples);
  }

  /**
   * Calibrates.
   *
   * @param progress told how the asking for embeddings goes
   * @throws LabelException when the labels can not be used
   * @throws EmbeddingsException when embeddings can not be had
   * @throws IOException when a file can not be read or written
   */
  public static Calibration of(CalibrationConfig config, EmbeddingsProgress progress)
      throws LabelException, EmbeddingsException, IOException {
    return new Calibration(config, progress);
  }

  /** The two models. */
  private record Pair(String weak, String strong) {
    boolean hasBoth(Labelled row) {
      return row.results().containsKey(weak) && row.results().containsKey(strong);
    }
  }

  private static List<Labelled> read(CalibrationConfig config) throws LabelException {
    List<Labelled> rows = new ArrayList<>();
    for (Path file : config.data()) {
      rows.addAll(LabelReader.read(file, config.without(), config.contaminated()));
    }
    if (rows.isEmpty()) {
      throw new LabelException("no requests are left to learn from (expected: one a line)");
    }
    return rows;
  }

  private static Pair pair(CalibrationConfig config, List<Labelled> rows) throws LabelException {
    Map<String, Mean> means = new TreeMap<>();
    for (Labelled row : rows) {
      row.results()
          .forEach(
              (name, result) ->
                  means.computeIfAbsent(name, first -> new Mean()).add(result.score()));
    }
    if (config.weak().isPresent()) {
      Pair pair = new Pair(config.weak().get(), config.strong().orElseThrow());
      for (String each : List.of(pair.weak(), pair.strong())) {
        if (!means.containsKey(each)) {
          throw new LabelException(
              "model '" + each + "' (expected: one of " + String.join(", ", means.keySet()) + ")");
        }
      }
      return pair;
    }
    if (means.size() != 2) {
      throw new LabelException(
          "--weak and --strong: missing (expected: two of "
              + String.join(", ", means.keySet())
              + ")");
    }
    List<String> names =
        means.entrySet().stream()
            .sorted(Comparator.comparingDouble(each -> each.getValue().value()))
            .map(Map.Entry::getKey)
            .toList();
    return new Pair(names.get(0), names.get(1));
  }

  private static final class Mean {
    private double sum;
    private int count;

    void add(double value) {
      sum += value;
      count++;
    }

    double value() {
      return sum / count;
    }
  }

  private Labelled.Result weak(Labelled row) {
    return Objects.requireNonNull(row.results().get(pair.weak()));
  }

  private Labelled.Result strong(Labelled row) {
    return Objects.requireNonNull(row.results().get(pair.strong()));
  }

  /** Looked at before embeddings are asked for, which may cost something. */
  private void isEnough(List<Labelled> usable) throws LabelException {
    long need = usable.stream().filter(row -> strong(row).score() > weak(row).score()).count();
    if (usable.size() < 2 * config.folds() || need == 0 || need == usable.size()) {
      throw new LabelException(
          usable.size()
              + " requests have results of both '"
              + pair.weak()
              + "' and '"
              + pair.strong()
              + "' (expected: at least "
              + 2 * config.folds()
              + ", of which the better model does some better and some not)");
    }
    Mean weak = new Mean();
    Mean strong = new Mean();
    for (Labelled row : usable) {
      weak.add(weak(row).score());
      strong.add(strong(row).score());
    }
    if (strong.value() <= weak.value()) {
      throw new LabelException(
          "'"
              + pair.strong()
              + "' scores "
              + strong.value()
              + " in the mean and '"
              + pair.weak()
              + "' "
              + weak.value()
              + " (expected: the better model scores more; there is nothing to route for)");
    }
  }

  private List<Sample> samples(List<Labelled> usable, EmbeddingsProgress progress)
      throws EmbeddingsException, IOException {
    List<float[]> vectors =
        config.embeddings().isEmpty()
            ? List.of()
            : Embeddings.of(usable, config.embeddings().get(), config.data().get(0), progress);
    List<Sample> made = new ArrayList<>(usable.size());
    for (int i = 0; i < usable.size(); i++) {
      Labelled row = usable.get(i);
      made.add(
          new Sample(
              row.subset(),
              row.prompt().length(),
              PromptFeatures.of(row.prompt()),
              vectors.isEmpty() ? NO_VECTOR : vectors.get(i),
              weak(row).score(),
              strong(row).score(),
              cost(row, weak(row), config.weakPrice()),
              cost(row, strong(row), config.strongPrice())));
    }
    return made;
  }

  /** As told, else as many tokens of answer as of prompt. */
  private static double cost(Labelled row, Labelled.Result result, double price) {
    double tokens = 2.0 * Math.max(1, row.prompt().length() / CHARS_PER_TOKEN);
    return Double.isNaN(result.cost()) ? tokens / TOKENS_PER_1K * price : result.cost();
  }

  /** Each sample by models that have not seen it, and by its length. */
  private List<Scored> scored(Trainer trainer) {
    boolean embedded = config.embeddings().isPresent();
    Random random = new Random(config.seed());
    int[] folds =
        config.bySubset()
            ? Folds.bySubset(samples, config.folds(), random)
            : Folds.random(samples.size(), config.folds(), random);
    double[] surface = new double[samples.size()];
    double[] learned = new double[samples.size()];
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
      Complexity by = Complexity.by(trainer.fit(others));
      for (int i = 0; i < folds.length; i++) {
        if (folds[i] == fold) {
          surface[i] = Trainer.score(by, samples.get(i), false);
          learned[i] = embedded ? Trainer.score(by, samples.get(i), true) : surface[i];
        }
      }
    }
    List<Scored> ways = new ArrayList<>();
    ways.add(new Scored(CalibrationFigures.LEARNED, learned));
    if (embedded) {
      ways.add(new Scored(CalibrationFigures.SURFACE, surface));
    }
    ways.add(
        new Scored(
            CalibrationFigures.LENGTH, samples.stream().mapToDouble(Sample::chars).toArray()));
    return ways;
  }

  /** The figures, as text for a terminal. */
  public String report() {
    return TextReport.of(figures);
  }

  /** All figures and curves, as JSON. */
  public String json() {
    return JsonReport.of(figures);
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
        samples.size()
            + " requests, "
            + pair.weak()
            + " or "
            + pair.strong()
            + ", seed "
            + config.seed());
  }
}
