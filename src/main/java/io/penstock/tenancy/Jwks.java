package io.penstock.tenancy;

import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;

/**
 * An issuer's public keys at one moment.
 *
 * @param of whose they are; empty where no tokens are believed
 * @param keys none before they were fetched
 * @param problem why there are none; empty when there are
 */
record Jwks(Optional<TenancyConfig.Jwt> of, List<JsonObject> keys, String problem) {
  static final Jwks NONE = new Jwks(Optional.empty(), List.of(), "");

  Jwks {
    keys = List.copyOf(keys);
  }

  boolean knows(String kid) {
    return keys.stream().anyMatch(key -> kid.equals(key.getString("kid")));
  }
}
