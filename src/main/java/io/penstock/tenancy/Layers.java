package io.penstock.tenancy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An immutable map of which a changed one is made at little cost: it lies in layers, a later one
 * over those before it, each more than twice as large as the next. A change is a layer of its own,
 * and takes those into itself that are not. So an entry is copied O(log n) times in all, and there
 * are O(log n) layers to look through. This is the logarithmic method (Bentley and Saxe,
 * "Decomposable searching problems I: Static-to-dynamic transformation", 1980). Rejected: a hash
 * trie, which costs less to read and five times the code.
 */
final class Layers<K, V> {
  private final List<Map<K, V>> layers; // the oldest first

  private Layers(List<Map<K, V>> layers) {
    this.layers = layers;
  }

  static <K, V> Layers<K, V> of(Map<K, V> all) {
    return new Layers<>(all.isEmpty() ? List.of() : List.of(new HashMap<>(all)));
  }

  /** With these over what is there. */
  Layers<K, V> with(Map<K, V> changes) {
    if (changes.isEmpty()) {
      return this;
    }
    List<Map<K, V>> next = new ArrayList<>(layers);
    Map<K, V> top = changes;
    while (!next.isEmpty() && next.get(next.size() - 1).size() <= 2 * top.size()) {
      Map<K, V> below = next.remove(next.size() - 1);
      Map<K, V> both = new HashMap<>(2 * (below.size() + top.size()));
      both.putAll(below);
      both.putAll(top);
      top = both;
    }
    next.add(top == changes ? new HashMap<>(changes) : top);
    return new Layers<>(List.copyOf(next));
  }

  @Nullable V get(K key) {
    for (int i = layers.size() - 1; i >= 0; i--) {
      V found = layers.get(i).get(key);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** A copy of all of it; O(n). */
  Map<K, V> all() {
    Map<K, V> all = new HashMap<>();
    layers.forEach(all::putAll);
    return all;
  }

  /** How many there are to look through. */
  int depth() {
    return layers.size();
  }
}
