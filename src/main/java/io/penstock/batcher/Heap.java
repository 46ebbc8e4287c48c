package io.penstock.batcher;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A binary heap whose elements know their places in it, so that any of them leaves or moves in
 * O(log n), without the search or the garbage of the heaps of the JDK.
 */
abstract class Heap<T> {
  /** Place of what is in no heap. */
  static final int NOWHERE = -1;

  private final List<T> items = new ArrayList<>();

  /** The order; between two of which neither is before the other it does not matter. */
  abstract boolean isBefore(T a, T b);

  abstract int place(T item);

  abstract void place(T item, int at);

  int size() {
    return items.size();
  }

  /** The first of all; null when there is none. */
  @Nullable T first() {
    return items.isEmpty() ? null : items.get(0);
  }

  /** The one at a place, from 0; in no order but that the first is the first. */
  T at(int place) {
    return items.get(place);
  }

  void add(T item) {
    items.add(item);
    place(item, items.size() - 1);
    rise(item);
  }

  void remove(T item) {
    int at = place(item);
    T last = items.remove(items.size() - 1);
    place(item, NOWHERE);
    if (last != item) {
      items.set(at, last);
      place(last, at);
      moved(last);
    }
  }

  /** What its order goes by has changed. */
  void moved(T item) {
    rise(item);
    sink(item);
  }

  private void rise(T item) {
    int at = place(item);
    while (at > 0) {
      int above = (at - 1) >>> 1;
      T parent = items.get(above);
      if (!isBefore(item, parent)) {
        break;
      }
      items.set(at, parent);
      place(parent, at);
      at = above;
    }
    items.set(at, item);
    place(item, at);
  }

  private void sink(T item) {
    int at = place(item);
    int size = items.size();
    for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(items.get(child + 1), items.get(child))) {
        child++;
      }
      T lesser = items.get(child);
      if (!isBefore(lesser, item)) {
        break;
      }
      items.set(at, lesser);
      place(lesser, at);
      at = child;
    }
    items.set(at, item);
    place(item, at);
  }
}
