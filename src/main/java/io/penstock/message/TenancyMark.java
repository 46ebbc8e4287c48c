package io.penstock.message;

import io.penstock.inference.ApiKey;
import io.penstock.inference.NodeId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import java.util.Optional;

/**
 * Somebody's word on a key or a tenant.
 *
 * @param target {@code key:} and its id, or {@code tenant:} and his
 * @param key as it is; a revoked one is still there, and says so
 * @param tenant as he is; empty, and the key too, where a tenant was taken away
 */
public record TenancyMark(
    String target, Optional<ApiKey> key, Optional<Tenant> tenant, long stamp, NodeId by)
    implements Mark {
  /** The target that is a key. */
  public static String ofKey(String id) {
    return "key:" + id;
  }

  /** The target that is a tenant. */
  public static String ofTenant(TenantId id) {
    return "tenant:" + id;
  }
}
