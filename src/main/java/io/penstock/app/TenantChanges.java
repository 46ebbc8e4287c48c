package io.penstock.app;

import io.penstock.inference.ApiKey;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.tenancy.TenancyConfig;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What has changed in the tenants of a configuration that was read again. Pure. */
final class TenantChanges {
  private TenantChanges() {}

  /** The tenants to go by; adds a line for each change to the one list or the other. */
  static TenancyConfig of(
      TenancyConfig before, TenancyConfig read, List<String> applied, List<String> needsRestart) {
    if (before.auth() != read.auth()) {
      applied.add("tenants.auth: " + before.auth() + " -> " + read.auth());
    }
    if (!before.jwt().equals(read.jwt())) {
      applied.add("tenants.jwt: " + word(before.jwt()) + " -> " + word(read.jwt()));
    }
    tenants(before, read, applied);
    Optional<Path> keyFile = before.keyFile();
    if (!keyFile.equals(read.keyFile())) {
      needsRestart.add(
          "tenants.key_file: " + path(before.keyFile()) + " -> " + path(read.keyFile()));
    }
    if (!before.keyRedisUrl().equals(read.keyRedisUrl())) {
      needsRestart.add("tenants.key_redis_url: another"); // it may hold a password
    }
    if (!before.redisUrl().equals(read.redisUrl())) {
      needsRestart.add("tenants.limits.redis_url: another"); // it may hold a password
    }
    return new TenancyConfig(
        read.auth(),
        read.tenants(),
        read.keys(),
        read.jwt(),
        keyFile,
        before.keyRedisUrl(),
        before.redisUrl());
  }

  private static void tenants(TenancyConfig before, TenancyConfig read, List<String> applied) {
    Map<TenantId, Tenant> were = byId(before.tenants());
    Map<TenantId, Tenant> are = byId(read.tenants());
    are.forEach(
        (id, tenant) -> {
          Tenant was = were.get(id);
          if (was == null) {
            applied.add("tenants.list: " + id + " added");
          } else if (!was.equals(tenant)) {
            applied.add("tenants.list: " + id + " changed");
          } else if (!keys(before, id).equals(keys(read, id))) {
            applied.add("tenants.list: " + id + " has other keys");
          }
        });
    were.keySet().stream()
        .filter(id -> !are.containsKey(id))
        .forEach(id -> applied.add("tenants.list: " + id + " removed"));
  }

  private static Map<TenantId, Tenant> byId(Collection<Tenant> tenants) {
    return tenants.stream()
        .collect(Collectors.toMap(Tenant::id, Function.identity(), (a, b) -> a, TreeMap::new));
  }

  private static List<ApiKey> keys(TenancyConfig of, TenantId tenant) {
    return of.keys().stream().filter(key -> key.tenant().equals(tenant)).toList();
  }

  private static String word(Optional<TenancyConfig.Jwt> jwt) {
    return jwt.map(TenancyConfig.Jwt::issuer).orElse("none");
  }

  private static String path(Optional<Path> file) {
    return file.map(Objects::toString).orElse("none");
  }
}
