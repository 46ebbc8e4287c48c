package io.penstock.batcher;

/**
 * How fast one replica reads prompts and writes answers, learned from what its requests came to.
 *
 * <p><b>Reading.</b> A prompt whose {@code x} tokens are not cached takes {@code base + x · slope}
 * from when the prompt before it was read, or from its grant where there was none. Several prompts
 * that are read together end at one time: the first takes all of it and the others none, and the
 * line gets the mean, which is how fast the replica reads when it is busy.
 *
 * <p><b>Writing.</b> The time between two tokens of an answer, a mean that forgets like that. How
 * it grows with what else runs there is not fitted: a replica in a steady state shows no slope, and
 * what runs beside an answer changes while it is written. Instead all of it is shared out among
 * those who are there, as it is in the typical replica ({@link Typical}), in proportion to how slow
 * this one is; and only what loads alone do not explain counts as slow.
 *
 * <p>What is known of a replica that is not heard of any more fades, and it is taken for a typical
 * one again. Else one that was slow once would get no request, and never be seen to be fast.
 */
final class Tempo {

  /**
   * Replicas are alike in writing where one is not more than so many times as slow as the other.
   */
  static final double ALIKE = 1.25;

  /** What was heard so lately counts in full. */
  static final long FRESH_MILLIS = 10_000;

  /** After so long more, what was heard counts for a third. */
  static final long FADING_MILLIS = 60_000;

  private final Typical typical;
  private final Fit reading;
  private double answers;
  private double sumSteps;
  private double sumOthers;

  /** When it was last heard of. */
  private long heardMillis = Long.MIN_VALUE;

  Tempo(Typical typical) {
    this.typical = typical;
    this.reading = new Fit(1_000, 50, typical.readBase(), typical.readSlope());
  }

  Fit reading() {
    return reading;
  }

  /** To begin to read a prompt, and what each of its tokens adds. */
  double readBase(long nowMillis) {
    double own = ownWord(nowMillis);
    return own * reading.base() + (1 - own) * typical.readBase();
  }

  double readSlope(long nowMillis) {
    double own = ownWord(nowMillis);
    return own * reading.slope() + (1 - own) * typical.readSlope();
  }

  /** To read so many tokens. */
  double readMillis(double tokens, long nowMillis) {
    return readBase(nowMillis) + tokens * readSlope(nowMillis);
  }

  /** Between two tokens of an answer, by its own answers; there must be some. */
  double stepMillis() {
    return sumSteps / answers;
  }

  /** Between two tokens of an answer. */
  double stepMillis(long nowMillis) {
    return typical.stepMillis() * slowness(nowMillis);
  }

  /** What each further request adds to that. */
  double stepMillisPerRequest(long nowMillis) {
    return typical.stepMillisPerRequest() * slowness(nowMillis);
  }

  /**
   * How many times as slow as the typical replica it writes; 1 where the difference is no more than
   * what loads make.
   */
  private double slowness(long nowMillis) {
    double own = answers > 0 ? ownWord(nowMillis) : 0;
    if (own == 0) {
      return 1;
    }
    double times = 1 + own * (stepMillis() / typical.stepMillis() - 1);
    return times > ALIKE ? times / ALIKE : times * ALIKE < 1 ? times * ALIKE : 1;
  }

  /** How much what is known of it counts against the typical: less, when it is old. */
  private double ownWord(long nowMillis) {
    long old = heardMillis == Long.MIN_VALUE ? 0 : nowMillis - heardMillis - FRESH_MILLIS;
    return old <= 0 ? 1 : Math.exp(-(double) old / FADING_MILLIS);
  }

  /** Whether it has been seen to write. */
  boolean hasWritten() {
    return answers > 0;
  }

  /** Requests that ran beside its answers, on the average; there must be some. */
  double others() {
    return sumOthers / answers;
  }

  /** Since it was last heard of; negative where it never was. */
  long ageMillis(long nowMillis) {
    return heardMillis == Long.MIN_VALUE ? -1 : nowMillis - heardMillis;
  }

  /** A prompt has been read. */
  void read(int tokens, double millis, long nowMillis) {
    heard(nowMillis);
    reading.add(tokens, millis, typical.readBase(), typical.readSlope());
  }

  /**
   * An answer has been written.
   *
   * @param others how many other requests ran there when it was begun
   */
  void wrote(int others, double millisPerToken, long nowMillis) {
    heard(nowMillis);
    double bounded =
        answers > 0 ? Math.min(millisPerToken, Fit.SURPRISE_MAX * stepMillis()) : millisPerToken;
    answers = answers * Fit.FORGETTING + 1;
    sumSteps = sumSteps * Fit.FORGETTING + bounded;
    sumOthers = sumOthers * Fit.FORGETTING + others;
  }

  private void heard(long nowMillis) {
    double own = ownWord(nowMillis);
    reading.fade(own);
    answers *= own;
    sumSteps *= own;
    sumOthers *= own;
    heardMillis = nowMillis;
  }
}
