package io.penstock.replay;

import java.util.Arrays;

/** What happens when: numbers by time, those of one time in the order in which they were added. */
final class EventHeap {
  private long[] nanos = new long[64];
  private long[] orders = new long[64];
  private int[] whats = new int[64];
  private int size;
  private long added;

  boolean isEmpty() {
    return size == 0;
  }

  /** When the first one is; {@link Source#NEVER} when there is none. */
  long nextNanos() {
    return size == 0 ? Source.NEVER : nanos[0];
  }

  void add(long atNanos, int what) {
    if (size == nanos.length) {
      nanos = Arrays.copyOf(nanos, 2 * size);
      orders = Arrays.copyOf(orders, 2 * size);
      whats = Arrays.copyOf(whats, 2 * size);
    }
    long order = added++;
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (nanos[parent] <= atNanos) {
        break; // of one time the older stays above
      }
      move(parent, at);
      at = parent;
    }
    put(at, atNanos, order, what);
  }

  /** Takes the first one. */
  int take() {
    if (size == 0) {
      throw new IllegalStateException("events: 0 (expected: at least one)");
    }
    int taken = whats[0];
    size--;
    long time = nanos[size];
    long order = orders[size];
    int what = whats[size];
    int at = 0;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && isBefore(child + 1, child)) {
        child++;
      }
      if (time < nanos[child] || (time == nanos[child] && order < orders[child])) {
        break;
      }
      move(child, at);
      at = child;
    }
    put(at, time, order, what);
    return taken;
  }

  private boolean isBefore(int a, int b) {
    return nanos[a] != nanos[b] ? nanos[a] < nanos[b] : orders[a] < orders[b];
  }

  private void move(int from, int to) {
    put(to, nanos[from], orders[from], whats[from]);
  }

  private void put(int at, long time, long order, int what) {
    nanos[at] = time;
    orders[at] = order;
    whats[at] = what;
  }
}
