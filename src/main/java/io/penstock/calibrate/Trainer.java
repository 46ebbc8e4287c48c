package io.penstock.calibrate;

import de.bwaldvogel.liblinear.Feature;
import de.bwaldvogel.liblinear.FeatureNode;
import de.bwaldvogel.liblinear.Linear;
import de.bwaldvogel.liblinear.Model;
import de.bwaldvogel.liblinear.Parameter;
import de.bwaldvogel.liblinear.Problem;
import de.bwaldvogel.liblinear.SolverType;
import io.penstock.inference.ComplexityModel;
import io.penstock.inference.ComplexityModel.Embedded;
import io.penstock.inference.ComplexityModel.Part;
import io.penstock.tiers.Complexity;
import io.penstock.tiers.PromptFeatures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Fits the model of {@link Complexity} to samples: L2-regularised logistic regression by
 * liblinear's trust region Newton method (Lin, Weng, Keerthi, Trust region Newton method for
 * large-scale logistic regression, 2008), which draws no random numbers. Surface features are
 * standardised. Where the samples have embeddings, a second regression goes by these too.
 *
 * <p>The strength of regularisation is, of each, that of {@link #STRENGTHS} with the least log loss
 * on the fifth of the samples that is left out for it.
 */
final class Trainer {
  /** Costs of an error, {@code C}; the smaller, the more is regularised. */
  static final double[] STRENGTHS = {0.003, 0.01, 0.03, 0.1, 0.3, 1};

  /**
   * The root mean square of a number of an embedding beside surface features, of which it is 1:
   * hundreds of numbers at 1 would have to be held down so much that the few features went down
   * with them.
   */
  static final double VECTOR_SCALE = 0.25;

  private static final double TOLERANCE = 0.01;
  private static final int QUANTILES = 101;
  private static final int HELD_OUT = 5;

  private final CalibrationConfig config;

  /** Size of the table of words; 0 for none. */
  private final int words;

  /** An embedding's features are the same in each fold; by identity of the vector. */
  private final Map<float[], Feature[]> vectors = new IdentityHashMap<>();

  Trainer(CalibrationConfig config) {
    this.config = config;
    this.words = config.wordBits() == 0 ? 0 : 1 << config.wordBits();
    Linear.disableDebugOutput();
  }

  /**
   * Fits a model to samples of which some need the better model and some do not; either all have
   * embeddings or none.
   */
  ComplexityModel fit(List<Sample> samples) {
    ComplexityModel surface = best(samples, false);
    if (samples.get(0).vector().length == 0) {
      return surface;
    }
    ComplexityModel embedded = best(samples, true);
    return new ComplexityModel(
        surface.features(),
        surface.means(),
        surface.scales(),
        surface.surface(),
        embedded.embedded(),
        "");
  }

  private ComplexityModel best(List<Sample> samples, boolean embedded) {
    List<Sample> rest = new ArrayList<>();
    List<Sample> out = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      (i % HELD_OUT == 0 ? out : rest).add(samples.get(i));
    }
    double best = STRENGTHS[0];
    double least = Double.POSITIVE_INFINITY;
    if (isMixed(rest)) {
      for (double strength : STRENGTHS) {
        double loss = logLoss(Complexity.by(fit(rest, strength, embedded)), out, embedded);
        if (loss < least) {
          least = loss;
          best = strength;
        }
      }
    }
    return fit(samples, best, embedded);
  }

  static boolean isMixed(List<Sample> samples) {
    long need = samples.stream().filter(Sample::needsStrong).count();
    return need > 0 && need < samples.size();
  }

  /** The score of a sample, by its embedding too where the model is to go by it. */
  static double score(Complexity model, Sample of, boolean embedded) {
    return embedded ? model.score(of.features(), of.vector()) : model.score(of.features());
  }

  private static double logLoss(Complexity model, List<Sample> samples, boolean embedded) {
    double sum = 0;
    for (Sample each : samples) {
      double logit = score(model, each, embedded);
      sum += Math.log1p(Math.exp(each.needsStrong() ? -logit : logit));
    }
    return sum;
  }

  private ComplexityModel fit(List<Sample> samples, double strength, boolean embedded) {
    int n = PromptFeatures.NAMES.size();
    int d = embedded ? samples.get(0).vector().length : 0;
    double[] means = new double[n];
    double[] scales = new double[n];
    standardise(samples, means, scales);
    Problem problem = new Problem();
    problem.l = samples.size();
    problem.n = n + d + words + 1;
    problem.bias = 1;
    problem.x = new Feature[samples.size()][];
    problem.y = new double[samples.size()];
    for (int i = 0; i < samples.size(); i++) {
      problem.x[i] = row(samples.get(i), means, scales, d);
      problem.y[i] = samples.get(i).needsStrong() ? 1 : 0;
    }
    Model fitted = Linear.train(problem, new Parameter(SolverType.L2R_LR, strength, TOLERANCE));
    double sign = fitted.getLabels()[0] == 1 ? 1 : -1;
    Fitted weights = new Fitted(means, scales, fitted.getFeatureWeights(), sign, d);
    ComplexityModel unranked = model(weights, List.of(0.0, 1.0));
    return model(weights, quantiles(Complexity.by(unranked), samples, d > 0));
  }

  /**
   * What the solver has found.
   *
   * @param all weights of surface features, numbers of the embedding, words, bias
   * @param dimension of embeddings; 0 without
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Fitted(
      double[] means, double[] scales, double[] all, double sign, int dimension) {}

  private ComplexityModel model(Fitted of, List<Double> quantiles) {
    int n = of.means().length;
    int d = of.dimension();
    Part part =
        new Part(
            list(Arrays.copyOf(of.all(), n), of.sign()),
            of.sign() * of.all()[n + d + words],
            floats(of.all(), n + d, words, of.sign()),
            quantiles);
    Optional<Embedded> embedded =
        config
            .embeddings()
            .filter(asked -> d > 0)
            .map(
                asked ->
                    new Embedded(
                        asked.model(),
                        asked.charsMax(),
                        part,
                        floats(of.all(), n, d, of.sign() * vectorScale(d))));
    return new ComplexityModel(
        PromptFeatures.NAMES, list(of.means(), 1), list(of.scales(), 1), part, embedded, "");
  }

  private static double vectorScale(int dimension) {
    return VECTOR_SCALE * Math.sqrt(dimension);
  }

  private static List<Float> floats(double[] of, int from, int count, double factor) {
    List<Float> floats = new ArrayList<>(count);
    for (int i = from; i < from + count; i++) {
      floats.add((float) (factor * of[i]));
    }
    return floats;
  }

  private static void standardise(List<Sample> samples, double[] means, double[] scales) {
    for (int f = 0; f < means.length; f++) {
      double sum = 0;
      double squares = 0;
      for (Sample each : samples) {
        double value = each.features().surface()[f];
        sum += value;
        squares += value * value;
      }
      means[f] = sum / samples.size();
      double variance = squares / samples.size() - means[f] * means[f];
      scales[f] = variance > 1e-12 ? Math.sqrt(variance) : 1;
    }
  }

  /** Indices from 1 and ascending, as liblinear wants them; the last is the bias. */
  private Feature[] row(Sample sample, double[] means, double[] scales, int dimension) {
    PromptFeatures of = sample.features();
    int before = means.length + dimension;
    List<Feature> row = new ArrayList<>(before + 2 * of.hashes().length);
    for (int f = 0; f < means.length; f++) {
      row.add(new FeatureNode(f + 1, (of.surface()[f] - means[f]) / scales[f]));
    }
    if (dimension > 0) {
      Collections.addAll(
          row, vectors.computeIfAbsent(sample.vector(), each -> nodes(each, means.length)));
    }
    if (words > 0) {
      TreeMap<Integer, Double> values = new TreeMap<>();
      for (int hash : of.hashes()) {
        values.merge(
            PromptFeatures.place(hash, words),
            PromptFeatures.value(hash, of.hashes().length),
            Double::sum);
      }
      values.forEach((place, value) -> row.add(new FeatureNode(before + 1 + place, value)));
    }
    row.add(new FeatureNode(before + words + 1, 1));
    return row.toArray(new Feature[0]);
  }

  private static Feature[] nodes(float[] vector, int before) {
    Feature[] nodes = new Feature[vector.length];
    double scale = vectorScale(vector.length);
    for (int i = 0; i < nodes.length; i++) {
      nodes[i] = new FeatureNode(before + 1 + i, scale * vector[i]);
    }
    return nodes;
  }

  private static List<Double> quantiles(Complexity model, List<Sample> samples, boolean embedded) {
    List<Double> scores = new ArrayList<>();
    samples.forEach(each -> scores.add(score(model, each, embedded)));
    Collections.sort(scores);
    List<Double> quantiles = new ArrayList<>(QUANTILES);
    for (int q = 0; q < QUANTILES; q++) {
      double at = (double) q * (scores.size() - 1) / (QUANTILES - 1);
      int low = (int) at;
      int high = Math.min(low + 1, scores.size() - 1);
      quantiles.add(scores.get(low) + (at - low) * (scores.get(high) - scores.get(low)));
    }
    return quantiles;
  }

  private static List<Double> list(double[] of, double factor) {
    return Arrays.stream(of).map(each -> each * factor).boxed().toList();
  }
}
