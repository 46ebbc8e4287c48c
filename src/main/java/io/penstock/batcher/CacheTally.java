package io.penstock.batcher;

import io.penstock.inference.TokenUsage;
import org.jspecify.annotations.Nullable;

/**
 * What engines say that they found of prompts in their caches, beside what was expected. Only
 * answers whose prompt the engine has counted. Pure.
 */
final class CacheTally {
  private long answers;
  private long promptTokens;
  private long cachedTokens;
  private long predictedTokens;

  /**
   * An answer has ended.
   *
   * @param errand what was expected of it; null where the pool's strategy expects nothing
   * @param usage by the engine's word
   */
  void add(@Nullable Errand errand, TokenUsage usage) {
    if (usage.promptTokens() == 0) {
      return;
    }
    answers++;
    promptTokens += usage.promptTokens();
    cachedTokens += Math.min(usage.cachedTokens(), usage.promptTokens());
    if (errand != null && errand.promptTokens > 0) {
      // The estimate of the prompt's length may be off; the share of it that is cached is not.
      double share = (double) errand.cachedTokens / errand.promptTokens;
      predictedTokens += Math.round(share * usage.promptTokens());
    }
  }

  long answers() {
    return answers;
  }

  /** Tokens of the prompts. */
  long promptTokens() {
    return promptTokens;
  }

  /** Tokens of them that were cached. */
  long cachedTokens() {
    return cachedTokens;
  }

  /** Tokens of them that were expected to be cached when their replicas were chosen. */
  long predictedTokens() {
    return predictedTokens;
  }
}
