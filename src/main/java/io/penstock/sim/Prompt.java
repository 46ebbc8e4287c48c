package io.penstock.sim;

import io.penstock.measure.Hash64;
import java.nio.charset.StandardCharsets;

/**
 * A prompt as the engine sees it.
 *
 * <p>The tokenizer is four bytes of UTF-8 to a token, near the four characters of English text that
 * real ones average; a prompt of token ids is taken as it is.
 *
 * @param tokens its length
 * @param hashes chained hashes of its full blocks of 16 tokens
 * @param cursor stands behind the prompt's last character; copy before use
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record Prompt(int tokens, long[] hashes, TextCursor cursor) {
  private static final int BYTES_PER_TOKEN = 4;

  static Prompt ofText(long seed, CharSequence text) {
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    int tokens = Math.max(1, tokens(bytes.length));
    int blockBytes = BYTES_PER_TOKEN * KvCache.BLOCK_TOKENS;
    long[] hashes = new long[bytes.length / blockBytes];
    long chain = 0;
    for (int block = 0; block < hashes.length; block++) {
      for (int i = block * blockBytes; i < (block + 1) * blockBytes; i++) {
        chain = (chain ^ bytes[i]) * 0x100000001b3L;
      }
      chain = Hash64.mix(chain);
      hashes[block] = chain;
    }
    return new Prompt(tokens, hashes, TextCursor.start(seed).read(text));
  }

  static Prompt ofIds(long seed, int[] ids) {
    long[] hashes = new long[ids.length / KvCache.BLOCK_TOKENS];
    long chain = 1;
    TextCursor cursor = TextCursor.start(seed);
    for (int i = 0; i < ids.length; i++) {
      chain = Hash64.combine(chain, ids[i]);
      if ((i + 1) % KvCache.BLOCK_TOKENS == 0) {
        hashes[i / KvCache.BLOCK_TOKENS] = chain;
      }
      cursor.read((char) ids[i]).read((char) (ids[i] >>> 16));
    }
    return new Prompt(ids.length, hashes, cursor.read('\n'));
  }

  private static int tokens(int bytes) {
    return (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
  }
}
