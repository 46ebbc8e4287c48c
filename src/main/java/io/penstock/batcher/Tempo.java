package io.penstock.batcher;

import io.penstock.measure.Ewma;

/**
 * How fast one replica reads prompts and writes answers, learned from what its requests came to.
 *
 * <p><b>Reading.</b> A prompt whose {@code x} tokens are not cached takes {@code base + x · slope}
 * from when the prompt before it was read, or from its grant where there was none. Several prompts
 * that are read together end at one time: the first takes all of it and the others none, and the
 * line gets the mean, which is how fast the replica reads when it is busy.
 *
 * <p><b>Writing.</b> The time between two tokens of an answer, a moving average over answers. How
 * it grows with what else runs there is not fitted: a replica in a steady state shows no slope, and
 * what runs beside an answer changes while it is written. Instead all of it is shared out among
 * those who are there, as it is in the typical replica ({@link Typical}), in proportion to how slow
 * this one is.
 */
final class Tempo {
  /** Of a moving average over answers. */
  static final double STEP_ALPHA = 0.05;

  private final Typical typical;
  private final Fit reading;
  private final Ewma step = new Ewma(STEP_ALPHA);
  private final Ewma others = new Ewma(STEP_ALPHA);

  /** When it was last heard of. */
  private long heardMillis = Long.MIN_VALUE;

  Tempo(Typical typical) {
    this.typical = typical;
    this.reading = new Fit(1_000, 50, typical.readBase(), typical.readSlope());
  }

  Fit reading() {
    return reading;
  }

  /** To read so many tokens. */
  double readMillis(double tokens) {
    return reading.at(tokens);
  }

  /** Between two tokens of an answer. */
  double stepMillis() {
    return step.samples() == 0 ? typical.stepMillis() : step.value();
  }

  /** What each further request adds to that. */
  double stepMillisPerRequest() {
    return typical.stepMillisPerRequest() * stepMillis() / typical.stepMillis();
  }

  /** Answers that it has been seen to write. */
  long answers() {
    return step.samples();
  }

  /** Requests that ran beside them, on the average. */
  double others() {
    return others.value();
  }

  /** Since it was last heard of; negative where it never was. */
  long ageMillis(long nowMillis) {
    return heardMillis == Long.MIN_VALUE ? -1 : nowMillis - heardMillis;
  }

  /** A prompt has been read. */
  void read(int tokens, double millis, long nowMillis) {
    heardMillis = nowMillis;
    reading.add(tokens, millis, typical.readBase(), typical.readSlope());
  }

  /**
   * An answer has been written.
   *
   * @param beside how many others ran there when it was begun
   */
  void wrote(int beside, double millisPerToken, long nowMillis) {
    heardMillis = nowMillis;
    step.add(
        step.samples() == 0
            ? millisPerToken
            : Math.min(millisPerToken, Fit.SURPRISE_MAX * step.value()));
    others.add(beside);
  }
}
