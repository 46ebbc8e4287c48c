package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command line says to somebody who tries it out. Starts nothing. */
class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int penstock(String... args) {
    return Main.run(args, Map.of(), new PrintWriter(out, true), new PrintWriter(err, true));
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "check", "engine-sim", "load", "version"})
  void everyVerbHasAHeaderInTheListAndHelpOfItsOwn(String verb) {
    assertThat(penstock("--help")).isZero();
    assertThat(out.toString()).containsPattern("(?m)^  " + verb + " +[A-Z].*\\.$");

    out.getBuffer().setLength(0);
    assertThat(penstock(verb, "--help")).isZero();
    assertThat(out.toString()).contains("Usage: penstock " + verb).contains("Shows this.");
    assertThat(err.toString()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"version", "--version", "-V"})
  void versionsByCommandAndByOption(String way) {
    assertThat(penstock(way)).isZero();
    assertThat(out.toString()).matches("penstock \\S+ \\(Java .+, Vert\\.x .+\\)\\s+");
  }

  @Test
  void noCommandIsWrongUsage() {
    assertThat(penstock()).isEqualTo(2);
    assertThat(err.toString()).contains("penstock: Missing required subcommand", "--help");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "runn|penstock: Unmatched argument at index 0: 'runn'",
        "run|penstock run: FILE or --backend: neither given (expected: one of them)",
        "run --nope|penstock run: Unknown option: '--nope'",
        "run nowhere.json|penstock run: nowhere.json: 1 mistake",
        "run --backend 127.0.0.1:9|penstock run: --backend 127.0.0.1:9: not an engine (expected: ",
        "run --port 70000 --backend http://a|penstock run: --port: 70000 (expected: 0..65535)",
        "check|penstock check: Missing required parameter: 'FILE'",
        "check nowhere.json|  nowhere.json: no such file (expected: a JSON file)",
        "engine-sim --profile no|penstock engine-sim: profile: 'no' (expected: one of h100-",
        "engine-sim --port 70000|penstock engine-sim: --port: 70000 (expected: 0..65535)",
        "engine-sim --fault no|penstock engine-sim: --fault: 'no' (expected: one of refused, ",
        "engine-sim --startup-delay 5|penstock engine-sim: --startup-delay: '5' (expected: ",
        "load http://a|penstock load: trace: missing (expected: --trace FILE, or --rate R or ",
      })
  void wrongUsageIsSaidInOneSentence(String line, String said) {
    assertThat(penstock(line.split(" "))).isEqualTo(2);
    assertThat(err.toString()).contains(said).doesNotContain("Exception", "\tat ");
    assertThat(out.toString()).isEmpty();
  }
}
