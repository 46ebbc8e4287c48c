package io.penstock.message;

import io.penstock.inference.ApiKey;
import io.penstock.inference.NodeId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import java.util.Optional;

/**
 * Somebody's word on a key or a tenant.
 *
 * @param target {@code key:} and its id, {@code tenant:} and his, or {@code removal:} and his
 * @param key as it is; a revoked one is still there, and says so
 * @param tenant as he is; empty, and the key too, where a tenant was taken away. That is said
 *     twice: of the tenant, which a later word makes undone, and of his removal, which nothing
 *     does, so that his keys of before stay ended whoever puts him again
 */
public record TenancyMark(
    String target, Optional<ApiKey> key, Optional<Tenant> tenant, long stamp, NodeId by)
    implements Mark {
  private static final String TENANT = "tenant:";
  private static final String REMOVAL = "removal:";

  /** The target that is a key. */
  public static String ofKey(String id) {
    return "key:" + id;
  }

  /** The target that is a tenant. */
  public static String ofTenant(TenantId id) {
    return TENANT + id;
  }

  /** The target that is the last removal of a tenant. */
  public static String ofRemoval(TenantId id) {
    return REMOVAL + id;
  }

  /** Whose last removal this is of. */
  public Optional<TenantId> removed() {
    return target.startsWith(REMOVAL)
        ? Optional.of(new TenantId(target.substring(REMOVAL.length())))
        : Optional.empty();
  }

  /** The tenant whom it is of; empty for one of a key or a removal. */
  public Optional<TenantId> ofWhom() {
    return target.startsWith(TENANT)
        ? Optional.of(new TenantId(target.substring(TENANT.length())))
        : Optional.empty();
  }
}
