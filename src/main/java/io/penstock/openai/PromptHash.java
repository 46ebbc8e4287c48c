package io.penstock.openai;

import io.penstock.inference.PromptBlocks;
import io.penstock.measure.Hash64;
import io.penstock.measure.XxHash64;
import java.util.Arrays;

/**
 * Hashes a prompt's text, as it comes piece by piece, in blocks of {@link #BLOCK_BYTES}, each
 * together with all before it. Escapes of JSON are resolved, so that what engines take for the same
 * text has the same hashes however a client wrote it.
 */
final class PromptHash {
  /** 64 tokens by the estimate of four bytes each; engines cache in blocks of 16 to 64 tokens. */
  static final int BLOCK_BYTES = 256;

  /** Text is copied, with its escapes resolved, up to so many bytes before they are hashed. */
  private static final int COPIED_MAX = 4 * BLOCK_BYTES;

  private static final int BLOCKS_MAX = PromptBlocks.covered(PromptBlocks.HASHES_MAX);
  private static final long[] NOTHING = {};

  private final byte[] block = new byte[COPIED_MAX + StringScan.SLACK];
  private int filled;
  private long chain;
  private long[] hashes = NOTHING;
  private int blocks;

  /** Forgets all. */
  void reset() {
    filled = 0;
    chain = 0;
    blocks = 0;
  }

  /** Whether what comes changes nothing any more. */
  private boolean isFull() {
    return blocks == BLOCKS_MAX;
  }

  /** Reads the string that the cursor stands at, whose text comes next. */
  void string(JsonCursor in) {
    StringScan text = in.openString();
    while (text.isOpen() && !isFull()) {
      filled = text.copy(block, filled, COPIED_MAX);
      hashWhole();
    }
    in.closeString();
  }

  private void hashWhole() {
    int at = 0;
    for (; filled - at >= BLOCK_BYTES && !isFull(); at += BLOCK_BYTES) {
      hash(block, at);
    }
    if (at > 0) {
      filled = isFull() ? 0 : filled - at;
      System.arraycopy(block, at, block, 0, filled);
    }
  }

  /** Bytes as they are. */
  void plain(byte[] bytes, int from, int to) {
    int at = from;
    while (at < to && !isFull()) {
      if (filled == 0 && to - at >= BLOCK_BYTES) {
        hash(bytes, at);
        at += BLOCK_BYTES;
      } else {
        int take = Math.min(to - at, BLOCK_BYTES - filled);
        System.arraycopy(bytes, at, block, filled, take);
        filled += take;
        at += take;
        flushIfFull();
      }
    }
  }

  /** A boundary between two parts of the prompt, which no text can imitate. */
  void mark(byte kind) {
    put(0xff); // never in UTF-8
    put(kind);
  }

  /** A token's id; as long as a token by the estimate. */
  void token(long id) {
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      put((int) (id >>> shift));
    }
  }

  /**
   * Something that is not text, like an image by its address; it takes the room of its tokens.
   *
   * @param roomBytes the tokens by estimate, as bytes of text
   */
  void thing(byte[] bytes, int from, int to, int roomBytes) {
    long hash = XxHash64.of(bytes, from, to - from, 0);
    for (int i = 0; i < roomBytes && !isFull(); i++) {
      put((int) (hash >>> (i & 7) * Byte.SIZE));
    }
  }

  private void put(int value) {
    if (!isFull()) {
      block[filled++] = (byte) value;
      flushIfFull();
    }
  }

  private void flushIfFull() {
    if (filled == BLOCK_BYTES) {
      hash(block, 0);
      filled = 0;
    }
  }

  private void hash(byte[] bytes, int from) {
    chain = XxHash64.of(bytes, from, BLOCK_BYTES, chain);
    if (blocks == hashes.length) {
      hashes = Arrays.copyOf(hashes, Math.min(BLOCKS_MAX, Math.max(32, 2 * blocks)));
    }
    hashes[blocks++] = chain;
  }

  /** All that has come, the part that is no whole block included, as one hash. */
  private long whole() {
    return XxHash64.of(block, 0, filled, chain);
  }

  /**
   * What has come.
   *
   * @param before what stands before it in the prompt, though it may come later in the body
   * @param salt of a cache that is not shared with requests of another; 0 for the common one
   * @param blockTokens tokens of a block
   */
  PromptBlocks blocks(PromptHash before, long salt, int blockTokens) {
    boolean first = before.blocks == 0 && before.filled == 0;
    if (first && salt == 0) {
      return PromptBlocks.of(Arrays.copyOf(hashes, blocks), blockTokens);
    }
    int own = Math.min(blocks, BLOCKS_MAX - before.blocks);
    long[] all = Arrays.copyOf(before.hashes, before.blocks + own);
    long begin = first ? salt : Hash64.combine(salt, before.whole());
    for (int i = 0; i < all.length; i++) {
      all[i] =
          i < before.blocks
              ? Hash64.combine(salt, before.hashes[i])
              : Hash64.combine(begin, hashes[i - before.blocks]);
    }
    return PromptBlocks.of(all, blockTokens);
  }
}
