package io.penstock.prefix;

import java.util.List;
import java.util.stream.Collectors;

/** Names in a message. */
final class Listed {
  private static final int LISTED_MAX = 20;

  private Listed() {}

  /** {@code one of a, b and 3 more}. */
  static String of(List<String> all, String none) {
    if (all.isEmpty()) {
      return none;
    }
    String listed = all.stream().limit(LISTED_MAX).collect(Collectors.joining(", "));
    int more = all.size() - LISTED_MAX;
    return "one of " + listed + (more > 0 ? " and " + more + " more" : "");
  }
}
