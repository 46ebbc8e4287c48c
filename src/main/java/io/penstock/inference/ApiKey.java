package io.penstock.inference;

/**
 * What is known of a key. The secret itself is known to its holder alone.
 *
 * @param id by which people and the admin API call it; not secret
 * @param sha256 of the secret, in lower-case hexadecimal
 * @param name for people; may be empty
 * @param expiresEpochMillis from when on it is refused; 0 for never
 * @param revoked whether it is refused already
 * @param limits of all requests with this key, besides its tenant's
 * @param tenantLife stamp of its tenant's last removal before it was made; 0 when there was none. A
 *     later removal ends the key, also one that was not known where the key was made
 */
public record ApiKey(
    String id,
    TenantId tenant,
    String sha256,
    String name,
    long createdEpochMillis,
    long expiresEpochMillis,
    boolean revoked,
    RateLimits limits,
    long tenantLife) {

  /** Whether it opens at this time. */
  public boolean isLive(long epochMillis) {
    return !revoked && (expiresEpochMillis == 0 || epochMillis < expiresEpochMillis);
  }

  /** The same, refused from now on. */
  public ApiKey revokedNow() {
    return new ApiKey(
        id, tenant, sha256, name, createdEpochMillis, expiresEpochMillis, true, limits, tenantLife);
  }

  /** The same, refused from then on, or from the time it was to be refused if that is sooner. */
  public ApiKey until(long epochMillis) {
    long end = expiresEpochMillis == 0 ? epochMillis : Math.min(expiresEpochMillis, epochMillis);
    return new ApiKey(
        id, tenant, sha256, name, createdEpochMillis, end, revoked, limits, tenantLife);
  }
}
