package io.penstock.calibrate;

import io.penstock.tiers.PromptFeatures;

/**
 * A prompt and what the two models of a pair made of it.
 *
 * @param chars of the prompt
 * @param vector its embedding, of length 1; no numbers where there are no embeddings; not to be
 *     written to
 * @param weakCost of the cheaper model, in any currency; so {@code strongCost}
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record Sample(
    String subset,
    int chars,
    PromptFeatures features,
    float[] vector,
    double weak,
    double strong,
    double weakCost,
    double strongCost) {
  /** Whether only the better model does the task, or does it better. */
  boolean needsStrong() {
    return strong > weak;
  }
}
