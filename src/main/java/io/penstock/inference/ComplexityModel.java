package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.List;

/**
 * What {@code penstock calibrate} has learned: a logistic regression over features of a prompt, and
 * what its scores mean. Data only; {@code tiers} has the arithmetic.
 *
 * @param features the names of the surface features, in the order of their weights
 * @param means of the surface features where it was trained
 * @param scales their standard deviations, each > 0
 * @param weights of the standardised surface features
 * @param bias of the sum
 * @param hashedWeights of hashed words and pairs of them; a power of two of them, or none
 * @param quantiles of the scores where it was trained, ascending, evenly spaced from the least to
 *     the greatest; the complexity of a prompt is the share of them that lie below its own
 * @param digest of the file, for comparison
 */
public record ComplexityModel(
    List<String> features,
    List<Double> means,
    List<Double> scales,
    List<Double> weights,
    double bias,
    List<Float> hashedWeights,
    List<Double> quantiles,
    String digest) {
  /** What its file says that it is. */
  public static final String FORMAT = "penstock-complexity";

  /** Of the file's format; rises when features or their meaning change. */
  public static final int VERSION = 1;

  public ComplexityModel {
    features = List.copyOf(features);
    means = List.copyOf(means);
    scales = List.copyOf(scales);
    weights = List.copyOf(weights);
    hashedWeights = List.copyOf(hashedWeights);
    quantiles = List.copyOf(quantiles);
    int n = features.size();
    require(means.size() == n, "means", means.size() + " numbers", n + ", one for each feature");
    require(scales.size() == n, "scales", scales.size() + " numbers", n + ", one for each feature");
    require(
        weights.size() == n, "weights", weights.size() + " numbers", n + ", one for each feature");
    require(scales.stream().allMatch(each -> each > 0), "scales", scales, "each > 0");
    require(
        Integer.bitCount(hashedWeights.size()) <= 1,
        "hashed_weights",
        hashedWeights.size() + " numbers",
        "a power of two, or none");
    require(quantiles.size() >= 2, "quantiles", quantiles.size() + " numbers", "at least 2");
    for (int i = 1; i < quantiles.size(); i++) {
      require(
          quantiles.get(i - 1) <= quantiles.get(i),
          "quantiles[" + i + "]",
          quantiles.get(i),
          "at least the one before");
    }
  }
}
