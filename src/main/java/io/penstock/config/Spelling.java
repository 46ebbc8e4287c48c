package io.penstock.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/**
 * What a mistyped name was meant to be: the nearest by optimal string alignment (insert, delete,
 * replace, swap neighbours), case and separators aside, if it is within a third of its length.
 */
public final class Spelling {
  private Spelling() {}

  /** The nearest of {@code known}; empty when none is near. */
  public static Optional<String> nearest(String typed, Collection<String> known) {
    String plain = plain(typed);
    return known.stream()
        .filter(k -> distance(plain, plain(k)) <= Math.max(1, plain(k).length() / 3))
        .min(
            Comparator.comparingInt((String k) -> distance(plain, plain(k)))
                .thenComparing(Comparator.naturalOrder()));
  }

  private static String plain(String key) {
    return key.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
  }

  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        d[i][j] = i == 0 || j == 0 ? i + j : step(a, b, d, i, j);
      }
    }
    return d[a.length()][b.length()];
  }

  private static int step(String a, String b, int[][] d, int i, int j) {
    int replaced = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
    int best = Math.min(replaced, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
    boolean swapped =
        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
    return swapped ? Math.min(best, d[i - 2][j - 2] + 1) : best;
  }
}
