package io.penstock.batcher;

/**
 * A straight line fitted to samples as they come, by least squares with exponential forgetting:
 * each sample weighs {@link #FORGETTING} times as much as the one after it. Neither its height at 0
 * nor its slope is negative.
 *
 * <p>To the samples two points of another line are added, the prior, at 0 and at twice the mean
 * place of the samples, of less weight the more samples there are. So there is a line before the
 * first sample, and one that has only seen samples at one place takes its slope from the prior. One
 * sample counts for at most {@link #SURPRISE_MAX} times what was expected: an outlier moves the
 * line and does not break it, while a change of that order is followed within a dozen samples.
 *
 * <p>Recursive least squares with a covariance matrix was not taken: its gain winds up while
 * samples say nothing new, and it has no place for a bound on one sample.
 */
final class Fit {
  /** Weight of a sample over that of the one after it: twenty samples count. */
  static final double FORGETTING = 0.95;

  static final double SURPRISE_MAX = 5;

  /** Where the far point of the prior stands before the first sample. */
  private final double farAtFirst;

  /** That much more than expected surprises nobody. */
  private final double slack;

  private double n;
  private double sumX;
  private double sumY;
  private double sumXx;
  private double sumXy;
  private long samples;
  private double base;
  private double slope;

  Fit(double farAtFirst, double slack, double priorBase, double priorSlope) {
    this.farAtFirst = farAtFirst;
    this.slack = slack;
    fit(priorBase, priorSlope);
  }

  long samples() {
    return samples;
  }

  double base() {
    return base;
  }

  double slope() {
    return slope;
  }

  double at(double x) {
    return base + x * slope;
  }

  /** What came before counts only so much any more, from 0 to 1. */
  void fade(double to) {
    n *= to;
    sumX *= to;
    sumY *= to;
    sumXx *= to;
    sumXy *= to;
  }

  /** Takes one sample in, under the prior as it is now. */
  void add(double x, double y, double priorBase, double priorSlope) {
    double bounded = Math.min(Math.max(0, y), SURPRISE_MAX * at(x) + slack);
    fade(FORGETTING);
    n += 1;
    sumX += x;
    sumY += bounded;
    sumXx += x * x;
    sumXy += x * bounded;
    samples++;
    fit(priorBase, priorSlope);
  }

  private void fit(double priorBase, double priorSlope) {
    double far = n > 0 ? 2 * sumX / n + 1 : farAtFirst;
    double atFar = priorBase + far * priorSlope;
    double prior = 1 / (1 + n);
    double weight = n + 2 * prior;
    double meanX = (sumX + prior * far) / weight;
    double meanY = (sumY + prior * (priorBase + atFar)) / weight;
    double varX = (sumXx + prior * far * far) / weight - meanX * meanX;
    double covXy = (sumXy + prior * far * atFar) / weight - meanX * meanY;
    slope = Math.max(0, covXy / varX);
    base = meanY - slope * meanX;
    if (base < 0) {
      base = 0;
      slope = meanY / meanX;
    }
  }
}
