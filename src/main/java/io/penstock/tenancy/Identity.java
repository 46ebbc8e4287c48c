package io.penstock.tenancy;

import io.penstock.inference.ApiKey;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import java.util.Optional;

/**
 * Who is asking.
 *
 * @param key that was shown; empty for the bearer of a token and for those who need none
 */
public record Identity(Tenant tenant, Optional<ApiKey> key) {
  /** Of whom nothing is known, and who may have everything. */
  public static final Identity ANONYMOUS =
      new Identity(Tenant.of(TenantId.ANONYMOUS), Optional.empty());

  /** What its key limits, besides its tenant. */
  RateLimits keyLimits() {
    return key.map(ApiKey::limits).orElse(RateLimits.NONE);
  }
}
