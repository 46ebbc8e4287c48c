package io.penstock.calibrate;

import de.bwaldvogel.liblinear.Feature;
import de.bwaldvogel.liblinear.FeatureNode;
import de.bwaldvogel.liblinear.Linear;
import de.bwaldvogel.liblinear.Model;
import de.bwaldvogel.liblinear.Parameter;
import de.bwaldvogel.liblinear.Problem;
import de.bwaldvogel.liblinear.SolverType;
import io.penstock.inference.ComplexityModel;
import io.penstock.tiers.Complexity;
import io.penstock.tiers.PromptFeatures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;

/**
 * Fits the model of {@link Complexity} to samples: L2-regularised logistic regression by
 * liblinear's trust region Newton method (Lin, Weng, Keerthi, Trust region Newton method for
 * large-scale logistic regression, 2008), which draws no random numbers. Surface features are
 * standardised.
 *
 * <p>The strength of regularisation is that of {@link #STRENGTHS} with the least log loss on the
 * fifth of the samples that is left out for it.
 */
final class Trainer {
  /** Costs of an error, {@code C}; the smaller, the more is regularised. */
  static final double[] STRENGTHS = {0.003, 0.01, 0.03, 0.1, 0.3, 1};

  private static final double TOLERANCE = 0.01;
  private static final int QUANTILES = 101;
  private static final int HELD_OUT = 5;

  /** Size of the table of words; 0 for none. */
  private final int words;

  /**
   * @param wordBits the logarithm of the size of the table of words; 0 for none
   */
  Trainer(int wordBits) {
    this.words = wordBits == 0 ? 0 : 1 << wordBits;
    Linear.disableDebugOutput();
  }

  /** Fits a model to samples of which some need the better model and some do not. */
  ComplexityModel fit(List<Sample> samples) {
    List<Sample> rest = new ArrayList<>();
    List<Sample> out = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      (i % HELD_OUT == 0 ? out : rest).add(samples.get(i));
    }
    double best = STRENGTHS[0];
    double least = Double.POSITIVE_INFINITY;
    if (isMixed(rest)) {
      for (double strength : STRENGTHS) {
        double loss = logLoss(Complexity.by(fit(rest, strength)), out);
        if (loss < least) {
          least = loss;
          best = strength;
        }
      }
    }
    return fit(samples, best);
  }

  static boolean isMixed(List<Sample> samples) {
    long need = samples.stream().filter(Sample::needsStrong).count();
    return need > 0 && need < samples.size();
  }

  private static double logLoss(Complexity model, List<Sample> samples) {
    double sum = 0;
    for (Sample each : samples) {
      double logit = model.score(each.features());
      sum += Math.log1p(Math.exp(each.needsStrong() ? -logit : logit));
    }
    return sum;
  }

  ComplexityModel fit(List<Sample> samples, double strength) {
    int n = PromptFeatures.NAMES.size();
    double[] means = new double[n];
    double[] scales = new double[n];
    standardise(samples, means, scales);
    Problem problem = new Problem();
    problem.l = samples.size();
    problem.n = n + words + 1;
    problem.bias = 1;
    problem.x = new Feature[samples.size()][];
    problem.y = new double[samples.size()];
    for (int i = 0; i < samples.size(); i++) {
      problem.x[i] = row(samples.get(i).features(), means, scales);
      problem.y[i] = samples.get(i).needsStrong() ? 1 : 0;
    }
    Model fitted = Linear.train(problem, new Parameter(SolverType.L2R_LR, strength, TOLERANCE));
    double sign = fitted.getLabels()[0] == 1 ? 1 : -1;
    double[] weights = fitted.getFeatureWeights();
    ComplexityModel unranked = model(means, scales, weights, sign, List.of(0.0, 1.0));
    return model(means, scales, weights, sign, quantiles(Complexity.by(unranked), samples));
  }

  private ComplexityModel model(
      double[] means, double[] scales, double[] weights, double sign, List<Double> quantiles) {
    int n = means.length;
    List<Float> hashed = new ArrayList<>(words);
    for (int i = 0; i < words; i++) {
      hashed.add((float) (sign * weights[n + i]));
    }
    return new ComplexityModel(
        PromptFeatures.NAMES,
        list(means, 1),
        list(scales, 1),
        list(Arrays.copyOf(weights, n), sign),
        sign * weights[n + words],
        hashed,
        quantiles,
        "");
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
  private Feature[] row(PromptFeatures of, double[] means, double[] scales) {
    List<Feature> row = new ArrayList<>();
    for (int f = 0; f < means.length; f++) {
      row.add(new FeatureNode(f + 1, (of.surface()[f] - means[f]) / scales[f]));
    }
    if (words > 0) {
      TreeMap<Integer, Double> values = new TreeMap<>();
      for (int hash : of.hashes()) {
        values.merge(
            PromptFeatures.place(hash, words),
            PromptFeatures.value(hash, of.hashes().length),
            Double::sum);
      }
      values.forEach((place, value) -> row.add(new FeatureNode(means.length + 1 + place, value)));
    }
    row.add(new FeatureNode(means.length + words + 1, 1));
    return row.toArray(new Feature[0]);
  }

  private static List<Double> quantiles(Complexity model, List<Sample> samples) {
    List<Double> scores = new ArrayList<>();
    samples.forEach(each -> scores.add(model.score(each.features())));
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
