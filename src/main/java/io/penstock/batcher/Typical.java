package io.penstock.batcher;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What is typical of a pool: how fast its replicas are, the medians of what is known of each, and
 * how long its answers are. A replica of which nothing is known is taken for the typical one.
 */
final class Typical {
  /**
   * A step is shared out among those who are there and so many more: most of it is the same however
   * few they are.
   */
  static final double SPARE = 2;

  /** Most samples of the pool until it is looked at again; fewer while there are few. */
  static final int REVIEW_EVERY = 64;

  private static final double ANSWER_ALPHA = 0.02;

  // Before anything is known: 20,000 tokens a second, steps of 10 ms, answers of 200 tokens.
  private double readBase = 10;
  private double readSlope = 0.05;
  private double stepMillis = 10;
  private double stepMillisPerRequest = 0.5;
  private double answerTokens = 200;
  private int untilReview;
  private int nextReview = 1;

  double readBase() {
    return readBase;
  }

  double readSlope() {
    return readSlope;
  }

  /** Between two tokens of an answer. */
  double stepMillis() {
    return stepMillis;
  }

  /** The same, shared out among all that run there. */
  double stepMillisPerRequest() {
    return stepMillisPerRequest;
  }

  /** Tokens of an answer. */
  double answerTokens() {
    return answerTokens;
  }

  /** An answer has been written. */
  void answered(int tokens) {
    answerTokens += ANSWER_ALPHA * (tokens - answerTokens);
  }

  /** Some replica has given a sample; says whether it is time to {@link #review}. */
  boolean isDue() {
    if (--untilReview > 0) {
      return false;
    }
    untilReview = nextReview;
    nextReview = Math.min(REVIEW_EVERY, 2 * nextReview);
    return true;
  }

  /** Looks at all replicas of the pool. */
  void review(List<Tempo> tempos) {
    List<Tempo> read = tempos.stream().filter(each -> each.reading().samples() > 0).toList();
    readBase = median(read, each -> each.reading().base(), readBase);
    readSlope = median(read, each -> each.reading().slope(), readSlope);
    List<Tempo> wrote = tempos.stream().filter(Tempo::hasWritten).toList();
    stepMillis = median(wrote, Tempo::stepMillis, stepMillis);
    stepMillisPerRequest =
        median(
            wrote, each -> each.stepMillis() / (each.others() + 1 + SPARE), stepMillisPerRequest);
  }

  private static double median(
      List<Tempo> tempos, ToDoubleFunction<Tempo> value, double whereUnknown) {
    double[] sorted = tempos.stream().mapToDouble(value).toArray();
    Arrays.sort(sorted);
    int count = sorted.length;
    return count == 0 ? whereUnknown : (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
  }
}
