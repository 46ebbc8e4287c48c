package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;

/**
 * What a prompt begins with, as hashes: two prompts whose first {@code n} hashes are equal begin
 * with the same text. The text is cut into blocks of equal length and each hash is chained, that is
 * of all blocks up to its own; what is left over at the end has none.
 *
 * <p>Of a long prompt not every block's hash is kept: of the first {@link #FINE} blocks each, of
 * the next as many every second, of the next twice as many every fourth, and so on. Since hashes
 * are chained that loses nothing but resolution, at most 3 % of the prompt's length, and as the
 * places do not depend on the length two prompts of any lengths can be compared. A prompt of a
 * million tokens, in blocks of 64, so has some three hundred hashes. Immutable.
 *
 * @see #covered
 */
public final class PromptBlocks {
  /** Of so many blocks each has its hash. */
  public static final int FINE = 64;

  /** Most hashes; what comes after the blocks of so many is not compared. */
  public static final int HASHES_MAX = 384;

  /** Most tokens of a block. */
  public static final int BLOCK_TOKENS_MAX = 1 << 16;

  /** Of a prompt that is not known, or shorter than a block. */
  public static final PromptBlocks NONE = new PromptBlocks(new long[0], 1);

  private static final int HALF_FINE = FINE / 2;
  private static final int HALF_FINE_BITS = Integer.numberOfTrailingZeros(HALF_FINE);

  private final long[] hashes;
  private final int blockTokens;

  private PromptBlocks(long[] hashes, int blockTokens) {
    require(
        blockTokens > 0 && blockTokens <= BLOCK_TOKENS_MAX,
        "blockTokens",
        blockTokens,
        "1.." + BLOCK_TOKENS_MAX);
    require(hashes.length <= HASHES_MAX, "hashes", hashes.length, "at most " + HASHES_MAX);
    this.hashes = hashes;
    this.blockTokens = blockTokens;
  }

  /**
   * Of a prompt whose every block's chained hash is known; takes those that are kept.
   *
   * @param chained of the first block, of the first two, and so on
   * @param blockTokens tokens of one block, by estimate
   */
  public static PromptBlocks of(long[] chained, int blockTokens) {
    Collector collector = new Collector();
    for (long each : chained) {
      collector.add(each);
    }
    return collector.blocks(blockTokens);
  }

  /** How many hashes there are. */
  public int size() {
    return hashes.length;
  }

  /** The hash at this place, counted from 0. */
  public long hash(int place) {
    return hashes[place];
  }

  /** Tokens of one block, by estimate. */
  public int blockTokens() {
    return blockTokens;
  }

  /** Of how many blocks, from the prompt's first, the first so many hashes speak. */
  public static int covered(int hashes) {
    if (hashes <= FINE) {
      return hashes;
    }
    int octave = (hashes - 1 - HALF_FINE) >>> HALF_FINE_BITS; // 1 for the first after the fine ones
    int begin = FINE << (octave - 1);
    int within = hashes - HALF_FINE - (octave << HALF_FINE_BITS);
    return begin + (within << octave);
  }

  /** Tokens that the first so many hashes speak of. */
  public int tokens(int first) {
    return (int) Math.min(Integer.MAX_VALUE, (long) covered(first) * blockTokens);
  }

  /** As text, for the bus: the tokens of a block, a colon, and the hashes in Base64. */
  public String text() {
    if (hashes.length == 0) {
      return "";
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(hashes.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(hashes);
    return blockTokens + ":" + Base64.getEncoder().encodeToString(bytes.array());
  }

  /**
   * What {@link #text} wrote; of hashes that are more than a node of this release keeps, the first.
   *
   * @throws IllegalArgumentException where it is none
   */
  public static PromptBlocks ofText(String text) {
    if (text.isEmpty()) {
      return NONE;
    }
    int colon = text.indexOf(':');
    require(colon > 0, "blocks", text, "tokens of a block, ':' and hashes in Base64");
    byte[] bytes = Base64.getDecoder().decode(text.substring(colon + 1));
    require(bytes.length % Long.BYTES == 0, "bytes of hashes", bytes.length, "a multiple of 8");
    long[] hashes = new long[Math.min(HASHES_MAX, bytes.length / Long.BYTES)];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(hashes);
    return new PromptBlocks(hashes, Integer.parseInt(text.substring(0, colon)));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PromptBlocks blocks
        && blocks.blockTokens == blockTokens
        && Arrays.equals(blocks.hashes, hashes);
  }

  @Override
  public int hashCode() {
    return 31 * blockTokens + Arrays.hashCode(hashes);
  }

  @Override
  public String toString() {
    return hashes.length + " hashes of blocks of " + blockTokens + " tokens";
  }

  /** Keeps, of all blocks' hashes as they come, those that count. */
  public static final class Collector {
    private long[] kept = new long[32];
    private int size;
    private int blocks;

    /** Takes the chained hash of the next block. */
    public void add(long hash) {
      blocks++;
      if (size == HASHES_MAX || blocks != covered(size + 1)) {
        return;
      }
      if (size == kept.length) {
        kept = Arrays.copyOf(kept, Math.min(HASHES_MAX, 2 * size));
      }
      kept[size++] = hash;
    }

    /** Whether further blocks change nothing. */
    public boolean isFull() {
      return size == HASHES_MAX;
    }

    /** All that has come. */
    public PromptBlocks blocks(int blockTokens) {
      return size == 0 ? NONE : new PromptBlocks(Arrays.copyOf(kept, size), blockTokens);
    }
  }
}
