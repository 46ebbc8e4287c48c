package io.penstock.openai;

import java.util.List;

/**
 * A body in pieces, to be written one after the other.
 *
 * @param slices parts of the original and small insertions; the whole original alone where nothing
 *     had to change
 */
public record Spliced(List<Slice> slices) {
  public Spliced {
    slices = List.copyOf(slices);
  }

  /** In bytes: the {@code content-length}. */
  public int length() {
    int sum = 0;
    for (Slice each : slices) {
      sum += each.length();
    }
    return sum;
  }

  /** All pieces in one array; the original array itself where nothing had to change. */
  public byte[] toByteArray() {
    if (slices.size() == 1 && slices.get(0).length() == slices.get(0).bytes().length) {
      return slices.get(0).bytes();
    }
    byte[] whole = new byte[length()];
    int at = 0;
    for (Slice each : slices) {
      System.arraycopy(each.bytes(), each.offset(), whole, at, each.length());
      at += each.length();
    }
    return whole;
  }
}
