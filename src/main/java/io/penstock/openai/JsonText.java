package io.penstock.openai;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** Text to and from the inside of JSON strings. */
final class JsonText {
  private static final byte[] HEX = ascii("0123456789abcdef");

  private JsonText() {}

  static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }

  static String decode(byte[] utf8) {
    return new String(utf8, UTF_8);
  }

  static String decode(byte[] utf8, int from, int to) {
    return new String(utf8, from, to - from, UTF_8);
  }

  /** What a string's bytes mean; its syntax has been checked. A lone surrogate becomes U+FFFD. */
  static byte[] unescape(byte[] bytes, int from, int to) {
    StringBuilder text = new StringBuilder(to - from);
    int plain = from;
    int at = from;
    while (at < to) {
      if (bytes[at] != '\\') {
        at++;
        continue;
      }
      text.append(decode(bytes, plain, at));
      byte escape = bytes[at + 1];
      if (escape == 'u') {
        text.append((char) Integer.parseInt(decode(bytes, at + 2, at + 6), 16));
        at += 6;
      } else {
        text.append(unescape(escape));
        at += 2;
      }
      plain = at;
    }
    text.append(decode(bytes, plain, to));
    return text.toString().getBytes(UTF_8);
  }

  private static char unescape(byte escape) {
    return switch (escape) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      default -> (char) escape;
    };
  }

  /** The text as a JSON string, quotes included. */
  static byte[] quote(String text) {
    byte[] utf8 = text.getBytes(UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream(utf8.length + 16);
    out.write('"');
    for (byte b : utf8) {
      if (b == '"' || b == '\\') {
        out.write('\\');
        out.write(b);
      } else if (b == '\n') {
        out.write('\\');
        out.write('n');
      } else if (b >= 0 && b < ' ') {
        out.writeBytes(new byte[] {'\\', 'u', '0', '0', HEX[b >> 4], HEX[b & 15]});
      } else {
        out.write(b);
      }
    }
    out.write('"');
    return out.toByteArray();
  }

  /** The parts one after the other. */
  static byte[] concat(byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    byte[] whole = Arrays.copyOf(parts[0], length);
    int at = parts[0].length;
    for (int i = 1; i < parts.length; i++) {
      System.arraycopy(parts[i], 0, whole, at, parts[i].length);
      at += parts[i].length;
    }
    return whole;
  }

  /**
   * At most {@code max} characters of a text, cut between characters, with an ellipsis where
   * something is missing.
   */
  static String shorten(String text, int max) {
    if (text.length() <= max) {
      return text;
    }
    int cut = Character.isHighSurrogate(text.charAt(max - 1)) ? max - 1 : max;
    return text.substring(0, cut) + "…";
  }
}
