package io.penstock.ingress;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The latest estimates by the hash of their prompt, so many as fit into some memory; the one that
 * was not asked for the longest goes first. Pure. Two prompts of one 64-bit hash have one estimate:
 * at worst a tier that the other one would have had.
 */
final class Estimates {
  /** An entry of the map with its two boxes, and its share of the table. */
  static final int BYTES_EACH = 128;

  private static final float LOAD = 0.75f;

  private final int max;
  private final Map<Long, Double> byHash;

  /**
   * @param maxBytes less than {@link #BYTES_EACH} for none
   */
  Estimates(int maxBytes) {
    max = maxBytes / BYTES_EACH;
    byHash =
        new LinkedHashMap<>(16, LOAD, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<Long, Double> eldest) {
            return size() > max;
          }
        };
  }

  OptionalDouble of(long hash) {
    Double found = byHash.get(hash);
    return found == null ? OptionalDouble.empty() : OptionalDouble.of(found);
  }

  void put(long hash, double complexity) {
    byHash.put(hash, complexity);
  }

  int size() {
    return byHash.size();
  }
}
