package io.penstock.tenancy;

import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.TenancyMark;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * All tenants and keys at one moment. Immutable, and so shared by all event loops.
 *
 * <p>A key is looked up by a part of the hash of what was shown, and the hashes are then compared
 * as a whole and in constant time. What the time of a look-up tells is about the hash of a guess,
 * which the guesser knows, and a hash that is nearly right is no step towards a key.
 */
public final class Register {
  /** Nobody but who needs no key. */
  public static final Register OPEN = of(TenancyConfig.OPEN, List.of(), true);

  private record Entry(byte[] sha256, Identity identity) {}

  /** When to ask again for a key that is not known yet. */
  private static final long COMPLETE_WITHIN_MILLIS = 5_000;

  private final TenancyConfig.Auth auth;
  private final boolean isComplete;
  private final Map<TenantId, Tenant> tenants = new HashMap<>();
  private final Map<String, ApiKey> keys = new HashMap<>();
  private final Map<Long, Entry> byHash = new HashMap<>();
  private final Identity anonymous;

  private Register(TenancyConfig config, Collection<TenancyMark> marks, boolean isComplete) {
    this.isComplete = isComplete;
    this.auth = config.auth();
    for (TenancyMark each : marks) {
      each.tenant().ifPresent(tenant -> tenants.put(tenant.id(), tenant));
    }
    config.tenants().forEach(tenant -> tenants.put(tenant.id(), tenant));
    config.keys().forEach(key -> keys.put(key.id(), key));
    for (TenancyMark each : marks) {
      each.key().ifPresent(key -> keys.put(key.id(), key));
    }
    for (ApiKey key : keys.values()) {
      Tenant tenant = tenants.get(key.tenant());
      if (tenant != null) {
        byte[] sha256 = HexFormat.of().parseHex(key.sha256());
        byHash.put(start(sha256), new Entry(sha256, new Identity(tenant, Optional.of(key))));
      }
    }
    this.anonymous =
        tenant(TenantId.ANONYMOUS)
            .map(tenant -> new Identity(tenant, Optional.empty()))
            .orElse(Identity.ANONYMOUS);
  }

  /**
   * What a configuration and the marks of operators make together. Of a tenant the configuration
   * holds, of a key the mark: an operator may end one that the configuration has.
   *
   * @param isComplete whether there are no other marks, so that who is not in it is not known
   */
  public static Register of(
      TenancyConfig config, Collection<TenancyMark> marks, boolean isComplete) {
    return new Register(config, marks, isComplete);
  }

  /** What callers must show. */
  TenancyConfig.Auth auth() {
    return auth;
  }

  /** Whoever needs to show nothing. */
  Identity anonymous() {
    return anonymous;
  }

  /** A tenant by his id. */
  public Optional<Tenant> tenant(TenantId id) {
    return Optional.ofNullable(tenants.get(id));
  }

  /** All tenants, by id. */
  public List<Tenant> tenants() {
    return tenants.values().stream().sorted((a, b) -> a.id().compareTo(b.id())).toList();
  }

  /** A key by its id. */
  public Optional<ApiKey> key(String id) {
    return Optional.ofNullable(keys.get(id));
  }

  /** All keys, revoked and expired ones too, by tenant and age. */
  public List<ApiKey> keys() {
    return keys.values().stream()
        .sorted(
            (a, b) -> {
              int byTenant = a.tenant().compareTo(b.tenant());
              int byAge = Long.compare(a.createdEpochMillis(), b.createdEpochMillis());
              return byTenant != 0 ? byTenant : byAge != 0 ? byAge : a.id().compareTo(b.id());
            })
        .toList();
  }

  /** Whose key this is. */
  Verdict find(String secret, long epochMillis) {
    byte[] shown = Secrets.digest(secret);
    @Nullable Entry entry = byHash.get(start(shown));
    if (entry == null || !MessageDigest.isEqual(entry.sha256, shown)) {
      return isComplete
          ? Verdict.invalid("the API key that was sent is not known here")
          : new Verdict.Denied(
              Fault.KEYS_UNAVAILABLE,
              "the API key that was sent is not known here yet: this node has not been able to read"
                  + " the keys that the admin API has made",
              COMPLETE_WITHIN_MILLIS);
    }
    ApiKey key = entry.identity.key().orElseThrow();
    if (key.isLive(epochMillis)) {
      return new Verdict.Known(entry.identity);
    }
    return Verdict.invalid(
        "the API key '"
            + key.id()
            + (key.revoked()
                ? "' has been revoked"
                : "' expired at " + Instant.ofEpochMilli(key.expiresEpochMillis())));
  }

  private static long start(byte[] sha256) {
    long start = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      start = start << Byte.SIZE | sha256[i] & 0xff;
    }
    return start;
  }
}
