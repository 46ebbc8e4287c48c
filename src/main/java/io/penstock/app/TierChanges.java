package io.penstock.app;

import io.penstock.inference.CascadePolicy;
import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.ComplexityEstimator.Embedder;
import io.penstock.inference.ModelName;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What is different in the tiers of another fleet, in the words of its file. Pure. */
final class TierChanges {
  /** A key and what it says, as text. */
  private record Key<T>(String name, Function<T, Object> value) {}

  private static final List<Key<TierPolicy>> KEYS =
      List.of(
          new Key<>("auto_model_id", tiers -> tiers.names().get(0)),
          new Key<>("aliases", tiers -> joined(tiers.names().subList(1, tiers.names().size()))),
          new Key<>("default_tier", TierPolicy::defaultTier),
          new Key<>("strategy", TierPolicy::strategy),
          new Key<>("quality_threshold", TierPolicy::qualityThreshold),
          new Key<>("latency_budget_ms", TierPolicy::latencyBudgetMillis),
          new Key<>("min_quality", TierPolicy::minQuality));

  private static final List<Key<Tier>> OF_A_TIER =
      List.of(
          new Key<>("model_id", Tier::model),
          new Key<>("latency_target_ms", Tier::latencyTargetMillis),
          new Key<>("cost_per_1k_tokens", Tier::costPer1kTokens),
          new Key<>("cost_per_1k_input_tokens", tier -> tier.price().per1kInput()),
          new Key<>("cost_per_1k_output_tokens", tier -> tier.price().per1kOutput()),
          new Key<>("quality_score", Tier::qualityScore),
          new Key<>("fallback_tier", tier -> tier.fallback().map(TierName::value).orElse("none")));

  private static final List<Key<CascadePolicy>> OF_CASCADES =
      List.of(
          new Key<>("max_cascades", CascadePolicy::maxCascades),
          new Key<>("max_draft_bytes", CascadePolicy::draftMaxBytes),
          new Key<>("max_held_bytes", CascadePolicy::heldMaxBytes),
          new Key<>("min_mean_logprob", CascadePolicy::minMeanLogprob),
          new Key<>("on_judge_failure", of -> of.acceptsOnFailure() ? "accept" : "reject"),
          new Key<>("on_failed_escalation", of -> of.servesDrafts() ? "serve_draft" : "error"),
          new Key<>("hook.url", of -> of.hook().map(CascadePolicy.Hook::url).orElse("none")),
          new Key<>(
              "hook.timeout_ms",
              of -> of.hook().map(hook -> "" + hook.timeout().toMillis()).orElse("none")),
          new Key<>("llm.model_id", of -> of.llm().map(llm -> llm.model().value()).orElse("none")),
          new Key<>(
              "llm.timeout_ms",
              of -> of.llm().map(llm -> "" + llm.timeout().toMillis()).orElse("none")));

  private static final List<Key<Embedder>> OF_EMBEDDERS =
      List.of(
          new Key<>("model_id", Embedder::model),
          new Key<>("timeout_ms", of -> of.timeout().toMillis()),
          new Key<>("cache_bytes", Embedder::cacheBytes));

  private TierChanges() {}

  /** One line for each tier that is new, gone or changed, and for each other key. */
  static List<String> of(Optional<TierPolicy> before, Optional<TierPolicy> read) {
    List<String> lines = new ArrayList<>();
    if (before.isEmpty() || read.isEmpty()) {
      if (before.isPresent() != read.isPresent()) {
        lines.add("fleet.tiers: " + onOrOff(before) + " -> " + onOrOff(read));
      }
      return lines;
    }
    TierPolicy was = before.get();
    TierPolicy is = read.get();
    changes("fleet.tiers.", KEYS, was, is).forEach(lines::add);
    tiers(was, is, lines);
    estimator(was.estimator(), is.estimator(), lines);
    cascade(was.cascade(), is.cascade(), lines);
    return lines;
  }

  private static void tiers(TierPolicy was, TierPolicy is, List<String> lines) {
    Map<TierName, Tier> gone = new LinkedHashMap<>();
    was.tiers().forEach(tier -> gone.put(tier.level(), tier));
    for (Tier tier : is.tiers()) {
      Tier known = gone.remove(tier.level());
      if (known == null) {
        lines.add("tier " + tier.level() + ": added");
      } else {
        List<String> changes = changes("", OF_A_TIER, known, tier);
        if (!changes.isEmpty()) {
          lines.add("tier " + tier.level() + ": " + String.join(", ", changes));
        }
      }
    }
    gone.keySet().forEach(level -> lines.add("tier " + level + ": removed"));
    List<TierName> order = was.tiers().stream().map(Tier::level).toList();
    List<TierName> now = is.tiers().stream().map(Tier::level).toList();
    if (order.size() == now.size() && order.containsAll(now) && !order.equals(now)) {
      lines.add("fleet.tiers.list: in another order");
    }
  }

  private static void estimator(
      Optional<ComplexityEstimator> was, Optional<ComplexityEstimator> is, List<String> lines) {
    if (!digest(was).equals(digest(is))) {
      lines.add("fleet.tiers.estimator_file: " + digest(was) + " -> " + digest(is));
    }
    Optional<Embedder> embedded = was.flatMap(ComplexityEstimator::embedder);
    Optional<Embedder> embeds = is.flatMap(ComplexityEstimator::embedder);
    if (embedded.isPresent() && embeds.isPresent()) {
      lines.addAll(
          changes("fleet.tiers.estimator_embeddings.", OF_EMBEDDERS, embedded.get(), embeds.get()));
    } else if (embedded.isPresent() != embeds.isPresent()) {
      lines.add(
          "fleet.tiers.estimator_embeddings: " + onOrOff(embedded) + " -> " + onOrOff(embeds));
    }
  }

  private static void cascade(
      Optional<CascadePolicy> was, Optional<CascadePolicy> is, List<String> lines) {
    if (was.isPresent() && is.isPresent()) {
      lines.addAll(changes("fleet.tiers.cascade.", OF_CASCADES, was.get(), is.get()));
      if (!prompt(was).equals(prompt(is)) && !prompt(was).isEmpty() && !prompt(is).isEmpty()) {
        lines.add("fleet.tiers.cascade.llm.prompt is another");
      }
    } else if (was.isPresent() != is.isPresent()) {
      lines.add("fleet.tiers.cascade: " + onOrOff(was) + " -> " + onOrOff(is));
    }
  }

  private static String prompt(Optional<CascadePolicy> of) {
    return of.flatMap(CascadePolicy::llm).map(CascadePolicy.Llm::prompt).orElse("");
  }

  private static <T> List<String> changes(String prefix, List<Key<T>> keys, T before, T read) {
    List<String> changes = new ArrayList<>();
    for (Key<T> key : keys) {
      Object was = key.value().apply(before);
      Object is = key.value().apply(read);
      if (!was.equals(is)) {
        changes.add(prefix + key.name() + (prefix.isEmpty() ? " " : ": ") + was + " -> " + is);
      }
    }
    return changes;
  }

  private static String joined(List<ModelName> names) {
    return names.isEmpty()
        ? "none"
        : names.stream().map(ModelName::value).collect(Collectors.joining(" "));
  }

  private static String digest(Optional<ComplexityEstimator> of) {
    return of.map(known -> "model " + known.model().digest()).orElse("none");
  }

  private static String onOrOff(Optional<?> section) {
    return section.isPresent() ? "on" : "off";
  }
}
