package io.penstock.inference;

import static io.penstock.inference.Checks.require;

/**
 * What tokens of one model cost, in the currency of the configuration.
 *
 * @param per1kInput for 1,000 tokens of prompt
 * @param per1kOutput for 1,000 generated tokens
 */
public record TokenPrice(double per1kInput, double per1kOutput) {
  private static final double PICO_PER_TOKEN = 1e9; // 1e12 of a unit, for one of 1,000 tokens

  public TokenPrice {
    require(per1kInput >= 0 && per1kInput <= 1e6, "per1kInput", per1kInput, "0..1e6");
    require(per1kOutput >= 0 && per1kOutput <= 1e6, "per1kOutput", per1kOutput, "0..1e6");
  }

  /** What so many tokens cost; exact for prices of at most nine decimals. */
  public Cost of(int inputTokens, int outputTokens) {
    long input = times(inputTokens, Math.round(per1kInput * PICO_PER_TOKEN));
    return new Cost(input).plus(new Cost(times(outputTokens, picoOfOutput())));
  }

  private long picoOfOutput() {
    return Math.round(per1kOutput * PICO_PER_TOKEN);
  }

  private static long times(int tokens, long pico) {
    long high = Math.multiplyHigh(tokens, pico);
    return high != 0 || tokens * pico < 0 ? Long.MAX_VALUE : tokens * pico;
  }
}
