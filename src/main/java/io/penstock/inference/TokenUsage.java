package io.penstock.inference;

import static io.penstock.inference.Checks.require;

/**
 * Tokens of one request, as its engine counted them.
 *
 * @param promptTokens tokens of the prompt, cached ones included
 * @param completionTokens tokens generated, whether or not anybody read them
 * @param cachedTokens tokens of the prompt that the engine found in its prefix cache
 */
public record TokenUsage(int promptTokens, int completionTokens, int cachedTokens) {
  /** Nothing counted. */
  public static final TokenUsage NONE = new TokenUsage(0, 0, 0);

  public TokenUsage {
    require(promptTokens >= 0, "promptTokens", promptTokens, ">= 0");
    require(completionTokens >= 0, "completionTokens", completionTokens, ">= 0");
    require(cachedTokens >= 0, "cachedTokens", cachedTokens, ">= 0");
  }
}
