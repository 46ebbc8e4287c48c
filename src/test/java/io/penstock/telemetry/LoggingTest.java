package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;

class LoggingTest {
  @ParameterizedTest
  @CsvSource({
    "'', '', true, TEXT, info",
    "'', '', false, JSON, info",
    "json, '', true, JSON, info",
    "text, DEBUG, false, TEXT, debug"
  })
  void readsTheEnvironment(
      String format, String level, boolean terminal, LogFormat expected, String expectedLevel) {
    Map<String, String> environment =
        level.isEmpty()
            ? Map.of("PENSTOCK_LOG_FORMAT", format)
            : Map.of("PENSTOCK_LOG_FORMAT", format, "PENSTOCK_LOG_LEVEL", level);

    assertThat(Logging.of(environment, () -> terminal))
        .isEqualTo(new Logging(expected, expectedLevel));
  }

  @ParameterizedTest
  @CsvSource({
    "PENSTOCK_LOG_FORMAT, xml, PENSTOCK_LOG_FORMAT: 'xml' (expected: json or text)",
    "PENSTOCK_LOG_LEVEL, loud, 'PENSTOCK_LOG_LEVEL: ''loud'' (expected: one of trace, debug, info,"
        + " warn, error)'"
  })
  void refusesWhatItDoesNotKnow(String variable, String value, String message) {
    assertThatThrownBy(() -> Logging.of(Map.of(variable, value), () -> false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void jsonHasTheRequestIdAsAFieldAndTheStackInTheLine() throws Exception {
    String line =
        logged(
            "json",
            logger ->
                logger
                    .atWarn()
                    .addKeyValue("request_id", "req-1")
                    .setCause(new IllegalStateException("two\nlines"))
                    .log("engine \"a\" said\n{}", 7));

    assertThat(line.indexOf('\n')).isEqualTo(line.length() - 1);
    JsonObject json = new JsonObject(line);
    assertThat(json.getString("request_id")).isEqualTo("req-1");
    assertThat(json.getString("level")).isEqualTo("WARN");
    assertThat(json.getString("logger_name")).isNull();
    assertThat(json.getString("logger")).isEqualTo("some.Room");
    assertThat(json.getString("message")).isEqualTo("engine \"a\" said\n7");
    assertThat(json.getString("stack")).startsWith("java.lang.IllegalStateException: two\nlines");
    assertThat(json.getString("ts")).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
  }

  @Test
  void textIsOneRow() throws Exception {
    String line =
        logged(
            "text", logger -> logger.atInfo().addKeyValue("request_id", "req-1").log("it is up"));

    assertThat(line)
        .matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{3} INFO  Room it is up request_id=req-1\n");
  }

  /** What the shipped configuration writes to stderr, in a logging system of its own. */
  private static String logged(String format, Consumer<Logger> say) throws Exception {
    PrintStream stderr = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      LoggerContext context = new LoggerContext();
      context.setMDCAdapter(new LogbackMDCAdapter());
      context.putProperty("penstock.log.format", format);
      JoranConfigurator configurator = new JoranConfigurator();
      configurator.setContext(context);
      URL shipped = Objects.requireNonNull(LoggingTest.class.getResource("/logback.xml"));
      configurator.doConfigure(shipped);
      say.accept(context.getLogger("some.Room"));
      context.stop();
    } finally {
      System.setErr(stderr);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
