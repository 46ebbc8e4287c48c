package io.penstock.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark of the project still runs; how fast is not asked here. */
class BenchmarksRunTest {
  @Test
  @Timeout(300)
  void eachRunsOnce() throws Exception {
    Set<String> all = new TreeSet<>();
    for (BenchmarkListEntry entry :
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT),
                java.util.List.of())) {
      all.add(entry.getUsername());
    }
    assertThat(all).as("what the annotation processor has found").hasSizeGreaterThan(10);
    Set<String> run = new TreeSet<>();
    new Runner(
            new OptionsBuilder()
                .forks(0)
                .warmupIterations(0)
                .measurementIterations(1)
                .measurementTime(TimeValue.milliseconds(1))
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .run()
        .forEach(result -> run.add(result.getParams().getBenchmark()));
    assertThat(run).isEqualTo(all);
  }
}
