package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.time.Duration;
import java.util.Optional;

/**
 * How answers of lower tiers are judged, when the next tier is asked, and what stands when it
 * fails.
 *
 * @param maxCascades how often a request goes up at most
 * @param draftMaxBytes an answer longer than this is not held to be judged: it is taken as it is
 * @param heldMaxBytes of drafts that a node holds, all its event loops together, each of which has
 *     an equal part of it
 * @param minMeanLogprob answers with log probabilities below this in the mean are judged 0
 * @param acceptsOnFailure what stands where a judge fails: whether the answer is taken, or the next
 *     tier asked
 * @param servesDrafts what stands where the tier above fails: whether the best draft that was
 *     rejected is the answer, or the error
 */
public record CascadePolicy(
    int maxCascades,
    int draftMaxBytes,
    long heldMaxBytes,
    double minMeanLogprob,
    boolean acceptsOnFailure,
    boolean servesDrafts,
    Optional<Hook> hook,
    Optional<Llm> llm) {
  public CascadePolicy {
    require(maxCascades >= 0, "maxCascades", maxCascades, ">= 0");
    require(draftMaxBytes > 0, "draftMaxBytes", draftMaxBytes, "> 0");
    require(heldMaxBytes >= draftMaxBytes, "heldMaxBytes", heldMaxBytes, ">= draftMaxBytes");
    require(minMeanLogprob <= 0, "minMeanLogprob", minMeanLogprob, "<= 0");
  }

  /**
   * A judge behind HTTP.
   *
   * @param timeout within which it answers
   */
  public record Hook(String url, Duration timeout) {}

  /**
   * A model of the fleet that judges.
   *
   * @param prompt what it is told; {@code {prompt}} and {@code {answer}} stand for the two
   * @param timeout within which it answers, its wait for a slot included
   */
  public record Llm(ModelName model, String prompt, Duration timeout) {}
}
