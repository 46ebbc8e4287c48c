package io.penstock.config;

/**
 * One thing in a configuration that can not be.
 *
 * @param file the file that it is in, as the node's file names it; empty for the node's file itself
 * @param path the key, from the file's root: {@code fleet.pools[0].max_concurrent}; empty when it
 *     is about the file as a whole
 * @param found what stands there
 * @param remedy what should stand there, as a phrase: {@code expected: integer >= 1}
 */
public record Mistake(String file, String path, String found, String remedy) {
  /** A mistake in the node's own file, or in what was given on the command line. */
  public static Mistake expected(String path, String found, String expected) {
    return new Mistake("", path, found, "expected: " + expected);
  }

  /** {@code fleet.pools[0].max_concurrent: -1 (expected: integer >= 1)}. */
  @Override
  public String toString() {
    String where = file.isEmpty() || path.isEmpty() ? file + path : file + ": " + path;
    return (where.isEmpty() ? "" : where + ": ") + found + " (" + remedy + ")";
  }
}
