package io.penstock.replay;

import java.util.Arrays;

/**
 * Hashes in the order of their last use, and the places they have; at most so many, or without
 * bound.
 */
final class LongTable {
  private static final int NOWHERE = -1;
  private static final int FIRST_SIZE = 1 << 10;

  private final int entriesMax;
  private long[] keys = new long[FIRST_SIZE];

  /** The list of use, circular through a sentinel at index 0; next of it = longest unused. */
  private int[] before = new int[FIRST_SIZE];

  private int[] after = new int[FIRST_SIZE];
  private int[] slots;
  private int mask;
  private int size;

  /**
   * @param entriesMax beyond it the one that was not used for the longest time is forgotten
   */
  LongTable(int entriesMax) {
    this.entriesMax = entriesMax;
    slots = new int[2 * FIRST_SIZE];
    mask = slots.length - 1;
    Arrays.fill(slots, NOWHERE);
  }

  int size() {
    return size;
  }

  /** How many of the first hashes are there, up to the first that is not. */
  int prefix(long[] hashes) {
    int n = 0;
    while (n < hashes.length && slots[slotOf(hashes[n])] != NOWHERE) {
      n++;
    }
    return n;
  }

  /** Uses all of them, the last first, so that a prompt's beginning is forgotten last. */
  void use(long[] hashes) {
    for (int i = hashes.length - 1; i >= 0; i--) {
      use(hashes[i]);
    }
  }

  private void use(long hash) {
    int slot = slotOf(hash);
    int entry = slots[slot];
    if (entry != NOWHERE) {
      unlink(entry);
    } else if (size == entriesMax) {
      entry = after[0];
      unlink(entry);
      remove(slotOf(keys[entry]));
      slot = slotOf(hash);
      keys[entry] = hash;
      slots[slot] = entry;
    } else {
      entry = ++size;
      grow();
      keys[entry] = hash;
      slots[slotOf(hash)] = entry;
    }
    int newest = before[0];
    after[newest] = entry;
    before[entry] = newest;
    after[entry] = 0;
    before[0] = entry;
  }

  private void unlink(int entry) {
    after[before[entry]] = after[entry];
    before[after[entry]] = before[entry];
  }

  private void grow() {
    if (size < keys.length) {
      return;
    }
    keys = Arrays.copyOf(keys, 2 * keys.length);
    before = Arrays.copyOf(before, keys.length);
    after = Arrays.copyOf(after, keys.length);
    slots = new int[2 * keys.length];
    mask = slots.length - 1;
    Arrays.fill(slots, NOWHERE);
    for (int entry = 1; entry < size; entry++) {
      slots[slotOf(keys[entry])] = entry;
    }
  }

  /** Where the hash is, or would be. */
  private int slotOf(long hash) {
    int slot = (int) (hash ^ (hash >>> 32)) & mask;
    while (slots[slot] != NOWHERE && keys[slots[slot]] != hash) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R). */
  private void remove(int freed) {
    int hole = freed;
    int probe = hole;
    while (true) {
      probe = (probe + 1) & mask;
      if (slots[probe] == NOWHERE) {
        break;
      }
      long key = keys[slots[probe]];
      int home = (int) (key ^ (key >>> 32)) & mask;
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        slots[hole] = slots[probe];
        hole = probe;
      }
    }
    slots[hole] = NOWHERE;
  }
}
