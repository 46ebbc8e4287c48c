package io.penstock.ingress;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Takes a body out of the chunked coding (RFC 9112, 7.1), in the array in which it came, to which
 * it writes: the contents of the chunks of one read are moved together, and mostly there is only
 * one. Reads may be cut anywhere. Stops after the line of the last chunk: trailers and end are
 * another's. Without effect on anything else; one per body.
 */
final class ChunkFraming {
  /** Of a chunk's length with its extensions, of which engines send none. */
  private static final int LINE_MAX_BYTES = 4 << 10;

  private static final byte[] NOTHING = {};

  private byte[] bytes = NOTHING;
  private int end;
  private int contentFrom;
  private int contentTo;
  private int rest; // where what is another's begins
  private boolean isOver;

  private int left; // bytes of the chunk that is read
  private boolean isAfterContent; // the line end after a chunk's content is due
  private byte[] begun = NOTHING; // of a line that is cut
  private @Nullable String malformation;

  /**
   * Takes what has arrived, after what came before.
   *
   * @param array written to, and {@link #bytes()} from now on, unless something was left of the
   *     read before
   */
  void feed(byte[] array) {
    bytes = array;
    if (begun.length > 0) {
      bytes = Arrays.copyOf(begun, begun.length + array.length);
      System.arraycopy(array, 0, bytes, begun.length, array.length);
      begun = NOTHING;
    }
    end = bytes.length;
    rest = end;
    contentFrom = 0;
    contentTo = 0;
    int at = 0;
    while (at >= 0 && at < end) {
      at = left > 0 ? content(at) : isAfterContent ? lineEnd(at) : length(at);
    }
  }

  /** Takes what there is of a chunk's content; the offset after it. */
  private int content(int at) {
    int length = Math.min(left, end - at);
    if (contentFrom == contentTo) { // nothing yet
      contentFrom = at;
      contentTo = at;
    } else {
      System.arraycopy(bytes, at, bytes, contentTo, length);
    }
    contentTo += length;
    left -= length;
    isAfterContent = left == 0;
    return at + length;
  }

  private int lineEnd(int at) {
    if (bytes[at] != '\r') {
      return malformed(at, "no line end after a chunk");
    }
    if (at + 1 == end) {
      return keep(at);
    }
    if (bytes[at + 1] != '\n') {
      return malformed(at, "no line end after a chunk");
    }
    isAfterContent = false;
    return at + 2;
  }

  /** Reads the line with a chunk's length; the offset after it, or -1 where there is no more. */
  private int length(int from) {
    int at = from;
    long length = 0;
    int digit = 0;
    while (at < end && length <= Integer.MAX_VALUE && (digit = hex(bytes[at])) >= 0) {
      length = length << 4 | digit;
      at++;
    }
    if (length > Integer.MAX_VALUE) {
      return malformed(from, "a chunk of more than 2 GiB");
    }
    if (at < end && at == from) {
      return malformed(from, "something else than a chunk's length");
    }
    while (at < end && (bytes[at] == ' ' || bytes[at] == '\t')) {
      at++;
    }
    if (at < end && bytes[at] != '\r' && bytes[at] != ';') {
      return malformed(from, "something else than a chunk's length");
    }
    while (at < end && bytes[at] != '\r' && bytes[at] != '\n') {
      at++; // extensions
    }
    if (at - from > LINE_MAX_BYTES) {
      return malformed(from, "a chunk with more than " + LINE_MAX_BYTES + " bytes of extensions");
    }
    if (at + 1 >= end) {
      return keep(from);
    }
    if (bytes[at] != '\r' || bytes[at + 1] != '\n') {
      return malformed(from, "a chunk's length without a line end");
    }
    if (length == 0) {
      isOver = true;
      rest = at + 2;
      return -1;
    }
    left = (int) length;
    return at + 2;
  }

  private static int hex(byte b) {
    if (b >= '0' && b <= '9') {
      return b - '0';
    }
    int letter = b | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
  }

  private int keep(int from) {
    begun = Arrays.copyOfRange(bytes, from, end);
    return -1;
  }

  private int malformed(int at, String what) {
    malformation = what;
    rest = at;
    return -1;
  }

  /** Keeps nothing of what has been taken: a stream may be silent for long. */
  void forget() {
    bytes = NOTHING;
    end = 0;
    rest = 0;
    contentFrom = 0;
    contentTo = 0;
  }

  /** Where content and rest are. */
  byte[] bytes() {
    return bytes;
  }

  /** Offset of the content that has come with the last read, in one stretch. */
  int contentFrom() {
    return contentFrom;
  }

  /** Its length; 0 where there was none. */
  int contentLength() {
    return contentTo - contentFrom;
  }

  /**
   * Whether the line of the last chunk has come, which has no content. Nothing may be fed after it.
   */
  boolean isOver() {
    return isOver;
  }

  /** Offset of what follows that line: trailers and the end of the body. */
  int rest() {
    return rest;
  }

  /** Its length. */
  int restLength() {
    return end - rest;
  }

  /** What is not as the coding has it; null where nothing is. Nothing may be fed after it. */
  @Nullable String malformation() {
    return malformation;
  }
}
