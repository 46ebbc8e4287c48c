package io.penstock.openai;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Finds a byte, eight at a time. */
final class ByteSearch {
  /** Eight bytes of an array as one {@code long}, the first in its lowest bits. */
  static final VarHandle WORDS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** The lowest bit of each byte. */
  static final long ONES = 0x0101010101010101L;

  /** The highest bit of each byte. */
  static final long HIGHS = 0x8080808080808080L;

  private ByteSearch() {}

  /** The offset of the first {@code wanted} from {@code from} to before {@code to}, or -1. */
  static int indexOf(byte[] bytes, byte wanted, int from, int to) {
    long pattern = (wanted & 0xff) * ONES;
    int at = from;
    for (; at <= to - 8; at += 8) {
      long difference = (long) WORDS.get(bytes, at) ^ pattern;
      long hits = (difference - ONES) & ~difference & HIGHS;
      if (hits != 0) {
        return at + (Long.numberOfTrailingZeros(hits) >>> 3);
      }
    }
    for (; at < to; at++) {
      if (bytes[at] == wanted) {
        return at;
      }
    }
    return -1;
  }

  /** Whether {@code bytes} has {@code wanted}, which is not empty, in it. */
  static boolean contains(byte[] bytes, byte[] wanted) {
    int last = bytes.length - wanted.length;
    for (int at = 0; at <= last; at++) {
      at = indexOf(bytes, wanted[0], at, last + 1);
      if (at < 0) {
        return false;
      }
      if (Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
        return true;
      }
    }
    return false;
  }
}
