package io.penstock.ingress;

import io.penstock.inference.TokenUsage;

/** Usage over the attempts that make up one answer. Pure. */
final class Usages {
  private Usages() {}

  /**
   * What the client is told that it used: the prompt of the first attempt, since what a resumed one
   * reads again is the gateway's business, and all that was generated.
   */
  static TokenUsage joined(TokenUsage before, TokenUsage next) {
    if (before.equals(TokenUsage.NONE)) {
      return next;
    }
    return new TokenUsage(
        before.promptTokens(),
        before.completionTokens() + next.completionTokens(),
        before.cachedTokens());
  }

  /** What was used since. */
  static TokenUsage difference(TokenUsage now, TokenUsage then) {
    return new TokenUsage(
        now.promptTokens() - then.promptTokens(),
        now.completionTokens() - then.completionTokens(),
        now.cachedTokens() - then.cachedTokens());
  }

  /** What two models were used. */
  static TokenUsage sum(TokenUsage a, TokenUsage b) {
    return new TokenUsage(
        a.promptTokens() + b.promptTokens(),
        a.completionTokens() + b.completionTokens(),
        a.cachedTokens() + b.cachedTokens());
  }
}
