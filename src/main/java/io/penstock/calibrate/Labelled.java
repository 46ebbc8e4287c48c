package io.penstock.calibrate;

import java.util.Map;

/**
 * One request with what some models made of it.
 *
 * @param origin its file and line, for messages
 * @param subset what kind of task it is; empty when not told
 * @param results by the model's name
 */
record Labelled(String origin, String subset, String prompt, Map<String, Result> results) {
  /**
   * What one model made of it.
   *
   * @param score the higher the better
   * @param cost what it cost; NaN when not told
   */
  record Result(double score, double cost) {}
}
