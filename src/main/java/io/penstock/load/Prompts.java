package io.penstock.load;

import io.penstock.measure.Hash64;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.IntUnaryOperator;

/**
 * Text of about as many tokens as asked, at a few nanoseconds a token.
 *
 * <p>One token is one word of 256 short English words, followed by a space: in the vocabularies of
 * the common tokenizers each is a token of its own, and their mean of four characters agrees with
 * whoever estimates four characters a token. Eight bits of a 64-bit hash choose a word.
 *
 * <p>A prefix block's text depends on the seed, the lap and the block's id alone, so that equal
 * blocks are equal bytes; what no block covers is different for each request. The text needs no
 * escaping in JSON.
 */
final class Prompts {
  private static final byte[][] WORDS = words();
  private static final long REMAINDER = 0x7265737420616c6cL;

  private final long seed;
  private final IntUnaryOperator blockTokens;

  Prompts(long seed, IntUnaryOperator blockTokens) {
    this.seed = Hash64.mix(seed);
    this.blockTokens = blockTokens;
  }

  /** Appends the prompt of a request, cut to {@code tokensMax}. */
  void write(Planned planned, int tokensMax, ByteArrayOutputStream out) {
    int left = Math.max(1, Math.min(planned.request().inputTokens(), tokensMax));
    int[] blocks = planned.request().blocks();
    for (int run = 0; run < blocks.length && left > 0; run += 2) {
      for (int i = 0; i < blocks[run + 1] && left > 0; i++) {
        int id = blocks[run] + i;
        int tokens = Math.min(left, blockTokens.applyAsInt(id));
        write(Hash64.combine(seed + planned.lap(), id), tokens, out);
        left -= tokens;
      }
    }
    write(Hash64.combine(seed ^ REMAINDER, planned.index()), left, out);
  }

  private static void write(long textSeed, int tokens, ByteArrayOutputStream out) {
    long bits = 0;
    for (int i = 0; i < tokens; i++) {
      bits = (i & 7) == 0 ? Hash64.combine(textSeed, i) : bits >>> 8;
      byte[] word = WORDS[(int) (bits & 255)];
      out.write(word, 0, word.length);
    }
  }

  private static byte[][] words() {
    String all =
        "act add age ago aid aim air all am an and any are arm art as ask at ate back bad bag "
            + "ban bar bat bay be bed bet big bit bow box boy bus but buy by cab can cap car cat "
            + "cop cow cry cup cut dad day did die dig do dog dot dry due dye ear eat egg end even "
            + "eye fan far fat fee few fig fit fix fly fog for from fun fur gap gas get go gun gut "
            + "guy had ham hand has hat have hay he hen her hid him hip his hit hot how hub hut ice "
            + "if ill in ink into ion is it its jam jar jaw jet job joy key kid kit lab lap law lay "
            + "led leg let lie life lip lit log lot low mad man map mat may me men met mix mob mom "
            + "more most mud my net new no not now nut oak odd of off oil old on one or our out "
            + "over owe own pad pan part pay pen per pet pie pig pin pit pop pot put ran raw red "
            + "rib rid rim rod row rub run sad said sat saw say sea see set she sir sit six sky so "
            + "son such sum sun tag tax tea ten that the them then they this tie time tin tip to "
            + "toe ton too top toy try two up us use van via war was way we web wet when who why "
            + "will with work year you";
    String[] words = all.split(" ");
    byte[][] bytes = new byte[words.length][];
    for (int i = 0; i < words.length; i++) {
      bytes[i] = (words[i] + " ").getBytes(StandardCharsets.US_ASCII);
    }
    return bytes;
  }
}
