package io.penstock.openai;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** A stretch of a byte array that is not copied; nobody may write to it any more. */
public final class Slice {
  private final byte[] bytes;
  private final int offset;
  private final int length;

  /** The {@code length} bytes from {@code offset} on. */
  public Slice(byte[] bytes, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
  }

  /** A whole array. */
  public static Slice of(byte[] bytes) {
    return new Slice(bytes, 0, bytes.length);
  }

  /** The array, shared. */
  public byte[] bytes() {
    return bytes;
  }

  /** Of the first byte in {@link #bytes()}. */
  public int offset() {
    return offset;
  }

  /** In bytes. */
  public int length() {
    return length;
  }

  /** The offset after the last byte. */
  public int end() {
    return offset + length;
  }

  /** The stretches one after the other, in an array of their own. */
  public static byte[] join(List<Slice> slices) {
    int length = 0;
    for (Slice slice : slices) {
      length += slice.length;
    }
    byte[] whole = new byte[length];
    int at = 0;
    for (Slice slice : slices) {
      System.arraycopy(slice.bytes, slice.offset, whole, at, slice.length);
      at += slice.length;
    }
    return whole;
  }

  /** A copy of the stretch. */
  public byte[] toByteArray() {
    return Arrays.copyOfRange(bytes, offset, end());
  }
}
