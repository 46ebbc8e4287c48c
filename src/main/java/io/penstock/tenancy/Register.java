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
import java.util.TreeMap;
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

  private record Entry(byte[] sha256, String id) {}

  /** When to ask again for a key that is not known yet. */
  private static final long COMPLETE_WITHIN_MILLIS = 5_000;

  /** What the configuration says, by id. */
  private record Configured(
      TenancyConfig.Auth auth, Map<TenantId, Tenant> tenants, Map<String, ApiKey> keys) {}

  private final Configured configured;
  private final boolean isComplete;
  private final Layers<TenantId, Optional<Tenant>> tenants; // empty: taken away
  private final Layers<TenantId, Long> lives; // stamps of removals
  private final Layers<String, ApiKey> keys;
  private final Layers<Long, Entry> byHash;
  private final int keyCount;
  private final Identity anonymous;

  private Register(
      Configured configured,
      boolean isComplete,
      Layers<TenantId, Optional<Tenant>> tenants,
      Layers<TenantId, Long> lives,
      Layers<String, ApiKey> keys,
      Layers<Long, Entry> byHash,
      int keyCount) {
    this.configured = configured;
    this.isComplete = isComplete;
    this.tenants = tenants;
    this.lives = lives;
    this.keys = keys;
    this.byHash = byHash;
    this.keyCount = keyCount;
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
    Map<TenantId, Tenant> tenants = new HashMap<>();
    config.tenants().forEach(tenant -> tenants.put(tenant.id(), tenant));
    Map<String, ApiKey> keys = new HashMap<>();
    config.keys().forEach(key -> keys.put(key.id(), key));
    Configured configured = new Configured(config.auth(), tenants, keys);
    return new Register(
            configured,
            isComplete,
            Layers.of(Map.of()),
            Layers.of(Map.of()),
            Layers.of(keys),
            Layers.of(hashes(keys)),
            keys.size())
        .with(marks);
  }

  /** With marks that are later than those of which it was made; O(log n) for each. */
  Register with(Collection<TenancyMark> marks) {
    Map<TenantId, Optional<Tenant>> changedTenants = new HashMap<>();
    Map<TenantId, Long> removals = new HashMap<>();
    Map<String, ApiKey> changedKeys = new HashMap<>();
    int added = 0;
    for (TenancyMark each : marks) {
      each.ofWhom().ifPresent(id -> changedTenants.put(id, each.tenant()));
      each.removed().ifPresent(id -> removals.put(id, each.stamp()));
      if (each.key().isPresent()) {
        ApiKey key = each.key().get();
        added += changedKeys.put(key.id(), key) == null && keys.get(key.id()) == null ? 1 : 0;
      }
    }
    return new Register(
        configured,
        isComplete,
        tenants.with(changedTenants),
        lives.with(removals),
        keys.with(changedKeys),
        byHash.with(hashes(changedKeys)),
        keyCount + added);
  }

  private static Map<Long, Entry> hashes(Map<String, ApiKey> keys) {
    Map<Long, Entry> hashes = new HashMap<>();
    for (ApiKey key : keys.values()) {
      byte[] sha256 = HexFormat.of().parseHex(key.sha256());
      hashes.put(start(sha256), new Entry(sha256, key.id()));
    }
    return hashes;
  }

  /** What callers must show. */
  TenancyConfig.Auth auth() {
    return configured.auth;
  }

  /** Whoever needs to show nothing. */
  Identity anonymous() {
    return anonymous;
  }

  /** A tenant by his id. */
  public Optional<Tenant> tenant(TenantId id) {
    @Nullable Tenant fixed = configured.tenants.get(id);
    if (fixed != null) {
      return Optional.of(fixed);
    }
    @Nullable Optional<Tenant> put = tenants.get(id);
    return put == null ? Optional.empty() : put;
  }

  /** All tenants, by id; O(n log n). */
  public List<Tenant> tenants() {
    Map<TenantId, Tenant> all = new TreeMap<>();
    tenants.all().forEach((id, put) -> put.ifPresent(tenant -> all.put(id, tenant)));
    all.putAll(configured.tenants);
    return List.copyOf(all.values());
  }

  /** The stamp of a tenant's last removal; 0 when there was none. Keys of before are ended. */
  long lifeOf(TenantId tenant) {
    @Nullable Long removed = lives.get(tenant);
    return removed == null ? 0 : removed;
  }

  /** A key by its id. */
  public Optional<ApiKey> key(String id) {
    return Optional.ofNullable(keys.get(id)).map(this::inThisLife);
  }

  /**
   * A removal was of the tenant that operators had put: keys that the configuration has for a
   * tenant of its own are not ended by it, whenever it was.
   */
  private ApiKey inThisLife(ApiKey key) {
    if (configured.tenants.containsKey(key.tenant()) && configured.keys.containsKey(key.id())) {
      return key;
    }
    return key.tenantLife() < lifeOf(key.tenant()) ? key.revokedNow() : key;
  }

  /** How many keys there are, revoked and expired ones too. */
  int keyCount() {
    return keyCount;
  }

  /** All keys, revoked and expired ones too, by tenant and age; O(n log n). */
  public List<ApiKey> keys() {
    return keys.all().values().stream()
        .map(this::inThisLife)
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
      return unknown();
    }
    ApiKey key = key(entry.id).orElseThrow();
    Optional<Tenant> tenant = tenant(key.tenant());
    if (tenant.isEmpty() && !key.revoked()) {
      return unknown();
    }
    if (tenant.isPresent() && key.isLive(epochMillis)) {
      return new Verdict.Known(new Identity(tenant.get(), Optional.of(key)));
    }
    return Verdict.invalid(
        "the API key '"
            + key.id()
            + (key.revoked()
                ? "' has been revoked"
                : "' expired at " + Instant.ofEpochMilli(key.expiresEpochMillis())));
  }

  private Verdict unknown() {
    return isComplete
        ? Verdict.invalid("the API key that was sent is not known here")
        : new Verdict.Denied(
            Fault.KEYS_UNAVAILABLE,
            "the API key that was sent is not known here yet: this node has not been able to read"
                + " the keys that the admin API has made",
            COMPLETE_WITHIN_MILLIS);
  }

  private static long start(byte[] sha256) {
    long start = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      start = start << Byte.SIZE | sha256[i] & 0xff;
    }
    return start;
  }
}
