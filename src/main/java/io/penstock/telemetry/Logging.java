package io.penstock.telemetry;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.slf4j.LoggerFactory;

/**
 * The log of the process, as the environment asks for it.
 *
 * @param format {@code PENSTOCK_LOG_FORMAT}: {@code json} or {@code text}; without it text at a
 *     terminal and JSON elsewhere
 * @param level {@code PENSTOCK_LOG_LEVEL}: {@code trace}, {@code debug}, {@code info}, {@code warn}
 *     or {@code error}; access lines are written at {@code info} and below
 */
public record Logging(LogFormat format, String level) {
  private static final String FORMAT = "PENSTOCK_LOG_FORMAT";
  private static final String LEVEL = "PENSTOCK_LOG_LEVEL";
  private static final List<String> LEVELS = List.of("trace", "debug", "info", "warn", "error");

  /**
   * Reads the two variables.
   *
   * @throws IllegalArgumentException naming the variable, what it is and what it may be
   */
  public static Logging of(Map<String, String> environment, BooleanSupplier atTerminal) {
    String format = environment.getOrDefault(FORMAT, "");
    if (format.isEmpty()) {
      format = (atTerminal.getAsBoolean() ? LogFormat.TEXT : LogFormat.JSON).label();
    }
    String found = format;
    String level = environment.getOrDefault(LEVEL, "info").toLowerCase(Locale.ROOT);
    if (!LEVELS.contains(level)) {
      throw new IllegalArgumentException(
          LEVEL + ": '" + level + "' (expected: one of " + String.join(", ", LEVELS) + ")");
    }
    return new Logging(
        LogFormat.of(found)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        FORMAT + ": '" + found + "' (expected: json or text)")),
        level);
  }

  /**
   * Makes it so. To be called before the first logger is asked for; a configuration file named by
   * {@code logback.configurationFile} goes before this.
   */
  public void install() {
    System.setProperty("penstock.log.format", format.label());
    System.setProperty("penstock.log.level", Level.toLevel(level).toString());
    // Before Hazelcast and Vert.x choose a logging library of their own accord.
    System.setProperty("hazelcast.logging.type", "slf4j");
  }

  /** Of these loggers only warnings are written from now on, for work that nobody watches live. */
  public static void quieten(String loggers) {
    if (LoggerFactory.getLogger(loggers) instanceof Logger known) {
      known.setLevel(Level.WARN);
    }
  }

  /** Writes what is still queued; nothing is logged afterwards. */
  public static void close() {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.stop();
    }
  }
}
