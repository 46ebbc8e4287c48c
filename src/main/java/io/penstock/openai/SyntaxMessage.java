package io.penstock.openai;

/** Says where a body is not JSON, and why. */
final class SyntaxMessage {
  private SyntaxMessage() {}

  /**
   * The sentence for the client.
   *
   * @param at offset of the first byte that is wrong; the body's length where it ended too early
   */
  static String of(byte[] body, int at, String expected) {
    int line = 1;
    int column = 1;
    for (int i = 0; i < at; i++) {
      if (body[i] == '\n') {
        line++;
        column = 1;
      } else if ((body[i] & 0xc0) != 0x80) { // the first byte of a character
        column++;
      }
    }
    String where = "line " + line + ", column " + column + " (byte " + at + ")";
    return "body: not JSON at "
        + where
        + ": found "
        + found(body, at)
        + " (expected: "
        + expected
        + ")";
  }

  private static String found(byte[] body, int at) {
    if (at == body.length) {
      return "the end of the body";
    }
    int b = body[at] & 0xff;
    if (b > ' ' && b < 0x7f) {
      return "'" + (char) b + "'";
    }
    return String.format("the byte 0x%02x", b);
  }
}
