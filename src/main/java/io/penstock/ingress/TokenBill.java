package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.openai.ScannedBody;
import io.penstock.tenancy.LimitDesk;

/** What a request costs its tenant, in tokens. Pure. */
final class TokenBill {
  private TokenBill() {}

  /** What it may come to. */
  static long reserved(LimitDesk limits, ModelName model, ScannedBody scan) {
    if (scan.operation() == Operation.EMBEDDINGS) {
      return scan.promptTokens();
    }
    int answers = scan.choices() * Math.max(1, scan.inputs());
    return limits.estimate(model, scan.promptTokens(), scan.maxTokens(), answers);
  }

  /**
   * What its tier of now has come to, whose end another one follows: by its engine's count, of all
   * attempts of which something was kept. Where the engine has counted nothing, the prompt's
   * estimate and what has arrived.
   */
  static long used(ScannedBody scan, Attempts attempts) {
    long sum = 0;
    for (Attempts.Use use : attempts.usesOfStage()) {
      sum += use.promptTokens(scan.promptTokens());
      sum += Math.max(use.usage().completionTokens(), use.generated());
    }
    return sum;
  }

  /**
   * The same of the last tier, or of a request that has none.
   *
   * <p>A client that leaves before anything has arrived, or whose deadline passes then, pays for
   * what a replica may have done: of a stream the prompt, of an answer in one piece all that was
   * reserved, since nobody knows how much of it was there. Else whoever leaves a moment before the
   * end would have everything for nothing, and no limit.
   *
   * @param outcome of the tier
   * @param reserved when it was admitted
   */
  static long used(ScannedBody scan, Attempts attempts, Outcome outcome, long reserved) {
    if (!attempts.usesOfStage().isEmpty()) {
      return used(scan, attempts);
    }
    if (outcome == Outcome.OK) {
      return scan.promptTokens();
    }
    boolean isLeft = outcome == Outcome.CANCELLED || outcome == Outcome.DEADLINE;
    if (isLeft && attempts.countOfStage() > 0) {
      return scan.stream() ? scan.promptTokens() : reserved;
    }
    return 0;
  }
}
