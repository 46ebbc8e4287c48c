package io.penstock.inference;

import java.util.Optional;

/** How a tier is chosen for a request that asks for none. */
public enum TierStrategy {
  /** By what the request may take and cost, then by how complex it is. */
  SELECT_TIER("select_tier"),
  /** The cheapest whose quality, less what complexity takes from it, is enough. */
  COST_OPTIMIZED("cost_optimized");

  private final String label;

  TierStrategy(String label) {
    this.label = label;
  }

  /** The name in configuration. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<TierStrategy> of(String label) {
    for (TierStrategy each : values()) {
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
