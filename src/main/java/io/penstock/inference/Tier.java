package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.Optional;

/**
 * One tier of tiered serving: a model with what it promises and costs. The names are the guide's.
 *
 * @param latencyTargetMillis what an answer takes, typically
 * @param costPer1kTokens by which tiers are compared, and limits on cost are held
 * @param price what requests are charged
 * @param qualityScore 0..1, relative to the other tiers
 * @param fallback the tier above, to which a cascade goes
 */
public record Tier(
    TierName level,
    ModelName model,
    int latencyTargetMillis,
    double costPer1kTokens,
    TokenPrice price,
    double qualityScore,
    Optional<TierName> fallback) {
  public Tier {
    require(latencyTargetMillis > 0, "latencyTargetMillis", latencyTargetMillis, "> 0");
    require(costPer1kTokens >= 0, "costPer1kTokens", costPer1kTokens, ">= 0");
    require(qualityScore >= 0 && qualityScore <= 1, "qualityScore", qualityScore, "0..1");
  }
}
