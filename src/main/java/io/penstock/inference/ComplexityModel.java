package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.List;
import java.util.Optional;

/**
 * What {@code penstock calibrate} has learned: a logistic regression over features of a prompt, and
 * what its scores mean. Data only; {@code tiers} has the arithmetic.
 *
 * @param features the names of the surface features, in the order of their weights
 * @param means of the surface features where it was trained
 * @param scales their standard deviations, each > 0
 * @param surface the weights of what can be seen of a prompt without asking anybody
 * @param embedded those of the same and of the prompt's embedding; empty where it was trained
 *     without
 * @param digest of the file, for comparison
 */
public record ComplexityModel(
    List<String> features,
    List<Double> means,
    List<Double> scales,
    Part surface,
    Optional<Embedded> embedded,
    String digest) {
  /** What its file says that it is. */
  public static final String FORMAT = "penstock-complexity";

  /**
   * Of the file's format; rises when features or their meaning change. A release that knows nothing
   * of embeddings reads the surface part of a file that has them.
   */
  public static final int VERSION = 1;

  /** Most characters of a prompt that are embedded. */
  public static final int CHARS_MAX = 16_384;

  /** Most numbers of an embedding. */
  public static final int DIMENSION_MAX = 16_384;

  /**
   * One regression.
   *
   * @param weights of the standardised surface features
   * @param bias of the sum
   * @param hashedWeights of hashed words and pairs of them; a power of two of them, or none
   * @param quantiles of the scores where it was trained, ascending, evenly spaced from the least to
   *     the greatest; the complexity of a prompt is the share of them that lie below its own
   */
  public record Part(
      List<Double> weights, double bias, List<Float> hashedWeights, List<Double> quantiles) {
    public Part {
      weights = List.copyOf(weights);
      hashedWeights = List.copyOf(hashedWeights);
      quantiles = List.copyOf(quantiles);
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

  /**
   * A regression that goes by embeddings too.
   *
   * @param model that made the embeddings, by the name under which it was asked
   * @param charsMax of a longer prompt, its last characters were embedded
   * @param vectorWeights of the numbers of an embedding of length 1; as many as it has
   */
  public record Embedded(String model, int charsMax, Part part, List<Float> vectorWeights) {
    public Embedded {
      vectorWeights = List.copyOf(vectorWeights);
      require(!model.isBlank(), "model", "\"" + model + "\"", "a name");
      require(charsMax >= 1 && charsMax <= CHARS_MAX, "prompt_chars", charsMax, "1.." + CHARS_MAX);
      int size = vectorWeights.size();
      require(
          size >= 1 && size <= DIMENSION_MAX,
          "vector_weights",
          size + " numbers",
          "1.." + DIMENSION_MAX);
    }

    /** How many numbers an embedding has. */
    public int dimension() {
      return vectorWeights.size();
    }
  }

  public ComplexityModel {
    features = List.copyOf(features);
    means = List.copyOf(means);
    scales = List.copyOf(scales);
    int n = features.size();
    isOneEach("means", means, n);
    isOneEach("scales", scales, n);
    isOneEach("weights", surface.weights(), n);
    embedded.ifPresent(of -> isOneEach("embeddings: weights", of.part().weights(), n));
    require(scales.stream().allMatch(each -> each > 0), "scales", scales, "each > 0");
  }

  private static void isOneEach(String name, List<Double> numbers, int n) {
    require(numbers.size() == n, name, numbers.size() + " numbers", n + ", one for each feature");
  }
}
