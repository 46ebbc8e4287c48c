package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every fault of an engine or a client, in every mode, before one node and before three. Of each
 * request: exactly one outcome, told truthfully; no token lost, doubled or out of order; no work
 * for it on an engine after its end; no grant, no place in a queue left behind. {@code
 * -Dpenstock.cells=REGEX} runs some.
 */
@Tag("faults")
@ExtendWith(Report.class)
class FaultMatrixIT {
  @TempDir private Path folder;

  @AfterAll
  static void write() {
    Report.write();
  }

  @TestFactory
  Stream<DynamicTest> beforeOneNode() throws Exception {
    return cells(1);
  }

  @TestFactory
  Stream<DynamicTest> beforeThreeNodes() throws Exception {
    return cells(3);
  }

  /** Those that take minutes. */
  @Tag("soak")
  @TestFactory
  Stream<DynamicTest> longOnes() throws Exception {
    return run(3, Scenarios.longCells());
  }

  private Stream<DynamicTest> cells(int nodes) throws Exception {
    List<Cell> cells = new ArrayList<>(Table.cells());
    cells.addAll(Scenarios.cells());
    return run(nodes, cells);
  }

  private Stream<DynamicTest> run(int nodes, List<Cell> cells) throws Exception {
    Pattern wanted = Pattern.compile(System.getProperty("penstock.cells", ""));
    cells.removeIf(cell -> !wanted.matcher(cell.pool()).find());
    try (Rig rig = new Rig(folder, nodes, cells)) {
      return rig.run().stream()
          .map(
              row ->
                  DynamicTest.dynamicTest(
                      row.fault() + ", " + row.mode() + ", " + nodes + " nodes",
                      () -> assertThat(row.failure()).as(row.line()).isEmpty()));
    }
  }
}
