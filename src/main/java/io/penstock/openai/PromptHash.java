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

  private static final int BLOCKS_MAX = PromptBlocks.covered(PromptBlocks.HASHES_MAX);
  private static final long[] NOTHING = {};

  private final byte[] block = new byte[BLOCK_BYTES];
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

  /** The text between the quotes of a JSON string. */
  void text(byte[] bytes, int from, int to, boolean escaped) {
    int at = from;
    while (escaped && at < to && !isFull()) {
      int backslash = ByteSearch.indexOf(bytes, (byte) '\\', at, to);
      if (backslash < 0) {
        break;
      }
      plain(bytes, at, backslash);
      at = unescape(bytes, backslash, to);
    }
    plain(bytes, at, to);
  }

  /** Resolves one escape, or the two of a character outside the basic plane. */
  private int unescape(byte[] bytes, int at, int to) {
    int after = EscapedText.after(bytes, at, to);
    int unit = EscapedText.unit(bytes, at, to);
    if (Character.isHighSurrogate((char) unit) && after < to && bytes[after] == '\\') {
      int low = EscapedText.unit(bytes, after, to);
      if (low >= 0 && Character.isLowSurrogate((char) low)) {
        character(Character.toCodePoint((char) unit, (char) low));
        return EscapedText.after(bytes, after, to);
      }
    }
    character(unit);
    return after;
  }

  /** In UTF-8; a lone surrogate like any other unit, which is unlike all that can be written. */
  private void character(int point) {
    if (point < 0x80) {
      put(point);
    } else if (point < 0x800) {
      put(0xc0 | point >> 6);
      put(0x80 | point & 0x3f);
    } else if (point < 0x10000) {
      put(0xe0 | point >> 12);
      put(0x80 | point >> 6 & 0x3f);
      put(0x80 | point & 0x3f);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | point >> 12 & 0x3f);
      put(0x80 | point >> 6 & 0x3f);
      put(0x80 | point & 0x3f);
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
