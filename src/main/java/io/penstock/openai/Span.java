package io.penstock.openai;

import static io.penstock.inference.Checks.require;

/**
 * A stretch of a byte array.
 *
 * @param offset of its first byte
 * @param length in bytes
 */
public record Span(int offset, int length) {
  public Span {
    require(offset >= 0, "offset", offset, ">= 0");
    require(length >= 0, "length", length, ">= 0");
  }

  /** The offset after its last byte. */
  public int end() {
    return offset + length;
  }
}
