package io.penstock.replay;

import io.penstock.load.Trace;
import io.penstock.load.TracedRequest;
import io.penstock.measure.Hash64;
import java.util.Arrays;

/**
 * The prompts of a trace as engines and routers see them: chained hashes of full blocks. A block of
 * the trace and one of the engines need not be of one size; the hash of an engine's block is of all
 * the trace's blocks in it, of where they are cut, and of everything before.
 *
 * <p>Each lap has hashes of its own, so that a second one finds nothing of the first.
 */
final class Prompts {
  /** Of traces that tell nothing of what their prompts share. */
  private static final int PLAIN_BLOCK_TOKENS = 64;

  /** Where the trace's blocks are of various sizes. */
  private static final int FINE_BLOCK_TOKENS = 16;

  private static final long[] NONE = {};

  private final Trace trace;
  private final int blockTokens;

  /**
   * @param blockTokens of the engines
   */
  Prompts(Trace trace, int blockTokens) {
    this.trace = trace;
    this.blockTokens = blockTokens;
  }

  /** The engines' block size that loses nothing of what the trace tells. */
  static int blockTokensOf(Trace trace) {
    int size = 0;
    for (TracedRequest row : trace.requests()) {
      for (int i = 0; i < row.blocks().length; i += 2) {
        int its = trace.blockTokens().applyAsInt(row.blocks()[i]);
        if (size != 0 && its != size) {
          return FINE_BLOCK_TOKENS;
        }
        size = its;
      }
    }
    return size == 0 ? PLAIN_BLOCK_TOKENS : Math.max(FINE_BLOCK_TOKENS, size);
  }

  /** Chained hashes of the prompt's full blocks, as far as the trace tells what is in them. */
  long[] hashes(TracedRequest row, long lap) {
    int full = row.inputTokens() / blockTokens;
    if (row.blocks().length == 0 || full == 0) {
      return NONE;
    }
    long[] hashes = new long[full];
    long chain = Hash64.mix(lap + 1);
    int done = 0;
    int room = blockTokens;
    int[] runs = row.blocks();
    for (int run = 0; run < runs.length; run += 2) {
      for (int i = 0; i < runs[run + 1]; i++) {
        int block = runs[run] + i;
        int left = trace.blockTokens().applyAsInt(block);
        int cut = 0;
        while (left > 0) {
          int take = Math.min(left, room);
          chain = Hash64.combine(chain, ((long) block << 20) + cut);
          cut += take;
          left -= take;
          room -= take;
          if (room == 0) {
            hashes[done++] = chain;
            room = blockTokens;
            if (done == full) {
              return hashes;
            }
          }
        }
      }
    }
    return Arrays.copyOf(hashes, done);
  }

  /**
   * Tokens of a prompt that are cached when its first so many blocks are; one is always computed.
   */
  int cachedTokens(int blocks, int promptTokens) {
    return Math.min(blocks, (promptTokens - 1) / blockTokens) * blockTokens;
  }
}
