package io.penstock.calibrate;

import java.util.Arrays;
import java.util.List;

/**
 * What some samples are worth to one way of scoring them.
 *
 * @param name for people
 * @param scores of the samples, in their order; where learned, by models that have not seen them;
 *     not to be written to
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record Scored(String name, double[] scores) {
  GainCurve curve(List<Sample> samples) {
    return new GainCurve(samples, scores);
  }

  /** The curve of some of the samples. */
  GainCurve curve(List<Sample> samples, int[] some) {
    double[] picked = new double[some.length];
    for (int i = 0; i < some.length; i++) {
      picked[i] = scores[some[i]];
    }
    return new GainCurve(Arrays.stream(some).mapToObj(samples::get).toList(), picked);
  }
}
