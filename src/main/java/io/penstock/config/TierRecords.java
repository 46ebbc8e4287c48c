package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.CascadePolicy;
import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.ModelName;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierStrategy;
import io.penstock.inference.TokenPrice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Turns a section of tiers that has passed every check into records. */
final class TierRecords {
  private static final String STANDARD = "standard";

  private TierRecords() {}

  static Optional<TierPolicy> of(Section fleet) {
    JsonNode tiers = fleet.tree().path("tiers");
    return Records.optional(tiers).map(tree -> policy(tree, fleet.tree(), fleet.directory()));
  }

  private static TierPolicy policy(JsonNode tiers, JsonNode fleet, Path directory) {
    List<ModelName> names = new ArrayList<>();
    names.add(Records.model(tiers.path("auto_model_id").asText()));
    names.addAll(Records.each(tiers.path("aliases"), alias -> Records.model(alias.asText())));
    List<Tier> list = Records.each(tiers.path("list"), each -> tier(each, fleet));
    return new TierPolicy(
        names,
        list,
        Records.text(tiers.path("default_tier")).map(TierName::new).orElseGet(() -> usual(list)),
        Records.constant(TierStrategy.of(tiers.path("strategy").asText()), tiers.path("strategy")),
        tiers.path("quality_threshold").asDouble(),
        tiers.path("latency_budget_ms").asInt(),
        tiers.path("min_quality").asDouble(),
        Records.text(tiers.path("estimator_file"))
            .flatMap(name -> ComplexityModelFile.load(Records.file(name, directory)))
            .map(model -> new ComplexityEstimator(model, embedder(tiers, fleet))),
        Records.optional(tiers.path("cascade")).map(each -> cascade(each, fleet)));
  }

  private static Optional<ComplexityEstimator.Embedder> embedder(JsonNode tiers, JsonNode fleet) {
    return Records.optional(tiers.path("estimator_embeddings"))
        .map(
            of ->
                new ComplexityEstimator.Embedder(
                    Records.model(FleetRules.modelOf(fleet, of.path("model_id").asText())),
                    millis(of.path("timeout_ms")),
                    of.path("cache_bytes").asInt()));
  }

  private static TierName usual(List<Tier> list) {
    TierName standard = new TierName(STANDARD);
    boolean is = list.stream().anyMatch(each -> each.level().equals(standard));
    return is ? standard : list.get(0).level();
  }

  private static Tier tier(JsonNode tier, JsonNode fleet) {
    double cost = tier.path("cost_per_1k_tokens").asDouble();
    return new Tier(
        new TierName(tier.path("level").asText()),
        Records.model(FleetRules.modelOf(fleet, tier.path("model_id").asText())),
        tier.path("latency_target_ms").asInt(),
        cost,
        new TokenPrice(
            tier.path("cost_per_1k_input_tokens").asDouble(cost),
            tier.path("cost_per_1k_output_tokens").asDouble(cost)),
        tier.path("quality_score").asDouble(),
        Records.text(tier.path("fallback_tier")).map(TierName::new));
  }

  private static CascadePolicy cascade(JsonNode cascade, JsonNode fleet) {
    return new CascadePolicy(
        cascade.path("max_cascades").asInt(),
        cascade.path("max_draft_bytes").asInt(),
        cascade.path("max_held_bytes").asLong(),
        cascade.path("min_mean_logprob").asDouble(),
        cascade.path("on_judge_failure").asText().equals("accept"),
        cascade.path("on_failed_escalation").asText().equals("serve_draft"),
        Records.optional(cascade.path("hook"))
            .map(
                hook ->
                    new CascadePolicy.Hook(
                        hook.path("url").asText(), millis(hook.path("timeout_ms")))),
        Records.optional(cascade.path("llm"))
            .map(
                llm ->
                    new CascadePolicy.Llm(
                        Records.model(FleetRules.modelOf(fleet, llm.path("model_id").asText())),
                        llm.path("prompt").asText(),
                        millis(llm.path("timeout_ms")))));
  }

  private static Duration millis(JsonNode value) {
    return Duration.ofMillis(value.asLong());
  }
}
