package io.penstock.inference;

import java.util.regex.Pattern;

/** What people call something: text that is shown to others as it is. Which texts can be one. */
public final class DisplayName {
  /** Most characters. */
  public static final int CHARS_MAX = 200;

  /** What is expected of one, in words. */
  public static final String EXPECTED =
      "a text of at most "
          + CHARS_MAX
          + " characters, none of them a control character, without blanks at its ends";

  /** Control characters, ends of lines, what turns the direction of text, halves of characters. */
  private static final String NEVER =
      "\\p{Cc}\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff";

  private static final String BLANK = "\\s\\p{Z}";

  private static final Pattern FORM =
      Pattern.compile(
          "(?:[^" + NEVER + BLANK + "](?:[^" + NEVER + "]*[^" + NEVER + BLANK + "])?)?");

  private DisplayName() {}

  /** Whether something can be called so; it need not be called anything. */
  public static boolean isValid(String name) {
    return name.length() <= CHARS_MAX && FORM.matcher(name).matches();
  }
}
