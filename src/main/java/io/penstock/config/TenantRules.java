package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.tenancy.Secrets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the schema of tenants can not say. Tolerant of values of the wrong type, as {@link
 * NodeRules} is.
 */
final class TenantRules {
  private final Section tenants;
  private final Set<String> models = new TreeSet<>();
  private final Set<String> names = new TreeSet<>();
  private final Map<String, KeyPath> keyBySha256 = new HashMap<>();

  TenantRules(Section tenants, JsonNode fleet) {
    this.tenants = tenants;
    for (JsonNode pool : fleet.path("pools")) {
      models.add(pool.path("model_id").asText());
      names.add(pool.path("model_id").asText());
      pool.path("aliases").forEach(alias -> names.add(alias.asText()));
    }
  }

  void check() {
    if (!tenants.tree().isObject()) {
      return;
    }
    jwt();
    Addresses.checkUrl(
        tenants.sub("limits").sub("redis_url"),
        Set.of("redis", "rediss"),
        "a redis:// or rediss:// URL");
    Addresses.checkUrl(
        tenants.sub("key_redis_url"), Set.of("redis", "rediss"), "a redis:// or rediss:// URL");
    if (tenants.tree().has("key_redis_url") && tenants.tree().has("key_file")) {
      tenants.sub("key_file").expected("left out, because key_redis_url is given");
    }
    Section list = tenants.sub("list");
    Map<String, KeyPath> byId = new HashMap<>();
    for (int i = 0; i < list.tree().size(); i++) {
      Section tenant = list.sub(i);
      if (tenant.tree().isObject()) {
        id(tenant, byId);
        models(tenant.sub("models"));
        modelLimits(tenant.sub("model_limits"));
        keys(tenant.sub("keys"));
      }
    }
  }

  private void jwt() {
    Section jwt = tenants.sub("jwt");
    if (tenants.tree().path("auth").asText().contains("jwt") && jwt.tree().isMissingNode()) {
      jwt.expected("the issuer of the tokens, because auth is " + tenants.sub("auth").found());
    }
    Addresses.checkUrl(jwt.sub("jwks_url"), Set.of("http", "https"), "an http:// or https:// URL");
  }

  private static void id(Section tenant, Map<String, KeyPath> byId) {
    Section id = tenant.sub("id");
    KeyPath first = byId.putIfAbsent(id.tree().asText(), tenant.at());
    if (first != null) {
      id.expected("an id of its own; " + first + " has this one");
    }
  }

  private void models(Section list) {
    for (int i = 0; i < list.tree().size(); i++) {
      Section model = list.sub(i);
      if (model.tree().isTextual() && !names.contains(model.tree().textValue())) {
        model.expected("a model or an alias of the fleet: " + String.join(", ", names));
      }
    }
  }

  private void modelLimits(Section list) {
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < list.tree().size(); i++) {
      Section model = list.sub(i).sub("model");
      String name = model.tree().asText();
      if (model.tree().isTextual() && !models.contains(name)) {
        model.expected("a model of the fleet, by its model_id: " + String.join(", ", models));
      } else if (!seen.add(name)) {
        model.expected("each model once");
      }
    }
  }

  private void keys(Section list) {
    for (int i = 0; i < list.tree().size(); i++) {
      Section key = list.sub(i);
      Section sha256 = key.sub("sha256");
      Section secret = key.sub("secret");
      if (sha256.tree().isMissingNode() == secret.tree().isMissingNode()) {
        key.expected(
            secret.tree().isMissingNode() ? "neither" : "both", "exactly one of sha256 and secret");
        continue;
      }
      Section given = secret.tree().isMissingNode() ? sha256 : secret;
      String hash =
          secret.tree().isTextual()
              ? Secrets.sha256(secret.tree().textValue())
              : sha256.tree().asText().toLowerCase(Locale.ROOT);
      KeyPath first = keyBySha256.putIfAbsent(hash, key.at());
      if (first != null) {
        given.expected("a key of its own; " + first + " has this one");
      }
    }
  }
}
