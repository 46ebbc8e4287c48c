package io.penstock.inference;

/** Argument checks whose message names the value, what was found and what was expected. */
public final class Checks {
  private Checks() {}

  /** Throws {@code name: found (expected: expected)} unless {@code ok}. */
  public static void require(boolean ok, String name, Object found, String expected) {
    if (!ok) {
      throw new IllegalArgumentException(name + ": " + found + " (expected: " + expected + ")");
    }
  }

  static void notBlank(String value, String name) {
    if (value.isBlank()) {
      throw new IllegalArgumentException(name + ": '" + value + "' (expected: not blank)");
    }
  }
}
