package io.penstock.batcher;

/**
 * How fast one replica reads prompts and writes answers, learned from what its requests came to.
 *
 * <p><b>Reading.</b> A prompt whose {@code x} tokens are not cached takes {@code base + x · slope}
 * from when the prompt before it was read, or from its grant where there was none. Both are fitted
 * by least squares over the newest samples, each weighing {@link #FORGETTING} times as much as the
 * one after it. To the samples two are added that the pool's typical line would have given, so that
 * a replica that is new, or has only seen prompts of one length, has a line at all; what is its own
 * soon outweighs them. One sample counts for at most {@link #SURPRISE_MAX} times what was expected:
 * a pause of the engine moves the line, and does not break it, while a replica that has become four
 * times slower is known for that within a dozen requests. Several prompts that are read together
 * end at one time: the first takes all of it and the others none, and the line gets the mean.
 *
 * <p><b>Writing.</b> The time between two tokens, a moving average over answers.
 */
final class Tempo {
  /** Weight of a sample over that of the one after it: twenty samples count. */
  static final double FORGETTING = 0.95;

  /** A sample counts for at most so many times what was expected. */
  static final double SURPRISE_MAX = 5;

  /** Slack for what is expected to take no time. */
  private static final double SLACK_MILLIS = 50;

  private static final double PRIOR_WEIGHT = 1;
  private static final double STEP_ALPHA = 0.1;

  private final Typical typical;
  private double n;
  private double sumX;
  private double sumY;
  private double sumXx;
  private double sumXy;
  private long samples;
  private double baseMillis;
  private double perTokenMillis;
  private double stepMillis;

  Tempo(Typical typical) {
    this.typical = typical;
    fit();
  }

  /** Samples of reading. */
  long samples() {
    return samples;
  }

  /** To read a prompt of which all is cached. */
  double baseMillis() {
    return baseMillis;
  }

  /** To read one more token. */
  double perTokenMillis() {
    return perTokenMillis;
  }

  /** To read so many tokens. */
  double readMillis(double tokens) {
    return baseMillis + tokens * perTokenMillis;
  }

  /** Between two tokens of an answer; 0 before the first answer. */
  double stepMillis() {
    return stepMillis;
  }

  /** A prompt has been read. */
  void read(int tokens, double millis) {
    double y = Math.min(Math.max(0, millis), SURPRISE_MAX * readMillis(tokens) + SLACK_MILLIS);
    n = n * FORGETTING + 1;
    sumX = sumX * FORGETTING + tokens;
    sumY = sumY * FORGETTING + y;
    sumXx = sumXx * FORGETTING + (double) tokens * tokens;
    sumXy = sumXy * FORGETTING + tokens * y;
    samples++;
    fit();
  }

  /** An answer has been written. */
  void wrote(double millisPerToken) {
    stepMillis =
        stepMillis == 0 ? millisPerToken : stepMillis + STEP_ALPHA * (millisPerToken - stepMillis);
  }

  private void fit() {
    double far = n > 0 ? 2 * sumX / n + 1 : 1_000;
    double atFar = typical.baseMillis() + far * typical.perTokenMillis();
    double weight = n + 2 * PRIOR_WEIGHT;
    double meanX = (sumX + PRIOR_WEIGHT * far) / weight;
    double meanY = (sumY + PRIOR_WEIGHT * (typical.baseMillis() + atFar)) / weight;
    double varX = (sumXx + PRIOR_WEIGHT * far * far) / weight - meanX * meanX;
    double covXy = (sumXy + PRIOR_WEIGHT * far * atFar) / weight - meanX * meanY;
    perTokenMillis = Math.max(0, varX > 0 ? covXy / varX : 0);
    baseMillis = meanY - perTokenMillis * meanX;
    if (baseMillis < 0) {
      baseMillis = 0;
      perTokenMillis = meanX > 0 ? meanY / meanX : perTokenMillis;
    }
  }
}
