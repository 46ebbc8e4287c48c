package io.penstock.message;

import java.util.Arrays;
import java.util.Base64;

/** Bytes of a body, which nobody writes to any more; Base64 on the wire. */
@SuppressWarnings("ArrayRecordComponent") // equals and hashCode are those of the content
public record Bytes(byte[] value) {
  /** None. */
  public static final Bytes NONE = new Bytes(new byte[0]);

  /**
   * What {@link #base64} wrote.
   *
   * @throws IllegalArgumentException where it is none
   */
  public static Bytes ofBase64(String text) {
    return text.isEmpty() ? NONE : new Bytes(Base64.getDecoder().decode(text));
  }

  /** As text. */
  public String base64() {
    return Base64.getEncoder().encodeToString(value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes bytes && Arrays.equals(value, bytes.value);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(value);
  }

  @Override
  public String toString() {
    return value.length + " bytes";
  }
}
