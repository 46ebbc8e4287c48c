package io.penstock.inference;

import static io.penstock.inference.Checks.require;

/**
 * How complex a request's task is, and how that is known; for metrics and receipts.
 *
 * @param complexity 0..1
 * @param by one of {@link #HEADER}, {@link #LENGTH}, {@link #SURFACE}, {@link #EMBEDDING}, {@link
 *     #CACHE}
 * @param why it is by something that says less than the configuration would have it, as {@code
 *     timeout}; one of a closed list, empty where it is not
 */
public record Appraisal(double complexity, String by, String why) {
  /** By the client's word. */
  public static final String HEADER = "header";

  /** By the prompt's length. */
  public static final String LENGTH = "length";

  /** By a model, from what can be seen of the prompt. */
  public static final String SURFACE = "surface";

  /** By a model, from the prompt's embedding too. */
  public static final String EMBEDDING = "embedding";

  /** The same, of an equal prompt before. */
  public static final String CACHE = "cache";

  public Appraisal {
    require(complexity >= 0 && complexity <= 1, "complexity", complexity, "0..1");
  }

  /** As it is meant to be. */
  public static Appraisal by(String by, double complexity) {
    return new Appraisal(complexity, by, "");
  }
}
