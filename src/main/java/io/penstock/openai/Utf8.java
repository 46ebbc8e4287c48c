package io.penstock.openai;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Characters of more than one byte (RFC 3629), looked at as one {@code int} each. */
final class Utf8 {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private Utf8() {}

  /**
   * The bytes of the character outside ASCII that begins at {@code at}, or 0 where none does or it
   * goes on after {@code end}.
   */
  static int length(byte[] bytes, int at, int end) {
    int word = at <= end - Integer.BYTES ? (int) INTS.get(bytes, at) : last(bytes, at, end);
    int lead = word & 0xff;
    int second = word >>> 8 & 0xff;
    if (lead < 0xe0) {
      return lead >= 0xc2 && (word & 0xc000) == 0x8000 ? 2 : 0;
    }
    if (lead < 0xf0) {
      boolean shortest = lead != 0xe0 || second >= 0xa0;
      boolean surrogate = lead == 0xed && second >= 0xa0;
      return (word & 0xc0c000) == 0x808000 && shortest && !surrogate ? 3 : 0;
    }
    boolean inRange = lead == 0xf0 ? second >= 0x90 : lead < 0xf4 || lead == 0xf4 && second < 0x90;
    return (word & 0xc0c0c000) == 0x80808000 && inRange ? 4 : 0;
  }

  /** The last bytes, and zeros where there are no more, which continue nothing. */
  private static int last(byte[] bytes, int from, int end) {
    int word = 0;
    for (int at = end - 1; at >= from; at--) {
      word = word << 8 | bytes[at] & 0xff;
    }
    return word;
  }

  /**
   * Writes a character of up to four bytes; a lone surrogate like any other unit, in three.
   *
   * @return the offset after it
   */
  static int put(int point, byte[] out, int from) {
    int at = from;
    if (point < 0x80) {
      out[at++] = (byte) point;
    } else if (point < 0x800) {
      out[at++] = (byte) (0xc0 | point >> 6);
      out[at++] = (byte) (0x80 | point & 0x3f);
    } else if (point < 0x10000) {
      out[at++] = (byte) (0xe0 | point >> 12);
      out[at++] = (byte) (0x80 | point >> 6 & 0x3f);
      out[at++] = (byte) (0x80 | point & 0x3f);
    } else {
      out[at++] = (byte) (0xf0 | point >> 18);
      out[at++] = (byte) (0x80 | point >> 12 & 0x3f);
      out[at++] = (byte) (0x80 | point >> 6 & 0x3f);
      out[at++] = (byte) (0x80 | point & 0x3f);
    }
    return at;
  }
}
