package io.penstock.config;

/**
 * Something that can be, but that an operator will probably regret. Never an error.
 *
 * @param path the key that it is about
 * @param text what may happen, and what to do about it
 */
public record Advice(String path, String text) {
  /** {@code fleet.pools[0].replicas: one replica: …}. */
  @Override
  public String toString() {
    return path + ": " + text;
  }
}
