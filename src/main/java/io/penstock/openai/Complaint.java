package io.penstock.openai;

import io.penstock.fault.Fault;
import java.util.Optional;

/** Keeps the first thing that is wrong with a request; the client is told one at a time. */
final class Complaint {
  private static final int MAX_QUOTED_CHARS = 40;

  private Fault fault = Fault.INVALID_VALUE;
  private String param = "";
  private String message = "";
  private boolean made;

  /** A field that has to be there is not. */
  void missing(String param, String expected) {
    make(Fault.MISSING_FIELD, param, "missing", expected);
  }

  /** A field has a value that is not allowed. */
  void wrong(String param, String found, String expected) {
    make(Fault.INVALID_VALUE, param, found, expected);
  }

  private void make(Fault fault, String param, String found, String expected) {
    if (!made) {
      made = true;
      this.fault = fault;
      this.param = param;
      this.message = sentence(param, found, expected);
    }
  }

  /** The complaint, if there is one. */
  <T> Optional<Checked<T>> verdict() {
    return made ? Optional.of(new Checked.Rejected<>(fault, param, message)) : Optional.empty();
  }

  /** {@code name: found (expected: expected)}. */
  static String sentence(String name, String found, String expected) {
    return name + ": " + found + " (expected: " + expected + ")";
  }

  /** What was found, as the client wrote it, at most 40 characters of it. */
  static String quoted(String found) {
    return JsonText.shorten(found, MAX_QUOTED_CHARS);
  }

  /** The same, for text that stands in {@code utf8} from {@code from} to before {@code to}. */
  static String quoted(byte[] utf8, int from, int to) {
    int enough = Math.min(to, from + 4 * (MAX_QUOTED_CHARS + 1)); // a character has 4 bytes at most
    return quoted(JsonText.decode(utf8, from, enough));
  }
}
