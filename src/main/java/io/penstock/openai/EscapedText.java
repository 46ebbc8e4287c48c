package io.penstock.openai;

/**
 * Looks at text as it stands between the quotes of a JSON string, escapes and all, without decoding
 * it.
 */
final class EscapedText {
  private EscapedText() {}

  /** The offset after the last character that is not white space; {@code from} where all is. */
  static int trimmedEnd(byte[] bytes, int from, int to) {
    int end = from;
    int at = from;
    while (at < to) {
      int next = after(bytes, at, to);
      if (!isWhiteSpace(unit(bytes, at, to))) {
        end = next;
      }
      at = next;
    }
    return end;
  }

  /** Whether it ends between the two escapes of a character outside the basic plane. */
  static boolean endsWithinPair(byte[] bytes, int from, int to) {
    int last = -1;
    for (int at = from; at < to; at = after(bytes, at, to)) {
      last = unit(bytes, at, to);
    }
    return last >= Character.MIN_HIGH_SURROGATE && last <= Character.MAX_HIGH_SURROGATE;
  }

  /** The UTF-16 unit that an escape stands for, or the character; -1 for what is no UTF-8. */
  static int unit(byte[] bytes, int at, int to) {
    int b = bytes[at];
    if (b == '\\') {
      return escaped(bytes, at, to);
    }
    if (b >= 0) {
      return b;
    }
    int length = after(bytes, at, to) - at;
    int value = length == 2 ? b & 0x1f : length == 3 ? b & 0x0f : length == 4 ? b & 0x07 : -1;
    for (int i = 1; i < length; i++) {
      value = value << 6 | bytes[at + i] & 0x3f;
    }
    return value;
  }

  private static int escaped(byte[] bytes, int at, int to) {
    if (at + 1 >= to) {
      return -1;
    }
    return switch (bytes[at + 1]) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> at + 6 <= to ? hex(bytes, at + 2) : -1;
      default -> bytes[at + 1];
    };
  }

  private static int hex(byte[] bytes, int at) {
    int value = 0;
    for (int i = at; i < at + 4; i++) {
      value = value << 4 | Character.digit(bytes[i], 16);
    }
    return value;
  }

  /** The offset after the character, or the escape, that begins at {@code at}. */
  static int after(byte[] bytes, int at, int to) {
    int b = bytes[at] & 0xff;
    int length = 1;
    if (b == '\\') {
      length = at + 1 < to && bytes[at + 1] == 'u' ? 6 : 2;
    } else if (b >= 0xc2) {
      length = b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 1;
      for (int i = 1; i < length; i++) {
        if (at + i >= to || (bytes[at + i] & 0xc0) != 0x80) {
          return at + 1;
        }
      }
    }
    return Math.min(to, at + length);
  }

  /**
   * What Python's {@code str.strip()} takes for white space, which is what the templates call: the
   * Unicode property White_Space and U+001C to U+001F.
   */
  static boolean isWhiteSpace(int c) {
    return switch (c) {
      case '\t', '\n', 0x0b, '\f', '\r', 0x1c, 0x1d, 0x1e, 0x1f, ' ', 0x85, 0xa0 -> true;
      case 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
      default -> c >= 0x2000 && c <= 0x200a;
    };
  }
}
