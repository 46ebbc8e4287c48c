package io.penstock.batcher;

import io.penstock.inference.PromptBlocks;

/**
 * What one replica's prefix cache is taken to hold: the hashes of the blocks of the prompts that it
 * was given, the least recently used leaving first, bounded in bytes.
 *
 * <p>A prompt's blocks are touched from its last to its first, so that a block never leaves before
 * those that come after it in a prompt. Hence what is held of a prompt is always a beginning of it,
 * and how long that is can be searched for instead of walked through: {@link #known} looks where
 * the caller guesses first, and an answer that is right away costs two look-ups whatever the
 * length.
 *
 * <p>Each entry knows when it was touched last, on a clock that counts the tokens the replica has
 * read since: an engine drops blocks when others need their room, so that {@link #age} says how
 * likely a block is still there whatever the replica's memory is.
 *
 * <p>One flat array of longs, three to the entry: the hash, the places of its two neighbours in
 * order of use, the time. Open addressing with linear probing, at most three quarters full;
 * deletion moves entries up (Knuth, The art of computer programming 3, 6.4, algorithm R), so that
 * there are no gravestones. It doubles with its content up to its bound. A map from the JDK takes
 * three to five times as much, and boxes each hash.
 */
final class PrefixIndex {
  /** Bytes of one place. */
  static final int PLACE_BYTES = 3 * Long.BYTES;

  private static final int PLACES_MIN = 64;
  private static final int NOWHERE = -1;
  private static final long EMPTY = 0;

  private final int placesMax;
  private long[] table;
  private int places;
  private int size;
  private int newest = NOWHERE;
  private int oldest = NOWHERE;

  /**
   * @param bytesMax most that its table takes; the greatest power of two of places within is used.
   *     While it doubles, the one before, half as large, is there too
   */
  PrefixIndex(long bytesMax) {
    long most = Math.max(PLACES_MIN, Math.min(1 << 26, bytesMax / PLACE_BYTES));
    this.placesMax = (int) Long.highestOneBit(most);
    this.places = PLACES_MIN;
    this.table = new long[3 * places];
  }

  /** Hashes that it holds. */
  int size() {
    return size;
  }

  /** Most that it can hold. */
  int sizeMax() {
    return placesMax / 4 * 3;
  }

  /** What its table takes now. */
  long bytes() {
    return (long) places * PLACE_BYTES;
  }

  /** Most that its table ever takes, but for the moment in which it doubles. */
  long bytesMax() {
    return (long) placesMax * PLACE_BYTES;
  }

  /** Forgets all. */
  void clear() {
    places = PLACES_MIN;
    table = new long[3 * places];
    size = 0;
    newest = NOWHERE;
    oldest = NOWHERE;
  }

  /**
   * How many hashes, from the prompt's first on, it holds.
   *
   * @param guess looked at first
   */
  int known(PromptBlocks prompt, int guess) {
    int low = 0; // held
    int high = prompt.size() + 1; // not held
    int step = 1;
    int probe = Math.min(Math.max(guess, 0), prompt.size());
    if (probe > 0 && !holds(prompt.hash(probe - 1))) {
      high = probe;
      while (high > 1) {
        int at = Math.max(1, high - step);
        if (holds(prompt.hash(at - 1))) {
          low = at;
          break;
        }
        high = at;
        step *= 4;
      }
    } else {
      low = probe;
      while (low < high - 1) {
        int at = Math.min(high - 1, low + step);
        if (!holds(prompt.hash(at - 1))) {
          high = at;
          break;
        }
        low = at;
        step *= 4;
      }
    }
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (holds(prompt.hash(middle - 1))) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * How many of the first hashes, which it holds, are no older than so much; where they are of one
   * age, as they are mostly, one look-up.
   */
  int youngerThan(PromptBlocks prompt, int known, double ageMax, int clock) {
    if (known == 0 || age(prompt.hash(known - 1), clock) <= ageMax) {
      return known;
    }
    int low = 0;
    int high = known;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (age(prompt.hash(middle - 1), clock) <= ageMax) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  boolean holds(long hash) {
    return find(key(hash)) >= 0;
  }

  /** Since a hash that it holds was touched, on the caller's clock; 0 for one that it does not. */
  long age(long hash, int clock) {
    int at = find(key(hash));
    return at < 0 ? 0 : Integer.toUnsignedLong(clock - (int) table[at + 2]);
  }

  /** The replica is given a prompt. */
  void touch(PromptBlocks prompt, int clock) {
    for (int i = Math.min(prompt.size(), sizeMax()) - 1; i >= 0; i--) {
      touch(key(prompt.hash(i)), clock);
    }
  }

  private void touch(long key, int clock) {
    int at = find(key);
    if (at < 0) {
      at = insert(key);
    } else if (at == newest) {
      table[at + 2] = clock;
      return;
    } else {
      unlink(at);
    }
    table[at + 2] = clock;
    linkFirst(at);
  }

  /** Zero stands for an empty place. */
  private static long key(long hash) {
    return hash == EMPTY ? 1 : hash;
  }

  private int home(long key) {
    return 3 * ((int) (key * 0x9E3779B97F4A7C15L >>> 32) & places - 1);
  }

  private int next(int at) {
    return at + 3 == table.length ? 0 : at + 3;
  }

  private int find(long key) {
    int at = home(key);
    while (true) {
      long found = table[at];
      if (found == key) {
        return at;
      }
      if (found == EMPTY) {
        return NOWHERE;
      }
      at = next(at);
    }
  }

  private int insert(long key) {
    if (size >= places / 4 * 3) {
      if (places < placesMax) {
        grow();
      } else {
        remove(oldest);
      }
    }
    int at = home(key);
    while (table[at] != EMPTY) {
      at = next(at);
    }
    table[at] = key;
    size++;
    return at;
  }

  private void grow() {
    long[] before = table;
    int at = oldest;
    places *= 2;
    table = new long[3 * places];
    size = 0;
    newest = NOWHERE;
    oldest = NOWHERE;
    while (at != NOWHERE) {
      int to = insert(before[at]);
      table[to + 2] = before[at + 2];
      linkFirst(to);
      at = newer(before[at + 1]);
    }
  }

  /** Takes an entry out and moves up what a search from its home would no more find. */
  private void remove(int place) {
    unlink(place);
    size--;
    int hole = place;
    int at = place;
    while (true) {
      at = next(at);
      long key = table[at];
      if (key == EMPTY) {
        break;
      }
      int home = home(key);
      boolean reachable = hole <= at ? hole < home && home <= at : hole < home || home <= at;
      if (!reachable) {
        move(at, hole);
        hole = at;
      }
    }
    table[hole] = EMPTY;
  }

  private void move(int from, int to) {
    table[to] = table[from];
    table[to + 1] = table[from + 1];
    table[to + 2] = table[from + 2];
    int newer = newer(table[to + 1]);
    int older = older(table[to + 1]);
    if (newer == NOWHERE) {
      newest = to;
    } else {
      table[newer + 1] = links(newer(table[newer + 1]), to);
    }
    if (older == NOWHERE) {
      oldest = to;
    } else {
      table[older + 1] = links(to, older(table[older + 1]));
    }
  }

  private void linkFirst(int at) {
    table[at + 1] = links(NOWHERE, newest);
    if (newest == NOWHERE) {
      oldest = at;
    } else {
      table[newest + 1] = links(at, older(table[newest + 1]));
    }
    newest = at;
  }

  private void unlink(int at) {
    int newer = newer(table[at + 1]);
    int older = older(table[at + 1]);
    if (newer == NOWHERE) {
      newest = older;
    } else {
      table[newer + 1] = links(newer(table[newer + 1]), older);
    }
    if (older == NOWHERE) {
      oldest = newer;
    } else {
      table[older + 1] = links(newer, older(table[older + 1]));
    }
  }

  private static long links(int newer, int older) {
    return (long) newer << 32 | older & 0xffffffffL;
  }

  private static int newer(long links) {
    return (int) (links >> 32);
  }

  private static int older(long links) {
    return (int) links;
  }
}
