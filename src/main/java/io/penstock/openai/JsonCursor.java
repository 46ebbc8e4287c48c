package io.penstock.openai;

import java.util.Arrays;

/**
 * Walks once over JSON in UTF-8 and checks its syntax (RFC 8259) on the way, without copying.
 *
 * <p>The caller drives it by structure: {@link #enterObject()}, then {@link #nextMember()} until
 * false, consuming exactly one value for each; arrays alike. The first mistake is kept and sends
 * the cursor to the end, where every further call does nothing and every loop stops; so a caller
 * asks {@link #failed()} once, after the walk.
 *
 * <p>Jackson's streaming parser was not taken: it looks at each byte of a prompt, and its byte
 * offsets end at the token, not at the comma that has to go with it. Strings, which most of a body
 * is, are {@link StringScan}'s.
 */
final class JsonCursor {
  /** Deeper documents are refused; bounds the recursion of {@link #skipValue()}. */
  static final int MAX_DEPTH = 256;

  /** The first byte of a value says what it is. */
  enum Kind {
    OBJECT("an object"),
    ARRAY("an array"),
    STRING("a string"),
    NUMBER("a number"),
    TRUE("true"),
    FALSE("false"),
    NULL("null"),
    /** No value stands here; the cursor has failed. */
    NONE("nothing");

    private final String article;

    Kind(String article) {
      this.article = article;
    }

    /** For messages: {@code an array}. */
    String article() {
      return article;
    }
  }

  private static final byte[] NOTHING = {};

  private static final byte[] TRUE = JsonText.ascii("true");
  private static final byte[] FALSE = JsonText.ascii("false");
  private static final byte[] NULL = JsonText.ascii("null");

  private final StringScan strings;

  private byte[] bytes = NOTHING;
  private int end;
  private int pos;
  private int depth;
  private boolean afterOpening;
  private int nameStart;
  private int nameEnd;
  private boolean nameEscaped;
  private int textStart;
  private int textEnd;
  private boolean textEscaped;
  private long integer;
  private boolean isInteger;
  private int failedAt = -1;
  private String expected = "";

  /**
   * A cursor over nothing; see {@link #reset}.
   *
   * @param strictUtf8 whether strings must be valid UTF-8
   */
  JsonCursor(boolean strictUtf8) {
    strings = new StringScan(strictUtf8);
  }

  /** Starts over, on the bytes from {@code from} to before {@code to}. */
  JsonCursor reset(byte[] document, int from, int to) {
    bytes = document;
    pos = from;
    end = to;
    depth = 0;
    afterOpening = false;
    failedAt = -1;
    expected = "";
    return this;
  }

  /** Starts over inside an object, before one of its members; it is the outermost. */
  void resetInsideObject(byte[] document, int from, int to) {
    reset(document, from, to);
    depth = 1;
    afterOpening = true;
  }

  boolean failed() {
    return failedAt >= 0;
  }

  /** Offset of the first mistake, or -1. */
  int failedAt() {
    return failedAt;
  }

  /** What would have been right there. */
  String expected() {
    return expected;
  }

  /** Offset of the next byte. */
  int position() {
    return pos;
  }

  /** What the next value is. */
  Kind peek() {
    skipWhitespace();
    if (pos == end) {
      fail(pos, "a value");
      return Kind.NONE;
    }
    switch (bytes[pos]) {
      case '{':
        return Kind.OBJECT;
      case '[':
        return Kind.ARRAY;
      case '"':
        return Kind.STRING;
      case 't':
        return Kind.TRUE;
      case 'f':
        return Kind.FALSE;
      case 'n':
        return Kind.NULL;
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
        return Kind.NUMBER;
      default:
        fail(pos, "a value");
        return Kind.NONE;
    }
  }

  /** Steps into the object that {@link #peek()} saw. */
  void enterObject() {
    enter();
  }

  /** Steps into the array that {@link #peek()} saw. */
  void enterArray() {
    enter();
  }

  private void enter() {
    if (failed()) {
      return;
    }
    if (++depth > MAX_DEPTH) {
      fail(pos, "nesting of at most " + MAX_DEPTH);
      return;
    }
    pos++;
    afterOpening = true;
  }

  /** Reads the next member's name and colon; false at the object's end, which is consumed. */
  boolean nextMember() {
    skipWhitespace();
    int at = pos;
    if (at == end) {
      return fail(at, afterOpening ? "a name in quotes or '}'" : "',' or '}'");
    }
    byte b = bytes[at];
    if (b == '}') {
      return leave();
    }
    if (!afterOpening) {
      if (b != ',') {
        return fail(at, "',' or '}'");
      }
      pos++;
      skipWhitespace();
      at = pos;
    }
    if (at == end || bytes[at] != '"') {
      return fail(at, afterOpening ? "a name in quotes or '}'" : "a name in quotes");
    }
    afterOpening = false;
    readString();
    nameStart = textStart;
    nameEnd = textEnd;
    nameEscaped = textEscaped;
    skipWhitespace();
    if (pos == end || bytes[pos] != ':') {
      return fail(pos, "':'");
    }
    pos++;
    return true;
  }

  /** Steps to the next element; false at the array's end, which is consumed. */
  boolean nextElement() {
    skipWhitespace();
    int at = pos;
    if (at == end) {
      return fail(at, afterOpening ? "a value or ']'" : "',' or ']'");
    }
    byte b = bytes[at];
    if (b == ']') {
      return leave();
    }
    if (afterOpening) {
      afterOpening = false;
      return true;
    }
    if (b != ',') {
      return fail(at, "',' or ']'");
    }
    pos++;
    return true;
  }

  private boolean leave() {
    pos++;
    depth--;
    afterOpening = false;
    return false;
  }

  /** Checks that nothing but whitespace follows. */
  void expectEnd() {
    skipWhitespace();
    if (pos != end) {
      fail(pos, "the end");
    }
  }

  /** Steps over the next value, whatever it is, and checks its syntax. */
  void skipValue() {
    switch (peek()) {
      case OBJECT -> {
        enterObject();
        while (nextMember()) {
          skipValue();
        }
      }
      case ARRAY -> {
        enterArray();
        while (nextElement()) {
          skipValue();
        }
      }
      case STRING -> readString();
      case NUMBER -> readNumber();
      case TRUE -> readLiteral(TRUE);
      case FALSE -> readLiteral(FALSE);
      case NULL -> readLiteral(NULL);
      case NONE -> {}
    }
  }

  /**
   * Steps over the array that {@link #peek()} saw, at the speed of a search where no other array is
   * in it: then its elements are taken to be the numbers that they should be.
   */
  void skipNumbers() {
    int close = failed() ? -1 : ByteSearch.indexOf(bytes, (byte) ']', pos, end);
    if (close < 0
        || ByteSearch.indexOf(bytes, (byte) '[', pos + 1, close) >= 0
        || ByteSearch.indexOf(bytes, (byte) '"', pos + 1, close) >= 0) {
      skipValue();
    } else {
      pos = close + 1;
    }
  }

  /** Reads the string that {@link #peek()} saw; see {@link #text()}. */
  void readString() {
    openString();
    closeString();
  }

  /** Steps into the string that {@link #peek()} saw, to have it copied; then close it. */
  StringScan openString() {
    if (failed()) {
      strings.openNothing();
    } else {
      strings.open(bytes, pos + 1, end);
    }
    return strings;
  }

  /** Goes on after the string that was opened. */
  void closeString() {
    int opened = failed() ? 0 : pos + 1;
    strings.skip();
    if (strings.failedAt() >= 0) {
      fail(strings.failedAt(), strings.expected());
    }
    textEscaped = strings.escaped();
    if (failed()) {
      textStart = 0;
      textEnd = 0;
    } else {
      textStart = opened;
      textEnd = strings.position();
      pos = textEnd + 1;
    }
  }

  /** Reads the number that {@link #peek()} saw; see {@link #integer()}. */
  void readNumber() {
    int at = pos;
    boolean negative = at < end && bytes[at] == '-';
    if (negative) {
      at++;
    }
    long value = 0;
    if (at < end && bytes[at] == '0') {
      at++;
    } else {
      int digits = at;
      for (; at < end && isDigit(bytes[at]); at++) {
        value = value > Integer.MAX_VALUE ? value : value * 10 + (bytes[at] - '0');
      }
      if (at == digits) {
        fail(at, "a digit");
        return;
      }
    }
    integer = negative ? -value : value;
    isInteger = true;
    if (at < end && bytes[at] == '.') {
      isInteger = false;
      at = digits(at + 1);
    }
    if (at < end && (bytes[at] | 0x20) == 'e') {
      isInteger = false;
      at++;
      if (at < end && (bytes[at] == '+' || bytes[at] == '-')) {
        at++;
      }
      at = digits(at);
    }
    if (!failed()) {
      pos = at;
    }
  }

  private int digits(int from) {
    int at = from;
    while (at < end && isDigit(bytes[at])) {
      at++;
    }
    if (at == from) {
      fail(at, "a digit");
    }
    return at;
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private void readLiteral(byte[] literal) {
    for (int i = 0; i < literal.length; i++) {
      if (pos + i == end || bytes[pos + i] != literal[i]) {
        fail(pos + i, "'" + JsonText.decode(literal, 0, literal.length) + "'");
        return;
      }
    }
    pos += literal.length;
  }

  /** Whether the current member has this name. */
  boolean nameIs(byte[] name) {
    if (nameEscaped) {
      return Arrays.equals(JsonText.unescape(bytes, nameStart, nameEnd), name);
    }
    return equals(nameStart, nameEnd, name);
  }

  /** Offset of the opening quote of the current member's name. */
  int nameOffset() {
    return nameStart - 1;
  }

  /** Offset of the closing quote of the current member's name. */
  int nameEnd() {
    return nameEnd;
  }

  /** Whether the string just read is this. */
  boolean textIs(byte[] text) {
    if (textEscaped) {
      return Arrays.equals(JsonText.unescape(bytes, textStart, textEnd), text);
    }
    return equals(textStart, textEnd, text);
  }

  private boolean equals(int from, int to, byte[] text) {
    if (to - from != text.length) {
      return false;
    }
    for (int i = 0; i < text.length; i++) {
      if (bytes[from + i] != text[i]) {
        return false;
      }
    }
    return true;
  }

  /** The string just read. */
  String text() {
    return textEscaped
        ? JsonText.decode(JsonText.unescape(bytes, textStart, textEnd))
        : JsonText.decode(bytes, textStart, textEnd);
  }

  /** Offset of the first byte between the quotes of the string just read. */
  int textStart() {
    return textStart;
  }

  /** Offset of the closing quote of the string just read. */
  int textEnd() {
    return textEnd;
  }

  /** Whether the string just read has escapes in it. */
  boolean textEscaped() {
    return textEscaped;
  }

  /** Whether the object or array that was opened at this offset and skipped has nothing in it. */
  boolean isEmptyContainer(int opened) {
    int at = opened + 1;
    while (at < pos - 1 && bytes[at] <= ' ') {
      at++;
    }
    return at >= pos - 1;
  }

  /** Whether the number just read has neither a fraction nor an exponent. */
  boolean isInteger() {
    return isInteger;
  }

  /**
   * The integer just read; beyond the range of {@code int} only its sign and being so are exact.
   */
  long integer() {
    return integer;
  }

  private void skipWhitespace() {
    byte[] in = bytes;
    int at = pos;
    int to = end;
    while (at < to) {
      byte b = in[at];
      if (b > ' ' || b != ' ' && b != '\n' && b != '\r' && b != '\t') {
        break;
      }
      at++;
    }
    pos = at;
  }

  private boolean fail(int at, String expectedThere) {
    if (failedAt < 0) {
      failedAt = at;
      expected = expectedThere;
    }
    pos = end;
    return false;
  }
}
