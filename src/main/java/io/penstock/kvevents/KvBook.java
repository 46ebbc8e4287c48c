package io.penstock.kvevents;

import java.util.Arrays;

/**
 * The blocks that one publisher's cache holds, by what it has said. Pure, bounded, one thread.
 *
 * <p>A hash may be there several times: an engine does not look whether an equal block is there
 * when one becomes full, and says of each that it is stored and that it is removed. So copies are
 * counted.
 *
 * <p><b>What the cache keeps.</b> Each block knows how many tokens its group had stored when it was
 * stored itself, so when it is removed it is known how many were stored since: its age, on a clock
 * that turns with what the engine stores. An engine takes the block that nobody has used for
 * longest, so the ages at which blocks go say how long a block stays that is used no more. Hits are
 * not told of, and make a block older than it would have become: {@link #keepsTokens} is the tenth
 * percentile of the last {@link #AGES} ages, not their mean.
 *
 * <p>One flat array of longs, three to the place: key, clock when stored, tokens and copies. Open
 * addressing with linear probing, at most three quarters full; deletion moves entries up (Knuth,
 * The art of computer programming 3, 6.4, algorithm R).
 */
final class KvBook {
  /** Most different blocks: of 16 tokens each, twelve million tokens. */
  static final int BLOCKS_MAX = (1 << 20) / 4 * 3;

  /** Groups of layers that are told apart; those beyond count as the last. */
  static final int GROUPS = 16;

  /** Last removals that are remembered. */
  static final int AGES = 512;

  private static final int PLACES_MIN = 256;
  private static final int WIDTH = 3;
  private static final long EMPTY = 0;
  private static final int GROUP_SHIFT = 24;
  private static final int COPIES_MASK = (1 << GROUP_SHIFT) - 1;

  private final int blocksMax;
  private long[] table = new long[WIDTH * PLACES_MIN];
  private int places = PLACES_MIN;
  private int distinct;
  private long blocks;
  private final long[] held = new long[GROUPS];
  private final long[] stored = new long[GROUPS];
  private long removed;
  private final long[] ages = new long[AGES];
  private long aged;

  KvBook() {
    this(BLOCKS_MAX);
  }

  /**
   * @param blocksMax most different blocks
   */
  KvBook(int blocksMax) {
    this.blocksMax = blocksMax;
  }

  /** Blocks that are held, every copy counted. */
  long blocks() {
    return blocks;
  }

  /** Tokens of them; of the group that holds most. */
  long tokens() {
    return Arrays.stream(held).max().orElse(0);
  }

  /** Tokens that were ever stored; of the group that stored most. Grows. */
  long storedTokens() {
    return stored[leading()];
  }

  /** Tokens, of all groups, that had to make room. Grows. */
  long removedTokens() {
    return removed;
  }

  /** See the class; -1 while no block that is known has had to make room. */
  long keepsTokens() {
    int count = (int) Math.min(aged, AGES);
    if (count == 0) {
      return -1;
    }
    long[] sorted = Arrays.copyOf(ages, count);
    Arrays.sort(sorted);
    return sorted[(count - 1) / 10];
  }

  /** Bytes that it takes. */
  long bytes() {
    return (long) table.length * Long.BYTES;
  }

  /**
   * A block was stored.
   *
   * @return false where the book is full and the block was left out
   */
  boolean store(long blockKey, int tokens, int ofGroup) {
    int group = Math.min(ofGroup, GROUPS - 1);
    long key = key(blockKey);
    int at = find(key);
    if (at < 0) {
      if (distinct >= blocksMax) {
        return false;
      }
      at = insert(key);
      table[at + 1] = stored[group];
      table[at + 2] = (long) tokens << Integer.SIZE | (long) group << GROUP_SHIFT;
    } else if (copies(table[at + 2]) == COPIES_MASK) {
      return false;
    }
    table[at + 2]++;
    blocks++;
    held[group(table[at + 2])] += tokens(table[at + 2]);
    stored[group] += tokens;
    return true;
  }

  /** A copy of a block had to make room; one that is not known is of the time before the book. */
  void remove(long blockKey) {
    int at = find(key(blockKey));
    if (at < 0) {
      return;
    }
    long what = table[at + 2];
    int group = group(what);
    int tokens = tokens(what);
    blocks--;
    held[group] -= tokens;
    removed += tokens;
    if (group == leading()) {
      ages[(int) (aged++ % AGES)] = stored[group] - table[at + 1];
    }
    if (copies(what) > 1) {
      table[at + 2]--;
    } else {
      delete(at);
    }
  }

  /** Nothing is held, or nothing is known to be: what was learned of removals is void too. */
  void clear() {
    table = new long[WIDTH * PLACES_MIN];
    places = PLACES_MIN;
    distinct = 0;
    blocks = 0;
    Arrays.fill(held, 0);
    aged = 0;
  }

  private int leading() {
    int leading = 0;
    for (int i = 1; i < GROUPS; i++) {
      leading = stored[i] > stored[leading] ? i : leading;
    }
    return leading;
  }

  private static int tokens(long what) {
    return (int) (what >>> Integer.SIZE);
  }

  private static int group(long what) {
    return (int) what >>> GROUP_SHIFT;
  }

  private static int copies(long what) {
    return (int) what & COPIES_MASK;
  }

  private static long key(long hash) {
    return hash == EMPTY ? 0x2545F4914F6CDD1DL : hash;
  }

  private int home(long key) {
    return WIDTH * ((int) (key * 0x9E3779B97F4A7C15L >>> 32) & places - 1);
  }

  private int next(int at) {
    return at + WIDTH == table.length ? 0 : at + WIDTH;
  }

  private int find(long key) {
    int at = home(key);
    while (table[at] != EMPTY) {
      if (table[at] == key) {
        return at;
      }
      at = next(at);
    }
    return -1;
  }

  private int insert(long key) {
    if (distinct >= places / 4 * 3) {
      grow();
    }
    distinct++;
    return place(key);
  }

  private int place(long key) {
    int at = home(key);
    while (table[at] != EMPTY) {
      at = next(at);
    }
    table[at] = key;
    return at;
  }

  private void grow() {
    long[] before = table;
    places *= 2;
    table = new long[WIDTH * places];
    for (int from = 0; from < before.length; from += WIDTH) {
      if (before[from] != EMPTY) {
        int to = place(before[from]);
        table[to + 1] = before[from + 1];
        table[to + 2] = before[from + 2];
      }
    }
  }

  private void delete(int place) {
    distinct--;
    int hole = place;
    int at = next(place);
    while (table[at] != EMPTY) {
      int home = home(table[at]);
      boolean reachable = hole <= at ? hole < home && home <= at : hole < home || home <= at;
      if (!reachable) {
        System.arraycopy(table, at, table, hole, WIDTH);
        hole = at;
      }
      at = next(at);
    }
    table[hole] = EMPTY;
  }
}
