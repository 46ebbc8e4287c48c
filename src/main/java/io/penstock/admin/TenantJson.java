package io.penstock.admin;

import io.penstock.inference.ApiKey;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.DisplayName;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelLimits;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Tenants and keys as the admin API reads and writes them; the names of the configuration. */
final class TenantJson {
  private static final int LIST_MAX = 1_000;

  static final String[] LIMITS = {"requests_per_minute", "tokens_per_minute", "max_concurrent"};

  private TenantJson() {}

  /** The tenant of a body; throws {@link Fields.Mistake}. */
  static Tenant tenant(TenantId id, JsonObject body, Fleet fleet) {
    Fields fields =
        Fields.of(
            body,
            "name",
            "models",
            "max_priority",
            "weight",
            "limits",
            "model_limits",
            "residency",
            "cache_policy");
    Set<String> models = new TreeSet<>();
    Set<String> names = new TreeSet<>();
    for (Pool pool : fleet.pools()) {
      models.add(pool.model().value());
      names.add(pool.model().value());
      pool.aliases().forEach(alias -> names.add(alias.value()));
    }
    List<String> allowed =
        fields.texts(
            "models",
            names::contains,
            "a model or an alias of the fleet: " + String.join(", ", names));
    return new Tenant(
        id,
        name(fields),
        allowed.stream().map(ModelName::new).collect(Collectors.toUnmodifiableSet()),
        Priority.of(
                fields.text(
                    "max_priority",
                    Priority.INTERACTIVE.label(),
                    label -> Priority.of(label).isPresent(),
                    "one of " + words(Priority.values())))
            .orElseThrow(),
        fields.real("weight", 1, Tenant.WEIGHT_MIN, Tenant.WEIGHT_MAX),
        limits(fields.object("limits", LIMITS)),
        modelLimits(fields, models),
        Set.copyOf(
            new HashSet<>(fields.texts("residency", TenantId::isValid, "the name of a region"))),
        CachePolicy.of(
                fields.text(
                    "cache_policy",
                    CachePolicy.TENANT.label(),
                    label -> CachePolicy.of(label).isPresent(),
                    "one of " + words(CachePolicy.values())))
            .orElseThrow());
  }

  private static List<ModelLimits> modelLimits(Fields fields, Set<String> models) {
    List<ModelLimits> all = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Fields each : fields.objects("model_limits", "model", LIMITS[0], LIMITS[1], LIMITS[2])) {
      String model =
          each.text(
              "model",
              "",
              models::contains,
              "a model of the fleet, by its model_id: " + String.join(", ", models));
      if (!seen.add(model)) {
        throw each.wrong("model", model, "each model once");
      }
      all.add(new ModelLimits(new ModelName(model), limits(each)));
    }
    if (all.size() > LIST_MAX) {
      throw fields.wrong("model_limits", all.size() + " of them", "at most " + LIST_MAX);
    }
    return all;
  }

  static String name(Fields fields) {
    return fields.text("name", "", DisplayName::isValid, DisplayName.EXPECTED);
  }

  static RateLimits limits(Fields fields) {
    return new RateLimits(
        fields.number(LIMITS[0], 0, 1, RateLimits.MAX),
        fields.number(LIMITS[1], 0, 1, RateLimits.MAX),
        fields.number(LIMITS[2], 0, 1, RateLimits.MAX));
  }

  private static String words(Object[] constants) {
    return Arrays.stream(constants).map(String::valueOf).collect(Collectors.joining(", "));
  }

  /**
   * A tenant.
   *
   * @param configured whether he is of the nodes' configuration
   */
  static JsonObject of(Tenant tenant, boolean configured) {
    JsonArray modelLimits = new JsonArray();
    for (ModelLimits each : tenant.modelLimits()) {
      modelLimits.add(of(each.limits()).put("model", each.model().value()));
    }
    return new JsonObject()
        .put("id", tenant.id().value())
        .put("name", tenant.name())
        .put(
            "models",
            new JsonArray(tenant.models().stream().map(ModelName::value).sorted().toList()))
        .put("max_priority", tenant.maxPriority().label())
        .put("weight", tenant.weight())
        .put("limits", of(tenant.limits()))
        .put("model_limits", modelLimits)
        .put("residency", new JsonArray(tenant.residency().stream().sorted().toList()))
        .put("cache_policy", tenant.cachePolicy().label())
        .put("from", configured ? "configuration" : "admin");
  }

  /** A key, without its secret, which nobody knows. */
  static JsonObject of(ApiKey key, long epochMillis) {
    JsonObject row =
        new JsonObject()
            .put("id", key.id())
            .put("tenant", key.tenant().value())
            .put("name", key.name())
            .put(
                "state",
                key.revoked() ? "revoked" : key.isLive(epochMillis) ? "active" : "expired");
    if (key.createdEpochMillis() > 0) {
      row.put("created", Instant.ofEpochMilli(key.createdEpochMillis()).toString());
    }
    if (key.expiresEpochMillis() > 0) {
      row.put("expires", Instant.ofEpochMilli(key.expiresEpochMillis()).toString());
    }
    return key.limits().isNone() ? row : row.put("limits", of(key.limits()));
  }

  private static JsonObject of(RateLimits limits) {
    JsonObject row = new JsonObject();
    long[] values = {limits.requestsPerMinute(), limits.tokensPerMinute(), limits.maxConcurrent()};
    for (int i = 0; i < values.length; i++) {
      if (values[i] > 0) {
        row.put(LIMITS[i], values[i]);
      }
    }
    return row;
  }
}
