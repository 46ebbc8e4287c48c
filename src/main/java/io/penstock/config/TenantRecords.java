package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.ApiKey;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.ModelLimits;
import io.penstock.inference.Priority;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.tenancy.Secrets;
import io.penstock.tenancy.TenancyConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Turns a section of tenants that has passed every check into records. */
final class TenantRecords {
  private TenantRecords() {}

  /**
   * @param nodeDirectory of the node's file
   * @param node its name
   */
  static TenancyConfig of(Section section, Path nodeDirectory, String node) {
    JsonNode tree = section.tree();
    TenancyConfig.Auth auth =
        Records.constant(TenancyConfig.Auth.of(tree.path("auth").asText()), tree.path("auth"));
    List<ApiKey> keys = new ArrayList<>();
    tree.path("list").forEach(tenant -> keys.addAll(keys(tenant)));
    Path file =
        Records.text(tree.path("key_file"))
            .map(name -> Records.file(name, section.directory()))
            .orElseGet(() -> Records.file("keys-" + node + ".json", nodeDirectory));
    Optional<String> redis = Records.text(tree.path("key_redis_url"));
    return new TenancyConfig(
        auth,
        Records.each(tree.path("list"), TenantRecords::tenant),
        keys,
        Records.optional(tree.path("jwt")).map(TenantRecords::jwt),
        auth == TenancyConfig.Auth.NONE || redis.isPresent() ? Optional.empty() : Optional.of(file),
        auth == TenancyConfig.Auth.NONE ? Optional.empty() : redis,
        Records.text(tree.path("limits").path("redis_url")));
  }

  private static TenancyConfig.Jwt jwt(JsonNode jwt) {
    return new TenancyConfig.Jwt(
        jwt.path("issuer").asText(),
        jwt.path("jwks_url").asText(),
        Records.text(jwt.path("audience")),
        jwt.path("tenant_claim").asText(),
        Records.seconds(jwt.path("refresh_seconds")));
  }

  private static Tenant tenant(JsonNode tenant) {
    JsonNode priority = tenant.path("max_priority");
    JsonNode cache = tenant.path("cache_policy");
    return new Tenant(
        new TenantId(tenant.path("id").asText()),
        tenant.path("name").asText(),
        Set.copyOf(Records.each(tenant.path("models"), m -> Records.model(m.asText()))),
        Records.constant(Priority.of(priority.asText()), priority),
        tenant.path("weight").asDouble(),
        limits(tenant.path("limits")),
        Records.each(
            tenant.path("model_limits"),
            each -> new ModelLimits(Records.model(each.path("model").asText()), limits(each))),
        Set.copyOf(Records.each(tenant.path("residency"), JsonNode::asText)),
        Records.constant(CachePolicy.of(cache.asText()), cache));
  }

  private static List<ApiKey> keys(JsonNode tenant) {
    TenantId of = new TenantId(tenant.path("id").asText());
    return Records.each(
        tenant.path("keys"),
        key -> {
          String sha256 =
              Records.text(key.path("secret"))
                  .map(Secrets::sha256)
                  .orElseGet(() -> key.path("sha256").asText().toLowerCase(Locale.ROOT));
          return new ApiKey(
              Secrets.id(sha256),
              of,
              sha256,
              key.path("name").asText(),
              0,
              0,
              false,
              limits(key.path("limits")),
              0);
        });
  }

  private static RateLimits limits(JsonNode limits) {
    return new RateLimits(
        limits.path("requests_per_minute").asLong(),
        limits.path("tokens_per_minute").asLong(),
        limits.path("max_concurrent").asLong());
  }
}
