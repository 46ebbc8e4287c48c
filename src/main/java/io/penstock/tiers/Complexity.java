package io.penstock.tiers;

import io.penstock.inference.ComplexityModel;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How complex a prompt's task is, 0..1. Without a model by the guide's proxy, the prompt's length
 * in thousands of characters; with one, the share of the prompts on which it was trained that need
 * a better model less.
 *
 * <p>The model's score is a logit, {@code bias + w·(x - mean)/scale + v·h}, of the chance that only
 * the better model does the task; where it was trained with embeddings, a second one adds {@code
 * u·e}, with the embedding {@code e} made of length 1, and has weights of its own for the rest.
 * That chance itself is small for most prompts and says little beside the guide's thresholds; its
 * rank among real prompts does. Immutable, for any thread.
 */
public final class Complexity {
  private static final double PROXY_CHARS = 1_000;

  /** Most of a logit, in either direction, that one prompt may come to. */
  private static final double LOGIT_MAX = 1e6;

  private final double[] means;
  private final double[] scales;
  private final @Nullable Logit surface;
  private final @Nullable Logit embedded;
  private final int embeddedChars;

  private Complexity(ComplexityModel of) {
    means = array(of.means());
    scales = array(of.scales());
    surface = new Logit(of.surface(), List.of());
    embedded = of.embedded().map(each -> new Logit(each.part(), each.vectorWeights())).orElse(null);
    embeddedChars = of.embedded().map(ComplexityModel.Embedded::charsMax).orElse(0);
  }

  private Complexity() {
    means = new double[0];
    scales = means;
    surface = null;
    embedded = null;
    embeddedChars = 0;
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

  /** Whether it goes by a model. */
  public boolean isLearned() {
    return surface != null;
  }

  /** How many numbers an embedding has to have; 0 for a model that was trained without. */
  public int dimension() {
    return embedded == null ? 0 : embedded.vector.length;
  }

  /** What of a prompt is to be embedded: its end, where questions stand. */
  public String embeddedText(String prompt) {
    return PromptFeatures.end(prompt, embeddedChars);
  }

  /** How complex the task of a prompt is by its surface, 0..1. */
  public double of(String prompt) {
    if (surface == null) {
      return Math.min(1, prompt.codePointCount(0, prompt.length()) / PROXY_CHARS);
    }
    return surface.rank(score(PromptFeatures.of(prompt)));
  }

  /**
   * How complex it is by its embedding too.
   *
   * @param embedding of {@link #embeddedText}, {@link #dimension} numbers, of any length but 0
   */
  public double of(String prompt, float[] embedding) {
    return required(embedded).rank(score(PromptFeatures.of(prompt), embedding));
  }

  /** The logit of the chance that a prompt needs the better model; 0 without a model. */
  public double score(PromptFeatures of) {
    return surface == null ? 0 : bounded(surface.of(of, means, scales));
  }

  /** The same by its embedding too. */
  public double score(PromptFeatures of, float[] embedding) {
    Logit by = required(embedded);
    if (embedding.length != by.vector.length) {
      throw new IllegalArgumentException(
          "embedding: " + embedding.length + " numbers (expected: " + by.vector.length + ")");
    }
    double sum = 0;
    for (int i = 0; i < embedding.length; i++) {
      sum += by.vector[i] * embedding[i];
    }
    return bounded(by.of(of, means, scales) + sum / length(embedding));
  }

  /** The Euclidean length of a vector. */
  public static double length(float[] vector) {
    double squares = 0;
    for (float each : vector) {
      squares += (double) each * each;
    }
    return Math.sqrt(squares);
  }

  private static double bounded(double logit) {
    return Math.max(-LOGIT_MAX, Math.min(LOGIT_MAX, logit));
  }

  private static Logit required(@Nullable Logit embedded) {
    if (embedded == null) {
      throw new IllegalStateException("the model was trained without embeddings");
    }
    return embedded;
  }

  /** One regression. */
  private static final class Logit {
    private final double[] weights;
    private final double bias;
    private final float[] hashed;
    private final double[] quantiles;
    private final float[] vector;

    Logit(ComplexityModel.Part of, List<Float> vector) {
      weights = array(of.weights());
      bias = of.bias();
      hashed = floats(of.hashedWeights());
      quantiles = array(of.quantiles());
      this.vector = floats(vector);
    }

    /** Without an embedding. */
    double of(PromptFeatures of, double[] means, double[] scales) {
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
      return sum;
    }

    /** Where a score lies among the quantiles, between two of them in proportion. */
    double rank(double score) {
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
  }

  private static double[] array(List<Double> of) {
    return of.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static float[] floats(List<Float> of) {
    float[] all = new float[of.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = of.get(i);
    }
    return all;
  }
}
