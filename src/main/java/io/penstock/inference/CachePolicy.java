package io.penstock.inference;

import java.util.Optional;

/** Whose answers a tenant's requests may be answered with from a cache. */
public enum CachePolicy {
  /** Nobody's. */
  NONE("none"),
  /** Those of the tenant's own requests. */
  TENANT("tenant"),
  /** Those of all tenants that share. */
  SHARED("shared");

  private final String label;

  CachePolicy(String label) {
    this.label = label;
  }

  /** The name in configuration and admin API. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<CachePolicy> of(String label) {
    for (CachePolicy each : values()) {
      if (each.label.equals(label)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  @Override
  public String toString() {
    return label;
  }
}
