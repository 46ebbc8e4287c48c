package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.TokenUsage;
import io.penstock.openai.ScannedBody;
import io.penstock.tenancy.LimitDesk;

/** What a request costs its tenant, in tokens. Pure. */
final class Charge {
  private Charge() {}

  /** What it may come to. */
  static long reserved(LimitDesk limits, ModelName model, ScannedBody scan) {
    if (scan.operation() == Operation.EMBEDDINGS) {
      return scan.promptTokens();
    }
    int answers = scan.choices() * Math.max(1, scan.inputs());
    return limits.estimate(model, scan.promptTokens(), scan.maxTokens(), answers);
  }

  /**
   * What it has come to: by its engine's count, of all attempts of which the client has seen
   * something. Where the engine has counted nothing, the prompt's estimate and what has arrived.
   */
  static long used(ScannedBody scan, Attempts attempts, Outcome outcome) {
    TokenUsage usage = attempts.usage();
    int generated = Math.max(usage.completionTokens(), attempts.generatedTokens());
    if (usage.promptTokens() > 0) {
      return (long) usage.promptTokens() + generated;
    }
    boolean served = outcome == Outcome.OK || generated > 0;
    return served ? (long) scan.promptTokens() + generated : 0;
  }
}
