package io.penstock.load;

/**
 * What was seen of an answer.
 *
 * @param ending its outcome
 * @param detail why, in a few fixed words that can be counted; empty when {@code ok}
 * @param contents frames with content
 * @param promptTokens as the server counted them; -1 when it did not say
 * @param completionTokens as the server counted them; -1 when it did not say
 */
record Verdict(
    Ending ending, String detail, int contents, long promptTokens, long completionTokens) {
  /** An answer that never began. */
  static Verdict of(Ending ending, String detail) {
    return new Verdict(ending, detail, 0, -1, -1);
  }

  /** The same figures with another ending. */
  Verdict as(Ending newEnding, String newDetail) {
    return new Verdict(newEnding, newDetail, contents, promptTokens, completionTokens);
  }
}
