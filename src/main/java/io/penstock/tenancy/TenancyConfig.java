package io.penstock.tenancy;

import io.penstock.inference.ApiKey;
import io.penstock.inference.Tenant;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Who may ask, as the configuration says; the same on all nodes but for the file.
 *
 * @param tenants that operators can not change at run time
 * @param keys of those tenants; revoked or ended at run time only
 * @param jwt present where {@code auth} allows tokens
 * @param keyFile where this node keeps what operators have changed; empty: not in a file
 * @param keyRedisUrl where all nodes keep it; empty: not in Redis
 * @param redisUrl where limits are kept; empty: in the cluster itself
 */
public record TenancyConfig(
    Auth auth,
    List<Tenant> tenants,
    List<ApiKey> keys,
    Optional<Jwt> jwt,
    Optional<Path> keyFile,
    Optional<String> keyRedisUrl,
    Optional<String> redisUrl) {
  /** Everybody may. */
  public static final TenancyConfig OPEN =
      new TenancyConfig(
          Auth.NONE,
          List.of(),
          List.of(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  public TenancyConfig {
    tenants = List.copyOf(tenants);
    keys = List.copyOf(keys);
  }

  /** What callers must show. */
  public enum Auth {
    /** Nothing. */
    NONE("none", false, false),
    /** A key. */
    KEYS("keys", true, false),
    /** A signed token. */
    JWT("jwt", false, true),
    /** The one or the other. */
    KEYS_OR_JWT("keys+jwt", true, true);

    private final String label;
    private final boolean keys;
    private final boolean jwt;

    Auth(String label, boolean keys, boolean jwt) {
      this.label = label;
      this.keys = keys;
      this.jwt = jwt;
    }

    /** The name in the configuration. */
    public String label() {
      return label;
    }

    /** Whether keys open. */
    public boolean keys() {
      return keys;
    }

    /** Whether signed tokens open. */
    public boolean jwt() {
      return jwt;
    }

    /** The constant with this {@link #label()}. */
    public static Optional<Auth> of(String label) {
      for (Auth each : values()) {
        if (each.label.equals(label)) {
          return Optional.of(each);
        }
      }
      return Optional.empty();
    }

    @Override
    public String toString() {
      return label;
    }
  }

  /**
   * Whose tokens are believed.
   *
   * @param issuer what their {@code iss} must be
   * @param jwksUrl where the issuer publishes its public keys
   * @param audience what their {@code aud} must name; empty: not looked at
   * @param tenantClaim the claim that names the tenant
   * @param refresh how often the keys are fetched again
   */
  public record Jwt(
      String issuer,
      String jwksUrl,
      Optional<String> audience,
      String tenantClaim,
      Duration refresh) {}
}
