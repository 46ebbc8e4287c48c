package io.penstock.tiers;

import java.util.OptionalDouble;
import java.util.regex.Pattern;

/** Reads what a model says that was asked for a number from 0 to 1 and nothing else. Pure. */
public final class JudgeAnswer {
  private static final Pattern NUMBER =
      Pattern.compile("0(\\.[0-9]{1,9})?|1(\\.0{1,9})?|\\.[0-9]{1,9}");

  private JudgeAnswer() {}

  /** The quality; empty where the text is anything but one number from 0 to 1. */
  public static OptionalDouble quality(String text) {
    String word = text.strip();
    return NUMBER.matcher(word).matches()
        ? OptionalDouble.of(Double.parseDouble(word))
        : OptionalDouble.empty();
  }

  /** Whether a number can be a quality. */
  public static boolean isQuality(double number) {
    return number >= 0 && number <= 1; // false for NaN
  }
}
