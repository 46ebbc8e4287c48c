package io.penstock.sim;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one choice says, token by token; its length is known from the start. */
final class Answer {
  /** A call of a tool instead of text; the answer's tokens are its arguments, after the first. */
  record ToolCall(String id, String name) {}

  private static final Token EMPTY = Token.of("");
  private static final int PIECE_CODE_POINTS = 4;

  private final int tokens;
  private final String finishReason;
  private final @Nullable ToolCall tool;
  private final @Nullable TextCursor cursor;
  private final List<Token> fixed;
  private int position;

  private Answer(
      int tokens,
      String finishReason,
      @Nullable ToolCall tool,
      @Nullable TextCursor cursor,
      List<Token> fixed) {
    this.tokens = tokens;
    this.finishReason = finishReason;
    this.tool = tool;
    this.cursor = cursor;
    this.fixed = fixed;
  }

  /** Exactly so many words, written when they are asked for. */
  static Answer words(TextCursor cursor, int tokens) {
    return new Answer(tokens, "length", null, cursor, List.of());
  }

  /** Words up to the text's own end, or to {@code most}. */
  static Answer natural(TextCursor cursor, int most) {
    TextCursor scout = cursor.copy();
    int tokens = 0;
    boolean ends = false;
    while (tokens < most && !ends) {
      scout.next();
      tokens++;
      ends = scout.atEnd();
    }
    return new Answer(tokens, ends ? "stop" : "length", null, cursor, List.of());
  }

  /**
   * Another answer cut before the first of these strings. The token that completes the string is
   * generated, its text is not shown; text of earlier tokens that belongs to the string is not
   * shown either, and neither is half of a surrogate pair.
   */
  static Answer cutAt(Answer whole, List<String> stops) {
    List<Token> shown = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    while (whole.position < whole.tokens) {
      Token token = whole.next();
      int before = text.length();
      text.append(token.text());
      shown.add(token);
      int cut = firstOf(text, stops, before);
      if (cut >= 0) {
        int end = cut > 0 && Character.isHighSurrogate(text.charAt(cut - 1)) ? cut - 1 : cut;
        return new Answer(shown.size(), "stop", null, null, trim(shown, end));
      }
    }
    return new Answer(shown.size(), whole.finishReason, null, null, shown);
  }

  private static int firstOf(StringBuilder text, List<String> stops, int before) {
    int first = -1;
    for (String stop : stops) {
      int at = text.indexOf(stop, Math.max(0, before - stop.length() + 1));
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  private static List<Token> trim(List<Token> tokens, int length) {
    List<Token> trimmed = new ArrayList<>(tokens.size());
    int left = length;
    for (Token token : tokens) {
      int shown = Math.min(left, token.text().length());
      trimmed.add(
          shown == token.text().length() ? token : Token.of(token.text().substring(0, shown)));
      left -= shown;
    }
    return trimmed;
  }

  /** A fixed text, such as JSON, cut at {@code most} tokens. */
  static Answer fixed(String text, int most) {
    List<Token> pieces = pieces(text);
    return pieces.size() <= most
        ? new Answer(pieces.size(), "stop", null, null, pieces)
        : new Answer(most, "length", null, null, pieces.subList(0, most));
  }

  /** A tool call: one token for its name, then its arguments. */
  static Answer tool(ToolCall call, String arguments, int most) {
    List<Token> pieces = new ArrayList<>();
    pieces.add(EMPTY);
    pieces.addAll(pieces(arguments));
    return pieces.size() <= most
        ? new Answer(pieces.size(), "tool_calls", call, null, pieces)
        : new Answer(most, "length", call, null, pieces.subList(0, most));
  }

  private static List<Token> pieces(String text) {
    List<Token> pieces = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      int points = Math.min(PIECE_CODE_POINTS, text.codePointCount(from, text.length()));
      int to = text.offsetByCodePoints(from, points);
      pieces.add(Token.of(text.substring(from, to)));
      from = to;
    }
    if (pieces.isEmpty()) {
      pieces.add(EMPTY);
    }
    return pieces;
  }

  /** How many tokens it takes to say it. */
  int tokens() {
    return tokens;
  }

  /** {@code stop}, {@code length} or {@code tool_calls}. */
  String finishReason() {
    return finishReason;
  }

  @Nullable ToolCall tool() {
    return tool;
  }

  /** Whether the next token is the last. */
  boolean atLast() {
    return position == tokens - 1;
  }

  /** The next token; {@link #tokens()} times. */
  Token next() {
    if (position == tokens) {
      throw new IllegalStateException("token " + position + " (expected: < " + tokens + ")");
    }
    Token token = cursor != null ? cursor.next() : fixed.get(position);
    position++;
    return token;
  }

  /** All that is left of it as text. */
  String rest() {
    StringBuilder text = new StringBuilder();
    while (position < tokens) {
      text.append(next().text());
    }
    return text.toString();
  }
}
