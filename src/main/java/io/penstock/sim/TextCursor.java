package io.penstock.sim;

import io.penstock.measure.Hash64;

/**
 * Writes text word by word, each word a function of all characters before it, prompt included.
 *
 * <p>That is how a language model behaves at temperature 0, and it gives for free what a resumed
 * stream needs: whoever is handed the prompt and the first half of an answer writes the second half
 * that the first engine would have written. That holds without the white space at the half's end,
 * too, which templates trim: no word ends with any, and where a line ends the new one is a token of
 * its own that always follows. The state is a rolling FNV-1a hash and the last two characters.
 */
final class TextCursor {
  private static final long PRIME = 0x100000001b3L;
  private static final long END_SALT = 0x2545f4914f6cdd1dL;

  /** In 4 of 64 words a sentence ends; after such a word the text ends with this chance in 16. */
  private static final int END_OF_16 = 4;

  private static final String[] WORDS = {
    "the",
    "water",
    "turbine",
    "gate",
    "flows",
    "pressure",
    "rises",
    "slowly",
    "through",
    "steel",
    "and",
    "valley",
    "power",
    "quiet",
    "river",
    "a",
    "is",
    "of",
    "to",
    "in",
    "opens",
    "closes",
    "holds",
    "stone",
    "dam",
    "spillway",
    "rotor",
    "blade",
    "megawatt",
    "hour",
    "night",
    "morning",
    "naïve",
    "größer",
    "façade",
    "Übung",
    "señal",
    "Ω",
    "∑",
    "→",
    "日本",
    "水力",
    "発電",
    "вода",
    "плотина",
    "ملف",
    "🚀",
    "💧",
    "👩‍🔧",
    "“quoted”",
    "\"plain\"",
    "back\\slash",
    "tab\there",
    "42",
    "3.14",
    "x=1",
    "{}",
    "[DONE]",
    "data:",
    "</s>",
    "done.",
    "again.",
    "so.",
    "終わり."
  };

  /** What always follows the last word: a token of nothing but white space. */
  private static final Token NEW_LINE = Token.of("\n");

  private static final char BEFORE_FULL_STOP = 'り';

  private static final Token[] TOKENS = new Token[WORDS.length * 2];

  static {
    for (int i = 0; i < WORDS.length; i++) {
      TOKENS[2 * i] = Token.of(WORDS[i]);
      TOKENS[2 * i + 1] = Token.of(" " + WORDS[i]);
    }
  }

  private long state;
  private char last;
  private char beforeLast;

  private TextCursor(long state, char last, char beforeLast) {
    this.state = state;
    this.last = last;
    this.beforeLast = beforeLast;
  }

  /** At the beginning of everything. */
  static TextCursor start(long seed) {
    return new TextCursor(Hash64.mix(seed ^ PRIME), '\n', '\n');
  }

  TextCursor copy() {
    return new TextCursor(state, last, beforeLast);
  }

  /** A number for all text so far. */
  long hash() {
    return Hash64.mix(state);
  }

  /** Another answer to the same text: choice 0 is the text's own. */
  TextCursor choice(int index) {
    return index == 0 ? copy() : new TextCursor(Hash64.combine(state, index), last, beforeLast);
  }

  /** Goes over text that somebody else wrote. */
  TextCursor read(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      read(text.charAt(i));
    }
    return this;
  }

  TextCursor read(char c) {
    state = (state ^ c) * PRIME;
    beforeLast = last;
    last = c;
    return this;
  }

  /** Whether the text ends here of itself. */
  boolean atEnd() {
    boolean sentence = last == '.' && beforeLast != BEFORE_FULL_STOP || last == '\n';
    return sentence && (Hash64.mix(state ^ END_SALT) & 15) < END_OF_16;
  }

  /** Writes the next word. */
  Token next() {
    if (last == '.' && beforeLast == BEFORE_FULL_STOP) {
      read(NEW_LINE.text());
      return NEW_LINE;
    }
    int word = (int) Long.remainderUnsigned(Hash64.mix(state), WORDS.length);
    Token token = TOKENS[2 * word + (Character.isWhitespace(last) ? 0 : 1)];
    read(token.text());
    return token;
  }
}
