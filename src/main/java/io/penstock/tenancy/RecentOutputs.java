package io.penstock.tenancy;

import io.penstock.inference.ModelName;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How long completions have been lately, model by model. Pure. Counts in steps of a quarter of an
 * octave, which halve every thousand completions, so that the last few thousand decide.
 */
final class RecentOutputs {
  /** Before anything is known. */
  static final int UNKNOWN = 256;

  private static final int STEPS_PER_OCTAVE = 4;
  private static final int STEPS = 22 * STEPS_PER_OCTAVE;
  private static final int HALVED_AT = 2_048;
  private static final double SHARE = 0.95;

  private static final class Counts {
    private final int[] steps = new int[STEPS];
    private int sum;
  }

  private final Map<ModelName, Counts> byModel = new HashMap<>();

  void add(ModelName model, int tokens) {
    Counts counts = byModel.computeIfAbsent(model, name -> new Counts());
    counts.steps[step(tokens)]++;
    if (++counts.sum >= HALVED_AT) {
      counts.sum = 0;
      for (int i = 0; i < STEPS; i++) {
        counts.steps[i] /= 2;
        counts.sum += counts.steps[i];
      }
    }
  }

  private static int step(int tokens) {
    double octaves = Math.log(Math.max(1, tokens)) / Math.log(2);
    return Math.min(STEPS - 1, (int) Math.ceil(octaves * STEPS_PER_OCTAVE));
  }

  /** A length that 95 of 100 completions do not pass. */
  int p95(ModelName model) {
    @Nullable Counts counts = byModel.get(model);
    if (counts == null || counts.sum == 0) {
      return UNKNOWN;
    }
    int wanted = (int) Math.ceil(counts.sum * SHARE);
    int seen = 0;
    for (int i = 0; i < STEPS; i++) {
      seen += counts.steps[i];
      if (seen >= wanted) {
        return (int) Math.ceil(Math.pow(2, (double) i / STEPS_PER_OCTAVE));
      }
    }
    return UNKNOWN;
  }
}
