package io.penstock.inference;

import java.util.List;
import java.util.Optional;

/**
 * The tiers of a fleet and how one is chosen. The names are the guide's.
 *
 * @param names those of the model that stands for "choose one"; the first is its own, the rest are
 *     aliases
 * @param tiers in the order of the configuration; never empty
 * @param defaultTier for tasks that are neither simple nor complex, and where no tier fits
 * @param qualityThreshold an answer whose quality is judged less goes up in a cascade
 * @param latencyBudgetMillis of requests that name none
 * @param minQuality of requests that name none, where the strategy is by cost
 * @param estimator of complexity; else the length of the prompt stands for it
 * @param cascade empty where the chosen tier's answer is the answer
 */
public record TierPolicy(
    List<ModelName> names,
    List<Tier> tiers,
    TierName defaultTier,
    TierStrategy strategy,
    double qualityThreshold,
    int latencyBudgetMillis,
    double minQuality,
    Optional<ComplexityEstimator> estimator,
    Optional<CascadePolicy> cascade) {
  public TierPolicy {
    names = List.copyOf(names);
    tiers = List.copyOf(tiers);
  }

  /** The tier of this name. */
  public Optional<Tier> tier(TierName level) {
    return tiers.stream().filter(each -> each.level().equals(level)).findFirst();
  }

  /** The first tier that this model stands for. */
  public Optional<Tier> tierOf(ModelName model) {
    return tiers.stream().filter(each -> each.model().equals(model)).findFirst();
  }
}
