package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.List;
import java.util.Set;

/**
 * Whom the fleet serves, and what he may have.
 *
 * @param name for people; may be empty
 * @param models names and aliases that he may ask for; empty for all
 * @param maxPriority the highest class; requests that ask for more are served in this one
 * @param weight his share when tenants compete, relative to theirs
 * @param limits of all his requests together
 * @param modelLimits of his requests for some models, besides
 * @param residency regions in which his requests may be served; empty for all
 */
public record Tenant(
    TenantId id,
    String name,
    Set<ModelName> models,
    Priority maxPriority,
    double weight,
    RateLimits limits,
    List<ModelLimits> modelLimits,
    Set<String> residency,
    CachePolicy cachePolicy) {
  /** Least and most of a weight. */
  public static final double WEIGHT_MIN = 0.001;

  public static final double WEIGHT_MAX = 1_000;

  public Tenant {
    require(
        weight >= WEIGHT_MIN && weight <= WEIGHT_MAX,
        "weight",
        weight,
        WEIGHT_MIN + ".." + WEIGHT_MAX);
    models = Set.copyOf(models);
    modelLimits = List.copyOf(modelLimits);
    residency = Set.copyOf(residency);
  }

  /** One of whom nothing is known but the name: may have everything. */
  public static Tenant of(TenantId id) {
    return new Tenant(
        id,
        "",
        Set.of(),
        Priority.INTERACTIVE,
        1,
        RateLimits.NONE,
        List.of(),
        Set.of(),
        CachePolicy.TENANT);
  }

  /** Whether he may ask for a model of this name. */
  public boolean mayUse(ModelName model) {
    return models.isEmpty() || models.contains(model);
  }

  /** The class in which a request is served that asks for this one. */
  public Priority atMost(Priority asked) {
    return asked.compareTo(maxPriority) < 0 ? maxPriority : asked;
  }

  /** The limits for one model; none where it has none of its own. */
  public RateLimits limitsOf(ModelName model) {
    for (ModelLimits each : modelLimits) {
      if (each.model().equals(model)) {
        return each.limits();
      }
    }
    return RateLimits.NONE;
  }
}
