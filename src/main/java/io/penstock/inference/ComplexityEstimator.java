package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.time.Duration;
import java.util.Optional;

/**
 * What estimates how complex prompts are.
 *
 * @param model what was learned
 * @param embedder who embeds prompts; empty where the model goes by their surface alone
 */
public record ComplexityEstimator(ComplexityModel model, Optional<Embedder> embedder) {
  /**
   * A model of the fleet that embeds prompts.
   *
   * @param model by its canonical name
   * @param timeout after which a prompt's surface stands for it
   * @param cacheBytes what each event loop may keep of estimates; 0 for none
   */
  public record Embedder(ModelName model, Duration timeout, int cacheBytes) {
    public Embedder {
      require(!timeout.isNegative() && !timeout.isZero(), "timeout", timeout, "> 0");
      require(cacheBytes >= 0, "cacheBytes", cacheBytes, ">= 0");
    }
  }
}
