package io.penstock.tenancy;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;

/** Fetches the keys that an issuer of tokens publishes. */
public interface JwksSource {
  /**
   * The JWK set at an address.
   *
   * @return fails with a message in a few words
   */
  Future<JsonObject> fetch(String url);
}
