package io.penstock.tiers;

import io.penstock.inference.ComplexityModel;
import java.util.List;
import java.util.Optional;

/**
 * How complex a prompt's task is, 0..1. Without a model by the guide's proxy, the prompt's length
 * in thousands of characters; with one, the share of the prompts on which it was trained that need
 * a better model less.
 *
 * <p>The model's score is a logit, {@code bias + w·(x - mean)/scale + v·h}, of the chance that only
 * the better model does the task. That chance itself is small for most prompts and says little
 * beside the guide's thresholds; its rank among real prompts does. Immutable, for any thread.
 */
public final class Complexity {
  private static final double PROXY_CHARS = 1_000;

  /** Most of a logit, in either direction, that one prompt may come to. */
  private static final double LOGIT_MAX = 1e6;

  private final boolean learned;
  private final double[] means;
  private final double[] scales;
  private final double[] weights;
  private final double bias;
  private final float[] hashed;
  private final double[] quantiles;

  private Complexity(ComplexityModel of) {
    learned = true;
    means = array(of.means());
    scales = array(of.scales());
    weights = array(of.weights());
    bias = of.bias();
    hashed = new float[of.hashedWeights().size()];
    for (int i = 0; i < hashed.length; i++) {
      hashed[i] = of.hashedWeights().get(i);
    }
    quantiles = array(of.quantiles());
  }

  private Complexity() {
    learned = false;
    means = new double[0];
    scales = means;
    weights = means;
    bias = 0;
    hashed = new float[0];
    quantiles = means;
  }

  /** By the length of prompts. */
  public static Complexity byLength() {
    return new Complexity();
  }

  /**
   * By a model.
   *
   * @throws IllegalArgumentException when it goes by other features than these
   */
  public static Complexity by(ComplexityModel model) {
    if (!model.features().equals(PromptFeatures.NAMES)) {
      throw new IllegalArgumentException(
          "features: " + model.features() + " (expected: " + PromptFeatures.NAMES + ")");
    }
    return new Complexity(model);
  }

  /** By a model where there is one, else by length. */
  public static Complexity of(Optional<ComplexityModel> model) {
    return model.map(Complexity::by).orElseGet(Complexity::byLength);
  }

  /** How complex the task of a prompt is, 0..1. */
  public double of(String prompt) {
    if (!learned) {
      return Math.min(1, prompt.codePointCount(0, prompt.length()) / PROXY_CHARS);
    }
    return rank(score(PromptFeatures.of(prompt)));
  }

  /** The logit of the chance that a prompt needs the better model; 0 without a model. */
  public double score(PromptFeatures of) {
    double sum = bias;
    double[] surface = of.surface();
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i] * (surface[i] - means[i]) / scales[i];
    }
    if (hashed.length > 0) {
      int[] hashes = of.hashes();
      for (int hash : hashes) {
        sum +=
            hashed[PromptFeatures.place(hash, hashed.length)]
                * PromptFeatures.value(hash, hashes.length);
      }
    }
    return Math.max(-LOGIT_MAX, Math.min(LOGIT_MAX, sum));
  }

  /** Where a score lies among the quantiles, between two of them in proportion. */
  private double rank(double score) {
    int last = quantiles.length - 1;
    if (score <= quantiles[0]) {
      return 0;
    }
    if (score >= quantiles[last]) {
      return 1;
    }
    int low = 0;
    int high = last;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (quantiles[middle] <= score) {
        low = middle;
      } else {
        high = middle;
      }
    }
    double step = quantiles[high] - quantiles[low];
    return (low + (step > 0 ? (score - quantiles[low]) / step : 0)) / last;
  }

  private static double[] array(List<Double> of) {
    return of.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
