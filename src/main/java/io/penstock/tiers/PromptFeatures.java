package io.penstock.tiers;

import io.penstock.measure.Hash64;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What can be seen of a prompt without understanding it: lengths, numbers, symbols, shapes of
 * questions, and which words it has. The same text has the same features on every node.
 *
 * <p>Words and pairs of neighbouring words are hashed into a table of a fixed size with a sign
 * (Weinberger et al., Feature hashing for large scale multitask learning, 2009), each counted once
 * and all together of length 1, so that long prompts do not shout.
 */
public final class PromptFeatures {
  /** Of a longer prompt, its last characters are looked at: questions stand at the end. */
  public static final int CHARS_MAX = 16_384;

  /** The names of the surface features, in their order. */
  public static final List<String> NAMES =
      List.of(
          "log_chars",
          "log_words",
          "log_sentences",
          "log_lines",
          "word_length",
          "long_word_share",
          "distinct_word_share",
          "upper_case_share",
          "digit_share",
          "log_numbers",
          "largest_number_digits",
          "log_math_symbols",
          "log_code_symbols",
          "punctuation_share",
          "non_ascii_share",
          "question_marks",
          "options",
          "asks_for_reasons",
          "asks_by_exclusion",
          "asks_how_many",
          "blanks");

  private static final String MATH = "+*/=^<>%$\\√∑∫≤≥±×÷∞π";
  private static final String CODE = "{}[]();`#_|&@";
  private static final String PUNCTUATION = ".,;:!?'\"()-";
  private static final int LONG_WORD_CHARS = 8;

  private static final Set<String> REASONS =
      Set.of("why", "explain", "prove", "show", "derive", "because", "therefore", "step", "argue");
  private static final Set<String> EXCLUSION =
      Set.of("not", "except", "least", "false", "incorrect", "never", "cannot", "unless");
  private static final Set<String> AMOUNTS =
      Set.of("many", "much", "total", "average", "percent", "each", "per", "calculate", "compute");

  private final double[] surface;
  private final int[] hashes;

  private PromptFeatures(double[] surface, int[] hashes) {
    this.surface = surface;
    this.hashes = hashes;
  }

  /** The surface features, in the order of {@link #NAMES}; not to be written to. */
  public double[] surface() {
    return surface;
  }

  /** Hashes of the words and pairs, each once, in ascending order; not to be written to. */
  public int[] hashes() {
    return hashes;
  }

  /** The place of a hash in a table of so many weights, a power of two. */
  public static int place(int hash, int size) {
    return hash & size - 1;
  }

  /** The value of a hash's feature, of so many in all. */
  public static double value(int hash, int count) {
    return (hash < 0 ? -1 : 1) / Math.sqrt(count);
  }

  /** The last characters of a text, none of which is cut in two. */
  public static String end(String text, int charsMax) {
    if (text.length() <= charsMax) {
      return text;
    }
    int from = text.length() - charsMax;
    return text.substring(Character.isLowSurrogate(text.charAt(from)) ? from + 1 : from);
  }

  /** Looks at a prompt. */
  public static PromptFeatures of(String prompt) {
    String text =
        prompt.length() > CHARS_MAX ? prompt.substring(prompt.length() - CHARS_MAX) : prompt;
    Counts counts = new Counts();
    for (int i = 0; i < text.length(); i++) {
      counts.take(text.charAt(i));
    }
    counts.endOfWord();
    return new PromptFeatures(counts.features(prompt.length()), counts.hashes());
  }

  /** One pass over the text. */
  private static final class Counts {
    private final StringBuilder word = new StringBuilder();
    private int[] hashes = new int[64];
    private int hashCount;
    private long before;
    private int chars;
    private int words;
    private int wordChars;
    private int longWords;
    private int sentences;
    private int lines = 1;
    private int upper;
    private int digits;
    private int numbers;
    private int numberDigits;
    private int largestNumber;
    private int math;
    private int code;
    private int punctuation;
    private int nonAscii;
    private int questions;
    private int options;
    private int reasons;
    private int exclusions;
    private int amounts;
    private int blanks;
    private char last = '\n';
    private char beforeLast = '\n';

    void take(char c) {
      chars++;
      if (Character.isLetterOrDigit(c)) {
        word.append(c);
        upper += Character.isUpperCase(c) ? 1 : 0;
      } else {
        option(c);
        endOfWord();
        mark(c);
      }
      digit(Character.isDigit(c));
      nonAscii += c > 127 ? 1 : 0;
      beforeLast = last;
      last = c;
    }

    private void digit(boolean is) {
      digits += is ? 1 : 0;
      numbers += is && numberDigits == 0 ? 1 : 0;
      numberDigits = is ? numberDigits + 1 : 0;
      largestNumber = Math.max(largestNumber, numberDigits);
    }

    /** A line that begins with one letter and a dot or a bracket. */
    private void option(char c) {
      boolean is = (c == '.' || c == ')') && beforeLast == '\n' && last >= 'A' && last <= 'J';
      options += is ? 1 : 0;
    }

    private void mark(char c) {
      boolean ends = c == '.' || c == '?' || c == '!';
      sentences += ends && last != c ? 1 : 0;
      questions += c == '?' ? 1 : 0;
      lines += c == '\n' ? 1 : 0;
      math += MATH.indexOf(c) >= 0 ? 1 : 0;
      code += CODE.indexOf(c) >= 0 ? 1 : 0;
      punctuation += PUNCTUATION.indexOf(c) >= 0 ? 1 : 0;
      blanks += c == '_' && last == '_' && beforeLast != '_' ? 1 : 0;
    }

    void endOfWord() {
      if (word.isEmpty()) {
        return;
      }
      String lower = word.toString().toLowerCase(Locale.ROOT);
      word.setLength(0);
      words++;
      wordChars += lower.length();
      longWords += lower.length() > LONG_WORD_CHARS ? 1 : 0;
      reasons += REASONS.contains(lower) ? 1 : 0;
      exclusions += EXCLUSION.contains(lower) ? 1 : 0;
      amounts += AMOUNTS.contains(lower) ? 1 : 0;
      long hash = Hash64.of(lower);
      add(hash);
      if (words > 1) {
        add(Hash64.combine(before, hash));
      }
      before = hash;
    }

    private void add(long hash) {
      if (hashCount == hashes.length) {
        hashes = Arrays.copyOf(hashes, 2 * hashCount);
      }
      hashes[hashCount++] = (int) (hash >>> 16);
    }

    int[] hashes() {
      return Arrays.stream(hashes, 0, hashCount).sorted().distinct().toArray();
    }

    double[] features(int length) {
      int[] distinct = hashes();
      double of = Math.max(1, chars);
      double ofWords = Math.max(1, words);
      return new double[] {
        Math.log1p(length),
        Math.log1p(words),
        Math.log1p(sentences),
        Math.log1p(lines),
        wordChars / ofWords,
        longWords / ofWords,
        distinct.length / Math.max(1.0, hashCount),
        upper / of,
        digits / of,
        Math.log1p(numbers),
        largestNumber,
        Math.log1p(math),
        Math.log1p(code),
        punctuation / of,
        nonAscii / of,
        questions,
        options,
        Math.log1p(reasons),
        Math.log1p(exclusions),
        Math.log1p(amounts),
        blanks
      };
    }
  }
}
