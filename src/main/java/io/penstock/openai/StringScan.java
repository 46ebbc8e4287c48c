package io.penstock.openai;

/**
 * Goes through one JSON string in UTF-8, checks its syntax (RFC 8259) and finds its end; on the way
 * its text can be copied with all escapes resolved, which costs less than to come back for them.
 *
 * <p>Eight bytes at a time are searched for the four things that matter: a quote, a backslash, a
 * control character and a byte outside ASCII. The test for a zero byte in a word is from Lamport,
 * Multiple byte processing with full-word instructions (1975); its lowest hit is exact, which is
 * the one used.
 */
final class StringScan {
  /** Bytes that {@link #copy} may write over the bound that it is given. */
  static final int SLACK = 16;

  private static final long QUOTE_TO_SPACE = ('"' ^ ' ') * ByteSearch.ONES;
  private static final long UP_TO_SPACE = (' ' + 1) * ByteSearch.ONES;
  private static final long BACKSLASHES = '\\' * ByteSearch.ONES;

  /** What a backslash and this byte stand for; 0 where that is not one byte, or nothing. */
  private static final byte[] SHORT_ESCAPES = shortEscapes();

  private final long outsideAscii;

  private byte[] bytes = {};
  private int end;
  private int pos;
  private boolean open;
  private boolean escaped;
  private int failedAt;
  private String expected = "";

  /**
   * @param strictUtf8 whether strings must be valid UTF-8
   */
  StringScan(boolean strictUtf8) {
    outsideAscii = strictUtf8 ? ByteSearch.HIGHS : 0;
  }

  private static byte[] shortEscapes() {
    byte[] escapes = new byte[256];
    String written = "\"\\/bfnrt";
    String meant = "\"\\/\b\f\n\r\t";
    for (int i = 0; i < written.length(); i++) {
      escapes[written.charAt(i)] = (byte) meant.charAt(i);
    }
    return escapes;
  }

  /** Begins after the opening quote; nothing at or after {@code to} is looked at. */
  void open(byte[] document, int from, int to) {
    bytes = document;
    pos = from;
    end = to;
    open = true;
    escaped = false;
    failedAt = -1;
  }

  /** Nothing is there to read. */
  void openNothing() {
    open(bytes, 0, 0);
    open = false;
  }

  /** Whether neither the closing quote nor a mistake has been met. */
  boolean isOpen() {
    return open;
  }

  /** Offset of the closing quote, where it has been met. */
  int position() {
    return pos;
  }

  /** Whether an escape has been met. */
  boolean escaped() {
    return escaped;
  }

  /** Offset of the first mistake, or -1. */
  int failedAt() {
    return failedAt;
  }

  /** What would have been right there. */
  String expected() {
    return expected;
  }

  /** Goes on to the end. */
  void skip() {
    byte[] in = bytes;
    int to = end;
    int at = pos;
    while (open) {
      while (at <= to - 8) {
        long hits = stops((long) ByteSearch.WORDS.get(in, at));
        if (hits != 0) {
          at += Long.numberOfTrailingZeros(hits) >>> 3;
          break;
        }
        at += 8;
      }
      if (at == to) {
        fail(to, "a closing quote");
        return;
      }
      byte b = in[at];
      if (b == '\\') {
        at = afterEscape(at);
      } else if (b == '"') {
        pos = at;
        open = false;
      } else {
        at = afterPlain(at, to);
      }
    }
  }

  /**
   * Goes on, and copies what is passed with all escapes resolved, until the string is over or
   * {@code out} is filled. A lone surrogate is written like any other unit, in three bytes that are
   * no UTF-8, so it is unlike all other text.
   *
   * @param filled where in {@code out} to write
   * @param full from there on nothing more is begun; {@link #SLACK} bytes more must be there
   * @return the offset after what was written
   */
  int copy(byte[] out, int filled, int full) {
    byte[] in = bytes;
    int to = end;
    int at = pos;
    int written = filled;
    while (open && written < full) {
      int words = Math.min(full - written + 7, to - at) & -8;
      int plain = copyPlain(in, at, out, written, words);
      at += plain;
      written += plain;
      if (at == to) {
        fail(to, "a closing quote");
      } else if (plain == words && words > 0) {
        continue;
      } else if (in[at] == '\\') {
        byte simple = at + 1 < to ? SHORT_ESCAPES[in[at + 1] & 0xff] : 0;
        if (simple == 0) {
          written = copyUnicode(at, out, written);
          at = pos;
        } else {
          escaped = true;
          out[written++] = simple;
          at += 2;
        }
      } else if (in[at] == '"') {
        open = false;
      } else {
        int next = afterPlain(at, Math.min(to, at + full - written));
        int run = Math.max(0, next - at);
        if (run <= 8 && at <= to - 8) {
          ByteSearch.WORDS.set(out, written, (long) ByteSearch.WORDS.get(in, at));
        } else {
          System.arraycopy(in, at, out, written, run);
        }
        written += run;
        at = next;
      }
    }
    pos = at;
    return written;
  }

  /**
   * Copies bytes up to the first at which a search must stop, and the rest of its word.
   *
   * @param most a multiple of 8
   * @return those before it
   */
  private int copyPlain(byte[] in, int from, byte[] out, int to, int most) {
    for (int i = 0; i < most; i += 8) {
      long word = (long) ByteSearch.WORDS.get(in, from + i);
      ByteSearch.WORDS.set(out, to + i, word);
      long hits = stops(word);
      if (hits != 0) {
        return i + (Long.numberOfTrailingZeros(hits) >>> 3);
      }
    }
    return most;
  }

  /** Copies the character of one escape by its number, or of two; goes on after it. */
  private int copyUnicode(int at, byte[] out, int written) {
    int next = afterEscape(at);
    if (next < 0) {
      return written;
    }
    int unit = EscapedText.unit(bytes, at, end);
    int low = Character.isHighSurrogate((char) unit) ? lowSurrogate(next) : -1;
    pos = low < 0 ? next : next + 6;
    return Utf8.put(low < 0 ? unit : Character.toCodePoint((char) unit, (char) low), out, written);
  }

  /** The second half of a character outside the basic plane; -1 where it does not follow. */
  private int lowSurrogate(int at) {
    if (at + 6 > end || bytes[at] != '\\' || bytes[at + 1] != 'u' || afterEscape(at) < 0) {
      return -1;
    }
    int unit = EscapedText.unit(bytes, at, end);
    return Character.isLowSurrogate((char) unit) ? unit : -1;
  }

  /**
   * The highest bit is set of the first byte at which a search must stop, if there is one, and of
   * none before it. A quote and a space are exchanged to have the quote beside the control
   * characters, so that one comparison finds both.
   */
  private long stops(long word) {
    long belowSpace = (word ^ QUOTE_TO_SPACE) - UP_TO_SPACE;
    long backslash = (word ^ BACKSLASHES) - ByteSearch.ONES;
    return (belowSpace | backslash) & ~word & ByteSearch.HIGHS | word & outsideAscii;
  }

  /** The offset after the escape that begins here; -1 after a mistake. */
  private int afterEscape(int at) {
    escaped = true;
    if (at + 1 == end) {
      return fail(end, "an escape after '\\'");
    }
    switch (bytes[at + 1]) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
        return at + 2;
      case 'u':
        for (int i = at + 2; i < at + 6; i++) {
          if (i == end || Character.digit(bytes[i], 16) < 0) {
            return fail(i, "four hexadecimal digits after '\\u'");
          }
        }
        return at + 6;
      default:
        return fail(at + 1, "one of \"\\/bfnrtu after '\\'");
    }
  }

  /**
   * The offset after a byte that is neither a quote nor a backslash, or after the characters
   * outside ASCII that begin here, one at least and none at or after {@code before}; -1 after a
   * mistake.
   */
  private int afterPlain(int from, int before) {
    if (bytes[from] >= 0 || outsideAscii == 0) {
      boolean control = bytes[from] >= 0 && bytes[from] < ' ';
      return control ? fail(from, "control characters escaped") : from + 1;
    }
    int at = from;
    while (at < before && bytes[at] < 0) {
      int length = Utf8.length(bytes, at, end);
      if (length == 0) {
        return fail(at, "valid UTF-8");
      }
      at += length;
    }
    return at;
  }

  private int fail(int at, String expectedThere) {
    open = false;
    failedAt = at;
    expected = expectedThere;
    return -1;
  }
}
