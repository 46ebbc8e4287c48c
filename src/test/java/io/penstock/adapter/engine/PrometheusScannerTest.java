package io.penstock.adapter.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrometheusScannerTest {
  private final PrometheusScanner scanner = new PrometheusScanner(List.of("a:b", "c"));

  private Samples scan(String page) {
    return scanner.scan(page.getBytes(UTF_8));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c 1|1",
        "c 1.5e+03|1500",
        "c -2 1395066363000|-2",
        "c{} 7|7",
        "c{x=\"y\"} 7|7",
        "c{x=\"} 9 \",z=\"\\\"} 8\"} 7|7",
        "c\t{x=\"1\"}\t7|7",
        "  c 7|7",
        "c 17 # {trace_id=\"KOO5S4vxi0o\"} 0.67|17",
        "c +Inf|Infinity",
        "c -Inf|-Infinity"
      })
  void readsASample(String line, double value) {
    assertThat(scan(line).sum("c")).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c_created 1",
        "cc 1",
        "xc 1",
        "C 1",
        "# c 1",
        "#c 1",
        "c",
        "c{",
        "c{x=\"1\"}",
        "c{x=\"} 1",
        "c NaN",
        "c one",
        "''"
      })
  void passesOver(String line) {
    assertThat(scan(line).sum("c")).isNaN();
    assertThat(scan(line).mean("c")).isNaN();
  }

  @Test
  void foldsSeriesOfOneName() {
    Samples samples = scan("c{e=\"0\"} 1\r\nother 5\nc{e=\"1\"} 2\n\nc{e=\"2\"} NaN\na:b 9");
    assertThat(samples.sum("c")).isEqualTo(3);
    assertThat(samples.mean("c")).isEqualTo(1.5);
    assertThat(samples.sum("a:b")).isEqualTo(9);
  }

  @Test
  void takesTheFirstNameThatIsThere() {
    Samples samples = scan("a:b 4\n");
    assertThat(samples.sum("c", "a:b")).isEqualTo(4);
    assertThat(samples.mean("c", "a:b")).isEqualTo(4);
  }

  @Property
  void findsTheNumberWhateverTheLabelSays(
      @ForAll @StringLength(max = 30) @CharRange(from = ' ', to = '~') String label,
      @ForAll int value,
      @ForAll @AlphaChars String noise) {
    String escaped = label.replace("\\", "\\\\").replace("\"", "\\\"");
    Samples samples = scan(noise + "\nc{x=\"" + escaped + "\"} " + value + "\n# " + noise);
    assertThat(samples.sum("c")).isEqualTo(value);
  }

  @Property
  void neverFailsOnGarbage(@ForAll byte[] page) {
    scanner.scan(page);
    byte[] likely = ("c{" + new String(page, UTF_8)).getBytes(UTF_8);
    scanner.scan(likely);
  }
}
