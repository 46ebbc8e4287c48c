package io.penstock.sim;

import static io.penstock.inference.Checks.require;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A way in which an engine misbehaves.
 *
 * <p>Asked for per request in the header {@code x-sim-fault} or, since a gateway need not forward
 * unknown headers, in the body's field {@code sim_fault}; or armed for requests to come by {@code
 * POST /sim/faults}. In a header or field it is written {@code kind;key=value;…}, such as {@code
 * reset;after=5;once=a1}.
 *
 * @param kind what goes wrong
 * @param after frames of the stream, the role's included, that go well before; {@link #ALL} is all
 *     but {@code [DONE]}; {@link #BEFORE_HEADERS} is nothing at all. Answers that are no stream
 *     break before their first byte when this is {@link #BEFORE_HEADERS} and in the middle of the
 *     body otherwise
 * @param millis how long: a stall, the time between two bytes of a dripped header, how long a port
 *     stays closed (0: until revived)
 * @param status the HTTP status of {@link Kind#STATUS} and {@link Kind#UNHEALTHY}
 * @param retryAfterSeconds {@code Retry-After} beside the status; 0 sends none
 * @param factor of {@link Kind#SLOW}
 * @param bytes size of {@link Kind#HUGE}'s frame
 * @param once a key under which it strikes only once among all simulated engines of the process, so
 *     that the retry of a request, which carries the same body, succeeds
 */
public record SimFault(
    Kind kind,
    int after,
    long millis,
    int status,
    int retryAfterSeconds,
    double factor,
    int bytes,
    @Nullable String once) {
  /** {@link #after()} of all frames but {@code [DONE]}. */
  public static final int ALL = Integer.MAX_VALUE;

  /** {@link #after()} of not even a status line. */
  public static final int BEFORE_HEADERS = -1;

  private static final int BYTES_MAX = 64 << 20;

  /** What goes wrong. */
  public enum Kind {
    /** The port is closed, live streams go on: new connections are refused. By admin only. */
    REFUSED,
    /** The request is read and never answered. */
    SILENT,
    /** Status and headers of a success come, then nothing. */
    HEADERS_ONLY,
    /** The connection is reset (RST). */
    RESET,
    /** The body ends properly, but early: no finish reason, no {@code [DONE]}. */
    EOF,
    /** The stream stands still for a while, then goes on. */
    STALL,
    /** A frame of broken JSON stands between the good ones; a body that is no stream is cut. */
    MALFORMED,
    /** Every byte of the body travels in a chunk of its own. */
    SPLIT,
    /** A frame of a megabyte, valid and without content, stands between the others. */
    HUGE,
    /** An error object comes inside the 200 stream, then {@code [DONE]}, as vLLM does it. */
    ERROR,
    /** An error status instead of an answer. */
    STATUS,
    /** Status line and headers arrive byte by byte. */
    SLOW_HEADERS,
    /** Everything takes {@link #factor()} times as long; by admin, the whole engine. */
    SLOW,
    /** {@code /health} fails, all else works. By admin only. */
    UNHEALTHY,
    /** All connections are reset and the port is closed, as with kill -9. By admin only. */
    KILLED;

    /** The name in headers and JSON. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Whether it is a state of the engine, not of a request. */
    boolean ofEngine() {
      return this == REFUSED || this == UNHEALTHY || this == KILLED;
    }

    static Kind of(String label) {
      for (Kind each : values()) {
        if (each.label().equals(label)) {
          return each;
        }
      }
      throw new IllegalArgumentException(
          "kind: '"
              + label
              + "' (expected: one of "
              + Arrays.stream(values()).map(Kind::label).collect(Collectors.joining(", "))
              + ")");
    }
  }

  public SimFault {
    require(after >= BEFORE_HEADERS, "after", after, ">= -1");
    require(millis >= 0, "ms", millis, ">= 0");
    require(status >= 400 && status <= 599, "status", status, "400..599");
    require(retryAfterSeconds >= 0, "retry_after", retryAfterSeconds, ">= 0");
    require(factor >= 1 && factor <= 10_000, "factor", factor, "1..10000");
    require(bytes >= 0 && bytes <= BYTES_MAX, "bytes", bytes, "0.." + BYTES_MAX);
  }

  /** This kind with its defaults: at once, 30 s, status 500, factor 10, 1 MiB. */
  public static SimFault of(Kind kind) {
    long millis =
        switch (kind) {
          case STALL -> 30_000;
          case SLOW_HEADERS -> 20;
          default -> 0;
        };
    int status = kind == Kind.UNHEALTHY ? 503 : 500;
    return new SimFault(kind, 0, millis, status, 0, 10, 1 << 20, null);
  }

  /** The same after so many good frames. */
  public SimFault withAfter(int frames) {
    return new SimFault(kind, frames, millis, status, retryAfterSeconds, factor, bytes, once);
  }

  /** The fault that a header or body field asks for; engine-wide kinds are refused there. */
  static SimFault parse(String text) {
    Map<String, String> options = new LinkedHashMap<>();
    String[] parts = text.split(";", -1);
    for (int i = 1; i < parts.length; i++) {
      int equals = parts[i].indexOf('=');
      require(equals > 0, "option", "'" + parts[i] + "'", "key=value");
      options.put(parts[i].substring(0, equals).strip(), parts[i].substring(equals + 1).strip());
    }
    SimFault fault = of(Kind.of(parts[0].strip()), options);
    require(
        !fault.kind.ofEngine(), "kind", fault.kind.label(), "a kind of a request, not of admin");
    return fault;
  }

  /** A fault of named options, the keys as in {@link #parse}. */
  static SimFault of(Kind kind, Map<String, String> options) {
    SimFault base = of(kind);
    int after = base.after;
    long millis = base.millis;
    int status = base.status;
    int retryAfter = base.retryAfterSeconds;
    double factor = base.factor;
    int bytes = base.bytes;
    String once = base.once;
    for (Map.Entry<String, String> option : options.entrySet()) {
      String value = option.getValue();
      switch (option.getKey()) {
        case "after" -> after = after(value);
        case "ms" -> millis = Math.round(number("ms", value));
        case "status" -> status = (int) number("status", value);
        case "retry_after" -> retryAfter = (int) number("retry_after", value);
        case "factor" -> factor = number("factor", value);
        case "bytes" -> bytes = (int) number("bytes", value);
        case "once" -> once = value;
        default ->
            throw new IllegalArgumentException(
                "option: '"
                    + option.getKey()
                    + "' (expected: after, ms, status, retry_after, factor, bytes or once)");
      }
    }
    return new SimFault(kind, after, millis, status, retryAfter, factor, bytes, once);
  }

  private static int after(String value) {
    return switch (value) {
      case "all" -> ALL;
      case "before_headers" -> BEFORE_HEADERS;
      default -> (int) number("after", value);
    };
  }

  private static double number(String name, String value) {
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + ": '" + value + "' (expected: a number)", e);
    }
  }
}
