package io.penstock.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The table of all cells: those of this JVM are printed once its tests are done, those of all JVMs
 * of the build are kept in {@code target/fault-matrix.md}.
 */
final class Report implements BeforeAllCallback {
  private static final Path FILE = Path.of("target", "fault-matrix.md");
  private static final Path PARTS = Path.of("target", "fault-matrix");

  /** The build that all JVMs of a run have in common. */
  private static final String BUILD =
      ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(0L) + "-";

  private static final Path PART = PARTS.resolve(BUILD + ProcessHandle.current().pid());
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

  private static synchronized List<String> lines() {
    return ROWS.stream().map(Row::line).toList();
  }

  private static String table(List<String> lines) {
    long failed = lines.stream().filter(line -> !line.endsWith("| holds |")).count();
    long requests =
        lines.stream().mapToLong(line -> Long.parseLong(line.split("\\|")[4].strip())).sum();
    return "| fault | mode | nodes | requests | outcomes | recovery, ms | wasted tokens | |\n"
        + "|---|---|---|---|---|---|---|---|\n"
        + lines.stream().map(line -> line + "\n").collect(Collectors.joining())
        + "\n"
        + lines.size()
        + " cells, "
        + requests
        + " requests, "
        + failed
        + (failed == 1 ? " cell fails\n" : " cells fail\n");
  }

  static synchronized void write() {
    try {
      Files.createDirectories(PARTS);
      Files.write(PART, lines());
      List<String> all = new ArrayList<>();
      try (DirectoryStream<Path> parts = Files.newDirectoryStream(PARTS, BUILD + "*")) {
        for (Path part : parts) {
          all.addAll(Files.readAllLines(part));
        }
      }
      Files.writeString(FILE, table(all));
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
                      System.out.println(table(lines()));
                    });
  }
}
