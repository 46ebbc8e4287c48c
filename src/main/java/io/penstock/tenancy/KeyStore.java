package io.penstock.tenancy;

import io.penstock.bus.Done;
import io.penstock.bus.OrderException;
import io.penstock.inference.ApiKey;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.vertx.core.Future;
import java.time.Duration;

/**
 * What operators may do to tenants and keys, in the whole cluster. May be called from any thread.
 * All of it completes when this node goes by it, has told the others, and has tried to store it;
 * fails with {@link OrderException} when it is not to be done.
 */
public interface KeyStore {
  /**
   * A key that was made.
   *
   * @param secret shown here and never again
   */
  record Created(ApiKey key, String secret) {}

  /** As this node knows them; any thread. */
  Register now();

  /**
   * Makes a key.
   *
   * @param name for people; may be empty
   * @param life how long it opens; zero for ever
   */
  Future<Done<Created>> create(TenantId tenant, String name, Duration life, RateLimits limits);

  /** Ends a key, for new requests; those that run go on. */
  Future<Done<ApiKey>> revoke(String id);

  /**
   * Makes another key of the same tenant, name and limits.
   *
   * @param overlap how long the old one still opens
   */
  Future<Done<Created>> rotate(String id, Duration overlap);

  /** Takes a tenant in, or changes him. */
  Future<Done<Tenant>> put(Tenant tenant);

  /** Takes a tenant away; his keys open no more, not even when he is put again. */
  Future<Done<Tenant>> remove(TenantId id);

  /** Whether a tenant is of the configuration, and so not to be changed here. */
  boolean isConfigured(TenantId id);
}
