package io.penstock.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The table of all cells that ran in this JVM: printed once all tests are done, and kept in {@code
 * target/fault-matrix.md} after each class.
 */
final class Report implements BeforeAllCallback {
  private static final Path FILE = Path.of("target", "fault-matrix.md");
  private static final List<Row> ROWS = new ArrayList<>();

  /**
   * One cell.
   *
   * @param recoveryMillis the longest that a client had to wait for the next sign of life
   * @param wastedTokens tokens that engines generated for nobody
   * @param failure empty when all invariants held
   */
  record Row(
      String fault,
      String mode,
      int nodes,
      int requests,
      Map<String, Integer> outcomes,
      double recoveryMillis,
      long wastedTokens,
      String failure) {
    String line() {
      StringBuilder how = new StringBuilder();
      new TreeMap<>(outcomes)
          .forEach(
              (label, count) -> how.append(how.isEmpty() ? "" : ", ").append(count + " " + label));
      return String.format(
          Locale.ROOT,
          "| %s | %s | %d | %d | %s | %.0f | %d | %s |",
          fault,
          mode,
          nodes,
          requests,
          how,
          recoveryMillis,
          wastedTokens,
          failure.isEmpty() ? "holds" : "FAILS: " + failure.lines().findFirst().orElse(""));
    }
  }

  static synchronized void add(Row row) {
    ROWS.add(row);
  }

  private static synchronized String table() {
    StringBuilder table =
        new StringBuilder(
            "| fault | mode | nodes | requests | outcomes | recovery, ms | wasted tokens | |\n"
                + "|---|---|---|---|---|---|---|---|\n");
    ROWS.forEach(row -> table.append(row.line()).append('\n'));
    long failed = ROWS.stream().filter(row -> !row.failure().isEmpty()).count();
    return table
        .append('\n')
        .append(ROWS.size())
        .append(" cells, ")
        .append(ROWS.stream().mapToLong(Row::requests).sum())
        .append(" requests, ")
        .append(failed)
        .append(failed == 1 ? " cell fails\n" : " cells fail\n")
        .toString();
  }

  static void write() {
    try {
      Files.createDirectories(FILE.getParent());
      Files.writeString(FILE, table());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    context
        .getRoot()
        .getStore(ExtensionContext.Namespace.create(Report.class))
        .getOrComputeIfAbsent(
            "table",
            key ->
                (AutoCloseable)
                    () -> {
                      write();
                      System.out.println(table());
                    });
  }
}
