package io.penstock.admin;

import java.util.Optional;

/**
 * Where the admin API listens and who may use it.
 *
 * @param key what callers must show; absent only where {@code host} is the loopback
 */
public record AdminConfig(String host, int port, Optional<String> key) {
  /** Without the key. */
  @Override
  public String toString() {
    return host + ":" + port + (key.isPresent() ? " with a key" : " without a key");
  }
}
