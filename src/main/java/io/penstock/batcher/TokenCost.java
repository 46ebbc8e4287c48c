package io.penstock.batcher;

import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Release;

/**
 * What a request costs its tenant, in tokens of new input: a token of output takes about twice the
 * work of one of input, and one that the engine has in its cache a tenth.
 */
final class TokenCost {
  static final double INPUT = 1;
  static final double CACHED = 0.1;
  static final double OUTPUT = 2;

  /** Tokens that a request is taken to generate when nothing is known of it or its tenant. */
  static final int OUTPUT_GUESS = 256;

  private TokenCost() {}

  /**
   * What is charged on grant: the prompt as it was estimated, and what the tenant's requests have
   * come to generate of late, which is mostly much less than what they may.
   */
  static double estimate(Admit admit, Account account) {
    double output =
        account.outputTokens.samples() > 0 ? account.outputTokens.value() : OUTPUT_GUESS;
    if (admit.maxTokens() > 0) {
      output = Math.min(output, admit.maxTokens());
    }
    return INPUT * admit.promptTokens() + OUTPUT * output;
  }

  /**
   * What it came to. Where the engine counted nothing the estimate stays if it has begun, and the
   * prompt if the client gave up before; what failed otherwise costs nothing.
   */
  static double truth(Release release, double estimate, int promptTokens) {
    TokenUsage usage = release.usage();
    if (usage.promptTokens() > 0 || usage.completionTokens() > 0) {
      int cached = Math.min(usage.cachedTokens(), usage.promptTokens());
      return INPUT * (usage.promptTokens() - cached)
          + CACHED * cached
          + OUTPUT * usage.completionTokens();
    }
    if (release.firstTokenMillis() >= 0) {
      return estimate;
    }
    return switch (release.outcome()) {
      case OK -> estimate;
      case CANCELLED, DEADLINE -> INPUT * promptTokens;
      case CLIENT_ERROR, BACK_PRESSURE, FAULT, TRANSPORT, TIMEOUT -> 0;
    };
  }
}
