package io.penstock.sim;

import java.util.Arrays;

/**
 * The blocks in which an engine keeps keys and values, shared by sequences with equal prefixes.
 *
 * <p>A full block of prompt carries a chained hash: the hash of its own tokens and of all before
 * it, so equal hash means equal prefix. A block that nobody holds any more keeps its content and
 * goes to the tail of the free list; it is found again by hash until it comes up at the head and is
 * given to somebody else. That is vLLM's automatic prefix caching: the free list is the LRU list.
 *
 * <p>All operations are constant time and allocate nothing. Belongs to one thread.
 */
final class KvCache {
  /** Tokens per block, unless told otherwise. */
  static final int BLOCK_TOKENS = 16;

  private static final int NONE = -1;

  private final KvListener listener;
  private final int blockTokens;
  private final int capacity;
  private final int[] holders;
  private final long[] hash;
  private final boolean[] published;
  // The free list, circular through a sentinel at index capacity; head = longest unused.
  private final int[] prev;
  private final int[] next;
  private int free;
  private long evictions;

  // Open addressing with linear probing over the published blocks; at most half full.
  private final int[] table;
  private final int mask;

  KvCache(int blocks) {
    this(blocks, BLOCK_TOKENS);
  }

  KvCache(int blocks, int blockTokens) {
    this(blocks, blockTokens, KvListener.NONE);
  }

  KvCache(int blocks, int blockTokens, KvListener listener) {
    this.listener = listener;
    this.blockTokens = blockTokens;
    capacity = blocks;
    holders = new int[blocks];
    hash = new long[blocks];
    published = new boolean[blocks];
    prev = new int[blocks + 1];
    next = new int[blocks + 1];
    for (int i = 0; i <= blocks; i++) {
      prev[i] = i == 0 ? blocks : i - 1;
      next[i] = i == blocks ? 0 : i + 1;
    }
    free = blocks;
    table = new int[Integer.highestOneBit(Math.max(2, blocks)) * 4];
    mask = table.length - 1;
    Arrays.fill(table, NONE);
  }

  /** Blocks needed to hold so many tokens. */
  int blocksFor(int tokens) {
    return (tokens + blockTokens - 1) / blockTokens;
  }

  /** Tokens per block. */
  int blockTokens() {
    return blockTokens;
  }

  int capacity() {
    return capacity;
  }

  /** Blocks that nobody holds, cached content included. */
  int free() {
    return free;
  }

  /** Cached blocks that were given to somebody else. */
  long evictions() {
    return evictions;
  }

  /** How many of the first {@code limit} hashes are present, up to the first gap. */
  int cachedPrefix(long[] hashes, int limit) {
    int end = Math.min(limit, hashes.length);
    int i = 0;
    while (i < end && find(hashes[i]) != NONE) {
      i++;
    }
    return i;
  }

  /** How many of the first {@code count} hashes, all present, lie on the free list. */
  int idleAmong(long[] hashes, int count) {
    int idle = 0;
    for (int i = 0; i < count; i++) {
      if (holders[find(hashes[i])] == 0) {
        idle++;
      }
    }
    return idle;
  }

  /** Takes a share of the block with this hash, which must be present. */
  int share(long blockHash) {
    int block = find(blockHash);
    if (holders[block]++ == 0) {
      unlink(block);
    }
    return block;
  }

  /** Takes the longest unused block; its cached content is lost. There must be a free one. */
  int allocate() {
    int block = next[capacity];
    if (block == capacity) {
      throw new IllegalStateException("free blocks: 0 (expected: >= 1 before allocate)");
    }
    unlink(block);
    if (published[block]) {
      published[block] = false;
      remove(block);
      evictions++;
      listener.removed(hash[block]);
    }
    holders[block] = 1;
    return block;
  }

  /** Makes a full block findable, unless an equal one is already. */
  void publish(int block, long blockHash) {
    if (!published[block] && find(blockHash) == NONE) {
      published[block] = true;
      hash[block] = blockHash;
      int slot = slot(blockHash);
      while (table[slot] != NONE) {
        slot = (slot + 1) & mask;
      }
      table[slot] = block;
      listener.stored(blockHash);
    }
  }

  /**
   * Forgets all content.
   *
   * @return false, with nothing done, while somebody holds a block
   */
  boolean clear() {
    if (free < capacity) {
      return false;
    }
    Arrays.fill(published, false);
    Arrays.fill(table, NONE);
    listener.cleared();
    return true;
  }

  /** Gives one share back; the last one puts the block at the tail of the free list. */
  void release(int block) {
    if (--holders[block] == 0) {
      int tail = prev[capacity];
      next[tail] = block;
      prev[block] = tail;
      next[block] = capacity;
      prev[capacity] = block;
      free++;
    }
  }

  private void unlink(int block) {
    next[prev[block]] = next[block];
    prev[next[block]] = prev[block];
    free--;
  }

  private int find(long blockHash) {
    int slot = slot(blockHash);
    while (table[slot] != NONE) {
      if (hash[table[slot]] == blockHash) {
        return table[slot];
      }
      slot = (slot + 1) & mask;
    }
    return NONE;
  }

  /** Backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R): no tombstones to clean up. */
  private void remove(int block) {
    int hole = slot(hash[block]);
    while (table[hole] != block) {
      hole = (hole + 1) & mask;
    }
    int probe = hole;
    while (true) {
      probe = (probe + 1) & mask;
      int candidate = table[probe];
      if (candidate == NONE) {
        break;
      }
      int home = slot(hash[candidate]);
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        table[hole] = candidate;
        hole = probe;
      }
    }
    table[hole] = NONE;
  }

  private int slot(long blockHash) {
    return (int) (blockHash ^ (blockHash >>> 32)) & mask;
  }
}
