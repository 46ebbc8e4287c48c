package io.penstock.measure;

/**
 * An exponentially weighted moving average over samples. Until {@code 1 / alpha} samples have come
 * it is their plain mean, so that the first sample does not weigh more than the others.
 */
public final class Ewma {
  private final double alpha;
  private double value;
  private long samples;

  /**
   * @param alpha weight of the newest sample, over 0 and at most 1
   */
  public Ewma(double alpha) {
    if (!(alpha > 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha: " + alpha + " (expected: > 0 and <= 1)");
    }
    this.alpha = alpha;
  }

  /** Takes one sample in. */
  public void add(double sample) {
    samples++;
    value += Math.max(alpha, 1.0 / samples) * (sample - value);
  }

  /** The average; 0 before the first sample. */
  public double value() {
    return value;
  }

  /** How many samples it has seen. */
  public long samples() {
    return samples;
  }
}
