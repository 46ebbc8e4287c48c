package io.penstock.ingress;

import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.Cost;
import io.penstock.inference.Fleet;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.openai.Question;
import io.penstock.openai.ScannedBody;
import io.penstock.tiers.PromptFeatures;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What an ingress loop knows of tiers: which name leaves the choice to the router, how complex what
 * is asked is, and what tokens cost. Of one configuration, of one loop. Pure.
 */
final class Tiering {
  private final Optional<TierPolicy> policy;
  private final Optional<ComplexityEstimator> estimator;
  private final Appraisals appraisals;

  Tiering(Fleet of) {
    policy = of.tiers();
    estimator = policy.flatMap(TierPolicy::estimator);
    appraisals = new Appraisals(estimator);
  }

  private Tiering(Fleet of, Tiering before) {
    policy = of.tiers();
    estimator = before.estimator;
    appraisals = before.appraisals;
  }

  /** Of another fleet; what is remembered of prompts stays where the estimator is the same. */
  Tiering with(Fleet next) {
    boolean same = next.tiers().flatMap(TierPolicy::estimator).equals(estimator);
    return same ? new Tiering(next, this) : new Tiering(next);
  }

  /** How complex prompts are. */
  Appraisals appraisals() {
    return appraisals;
  }

  Optional<TierPolicy> policy() {
    return policy;
  }

  /** The question of a request that leaves the choice to the router; empty for any other. */
  Optional<Question> question(ScannedBody scan, byte[] body) {
    boolean chosen = policy.filter(tiers -> tiers.names().contains(scan.model())).isPresent();
    return chosen
        ? Optional.of(Question.of(scan.operation(), body, PromptFeatures.CHARS_MAX))
        : Optional.empty();
  }

  /**
   * What a request has cost; empty where it has run on no model that has a price.
   *
   * @param promptTokens an estimate, for engines that count nothing
   */
  Optional<Cost> cost(Attempts attempts, int promptTokens) {
    List<Share> shares = shares(attempts, promptTokens);
    return shares.isEmpty()
        ? Optional.empty()
        : Optional.of(shares.stream().map(Share::cost).reduce(Cost.NONE, Cost::plus));
  }

  /** What a request has cost on one tier. */
  record Share(TierName tier, Cost cost) {}

  /** The same, tier by tier. */
  List<Share> shares(Attempts attempts, int promptTokens) {
    if (policy.isEmpty()) {
      return List.of();
    }
    List<Share> shares = new ArrayList<>();
    for (Attempts.Use use : attempts.uses()) {
      Optional<Tier> tier = policy.get().tierOf(use.model());
      tier.ifPresent(
          of ->
              shares.add(
                  new Share(
                      of.level(),
                      of.price().of(use.promptTokens(promptTokens), use.completionTokens()))));
    }
    return shares;
  }
}
