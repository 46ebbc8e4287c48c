package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the schema of tiers can not say. Tolerant of values of the wrong type, as {@link NodeRules}
 * is.
 */
final class TierRules {
  private final Section tiers;
  private final LocalFiles files;

  /** Each name that a client may ask for, with the model that has it. */
  private final Map<String, String> models = new HashMap<>();

  private final Map<String, KeyPath> levels = new LinkedHashMap<>();

  TierRules(Section fleet, LocalFiles files) {
    this.tiers = fleet.sub("tiers");
    this.files = files;
    for (JsonNode pool : fleet.tree().path("pools")) {
      String model = pool.path("model_id").asText();
      models.put(model, model);
      pool.path("aliases").forEach(alias -> models.putIfAbsent(alias.asText(), model));
    }
  }

  void check() {
    if (!tiers.tree().isObject()) {
      return;
    }
    isFree(tiers.sub("auto_model_id"));
    Section aliases = tiers.sub("aliases");
    for (int i = 0; i < aliases.tree().size(); i++) {
      isFree(aliases.sub(i));
    }
    Section list = tiers.sub("list");
    for (int i = 0; i < list.tree().size(); i++) {
      level(list.sub(i));
      isModel(list.sub(i).sub("model_id"));
    }
    isTier(tiers.sub("default_tier"));
    for (int i = 0; i < list.tree().size(); i++) {
      isTier(list.sub(i).sub("fallback_tier"));
      endsSomewhere(list.sub(i));
    }
    isModel(tiers.sub("cascade").sub("llm").sub("model_id"));
    holdsADraft(tiers.sub("cascade"));
    ComplexityModelFile.check(tiers.sub("estimator_file"), files);
    isModel(tiers.sub("estimator_embeddings").sub("model_id"));
    if (tiers.tree().has("estimator_embeddings") && !tiers.tree().has("estimator_file")) {
      tiers
          .sub("estimator_file")
          .expected("the model file that estimator_embeddings has embeddings for");
    }
  }

  private void isFree(Section name) {
    if (name.tree().isTextual() && models.containsKey(name.tree().textValue())) {
      name.expected("a name that no model has; it means model " + models.get(name.tree().asText()));
    }
  }

  private void level(Section tier) {
    Section level = tier.sub("level");
    if (!level.tree().isTextual()) {
      return;
    }
    KeyPath first = levels.putIfAbsent(level.tree().textValue(), tier.at());
    if (first != null) {
      level.expected("a name of its own; " + first + " has this one");
    }
  }

  private static void holdsADraft(Section cascade) {
    JsonNode draft = cascade.tree().path("max_draft_bytes");
    JsonNode held = cascade.tree().path("max_held_bytes");
    if (draft.isIntegralNumber() && held.isIntegralNumber() && held.asLong() < draft.asLong()) {
      cascade.sub("max_held_bytes").expected("max_draft_bytes or more, which is " + draft.asLong());
    }
  }

  private void isModel(Section model) {
    if (model.tree().isTextual() && !models.containsKey(model.tree().textValue())) {
      String known = String.join(", ", models.keySet().stream().sorted().toList());
      model.expected("a model that a pool serves: " + known);
    }
  }

  private void isTier(Section name) {
    if (name.tree().isTextual() && !levels.containsKey(name.tree().textValue())) {
      name.expected("a tier of the list: " + String.join(", ", levels.keySet()));
    }
  }

  /** A chain of tiers that comes back to where it began never ends. */
  private void endsSomewhere(Section tier) {
    String begin = tier.tree().path("level").asText();
    String next = tier.tree().path("fallback_tier").asText();
    for (int steps = 0; !next.isEmpty() && steps <= levels.size(); steps++) {
      if (next.equals(begin)) {
        tier.sub("fallback_tier").expected("a tier above; from this one the chain comes back here");
        return;
      }
      next = fallbackOf(next);
    }
  }

  private String fallbackOf(String level) {
    for (JsonNode each : tiers.tree().path("list")) {
      if (each.path("level").asText().equals(level)) {
        return each.path("fallback_tier").asText();
      }
    }
    return "";
  }
}
