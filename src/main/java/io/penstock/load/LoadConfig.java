package io.penstock.load;

import static io.penstock.inference.Checks.require;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * What to load, with what, how fast and for how long. Whatever is wrong is refused at construction
 * with an {@link IllegalArgumentException} that names the option, what was found and what was
 * expected.
 *
 * @param goodput the bounds a good request keeps
 * @param seed of arrivals and of the prompts' text; the same seed sends the same bytes
 */
public record LoadConfig(
    Target target,
    Workload workload,
    Pace pace,
    Limits limits,
    Optional<Goodput> goodput,
    long seed) {

  /** How long Poisson arrivals and closed loops go on when nobody said. */
  public static final Duration DEFAULT_DURATION = Duration.ofSeconds(30);

  public LoadConfig {
    boolean traced = workload.trace().isPresent();
    require(
        traced || !(pace instanceof Pace.AsTraced),
        "trace",
        "missing",
        "--trace FILE, or --rate R or --concurrency N");
    require(
        traced || workload.start().isZero(),
        "start",
        Durations.print(workload.start()),
        "only with --trace");
    if (limits.duration().isEmpty()
        && limits.requests().isEmpty()
        && !(pace instanceof Pace.AsTraced)) {
      limits = limits.withDuration(DEFAULT_DURATION);
    }
    if (pace instanceof Pace.Closed closed) {
      require(
          closed.concurrency() <= limits.maxInFlight(),
          "concurrency",
          closed.concurrency(),
          "<= --max-in-flight " + limits.maxInFlight());
    }
  }

  /**
   * Where requests go.
   *
   * @param addresses {@code http://host:port}, with or without {@code /v1}; used in turn
   * @param model empty: the first that the first address lists
   * @param apiKey sent as a bearer token
   * @param headers sent with every request
   * @param insecure whether any TLS certificate will do
   */
  public record Target(
      List<URI> addresses,
      Endpoint endpoint,
      Optional<String> model,
      Optional<String> apiKey,
      Map<String, String> headers,
      boolean insecure) {
    private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

    public Target {
      addresses = addresses.stream().map(Target::checked).toList();
      require(
          !addresses.isEmpty(),
          "target",
          "none",
          "at least one address, such as http://127.0.0.1:8080");
      model.ifPresent(m -> require(!m.isBlank(), "model", "'" + m + "'", "not blank"));
      headers = Map.copyOf(headers);
      headers.forEach(
          (name, value) -> {
            require(
                HEADER_NAME.matcher(name).matches(), "header", "'" + name + "'", "a header name");
            require(
                value.chars().allMatch(c -> c == '\t' || (c >= ' ' && c < 127)),
                "header " + name,
                "a value with control or non-ASCII characters",
                "printable ASCII");
          });
    }

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException naming what was found and what was expected
     */
    public static URI address(String text) {
      try {
        return checked(URI.create(text));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(problem(text), e);
      }
    }

    /** Reads {@code name=value} pairs. */
    public static Map<String, String> headers(List<String> pairs) {
      Map<String, String> headers = new LinkedHashMap<>();
      for (String pair : pairs) {
        int equals = pair.indexOf('=');
        require(equals > 0, "header", "'" + pair + "'", "name=value");
        headers.put(pair.substring(0, equals).trim(), pair.substring(equals + 1).trim());
      }
      return headers;
    }

    private static URI checked(URI uri) {
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      boolean plain =
          uri.getRawQuery() == null && uri.getRawFragment() == null && uri.getRawUserInfo() == null;
      if (!http || !plain || uri.getHost() == null || uri.getPort() == 0 || uri.getPort() > 65535) {
        throw new IllegalArgumentException(problem(uri.toString()));
      }
      return uri;
    }

    private static String problem(String found) {
      return "target: '" + found + "' (expected: http://host:port or https://host:port)";
    }
  }

  /**
   * What is asked.
   *
   * @param trace a file of requests; empty: all requests have the fixed lengths
   * @param start offset in the trace, in the trace's time, before which rows are left out
   * @param blockTokens tokens of a prefix block, where the trace does not show it
   * @param inputTokens length of prompts without a trace
   * @param outputTokens length of answers without a trace
   * @param maxInput longer prompts are cut to it, keeping their beginning
   * @param maxOutput longer answers are asked to be this long
   * @param stream whether answers are streamed
   * @param exactOutput whether to ask engines to generate exactly the wanted length ({@code
   *     ignore_eos}, {@code min_tokens})
   * @param usage whether to ask for usage, and to require it
   */
  public record Workload(
      Optional<Path> trace,
      Duration start,
      OptionalInt blockTokens,
      int inputTokens,
      int outputTokens,
      OptionalInt maxInput,
      OptionalInt maxOutput,
      boolean stream,
      boolean exactOutput,
      boolean usage) {
    private static final int TOKENS_MAX = 4_000_000;

    public Workload {
      require(!start.isNegative(), "start", start, ">= 0");
      checkTokens("input-tokens", inputTokens);
      checkTokens("output-tokens", outputTokens);
      blockTokens.ifPresent(n -> checkTokens("block-tokens", n));
      maxInput.ifPresent(n -> checkTokens("max-input", n));
      maxOutput.ifPresent(n -> checkTokens("max-output", n));
    }

    private static void checkTokens(String name, int tokens) {
      require(tokens >= 1 && tokens <= TOKENS_MAX, name, tokens, "1.." + TOKENS_MAX);
    }
  }

  /** When requests are sent. */
  public sealed interface Pace permits Pace.AsTraced, Pace.Poisson, Pace.Closed {
    /**
     * Open loop at the trace's own times.
     *
     * @param speed 2 replays an hour in half an hour
     * @param sessionRate for traces whose times count from each session's own start: sessions that
     *     start a second, as a Poisson process
     */
    record AsTraced(double speed, OptionalDouble sessionRate) implements Pace {
      public AsTraced {
        requirePositive("speed", speed);
        sessionRate.ifPresent(rate -> requirePositive("session-rate", rate));
      }
    }

    /** Open loop, exponential gaps; {@code perSecond} arrivals a second on average. */
    record Poisson(double perSecond) implements Pace {
      public Poisson {
        requirePositive("rate", perSecond);
      }
    }

    /** Closed loop: {@code concurrency} clients, each sending again when it has its answer. */
    record Closed(int concurrency) implements Pace {
      public Closed {
        require(concurrency >= 1, "concurrency", concurrency, ">= 1");
      }
    }

    /**
     * The pace that a command line asks for.
     *
     * @throws IllegalArgumentException when it asks for two
     */
    static Pace of(
        OptionalDouble rate,
        OptionalInt concurrency,
        OptionalDouble speed,
        OptionalDouble sessionRate) {
      require(
          rate.isEmpty() || concurrency.isEmpty(),
          "rate",
          "given with --concurrency",
          "one of --rate (open loop) and --concurrency (closed loop)");
      boolean traced = rate.isEmpty() && concurrency.isEmpty();
      require(
          traced || speed.isEmpty(),
          "speed",
          speed.orElse(0),
          "only with the trace's own arrivals");
      require(
          traced || sessionRate.isEmpty(),
          "session-rate",
          sessionRate.orElse(0),
          "only with the trace's own arrivals");
      if (rate.isPresent()) {
        return new Poisson(rate.getAsDouble());
      }
      return concurrency.isPresent()
          ? new Closed(concurrency.getAsInt())
          : new AsTraced(speed.orElse(1), sessionRate);
    }

    private static void requirePositive(String name, double value) {
      require(value > 0 && value <= 1e6, name, value, "> 0 and <= 1000000");
    }
  }

  /**
   * Where it ends.
   *
   * @param duration no arrivals after it; empty: the whole trace
   * @param requests no more arrivals than this
   * @param maxInFlight arrivals beyond it are shed
   * @param timeout of one request, from its sending to its end
   */
  public record Limits(
      Optional<Duration> duration, OptionalLong requests, int maxInFlight, Duration timeout) {
    private static final int IN_FLIGHT_MAX = 60_000;

    public Limits {
      duration.ifPresent(
          d -> require(!d.isZero() && !d.isNegative(), "duration", Durations.print(d), "> 0"));
      requests.ifPresent(n -> require(n >= 1, "requests", n, ">= 1"));
      require(
          maxInFlight >= 1 && maxInFlight <= IN_FLIGHT_MAX,
          "max-in-flight",
          maxInFlight,
          "1.." + IN_FLIGHT_MAX);
      require(
          timeout.toMillis() >= 1 && timeout.toHours() <= 24,
          "timeout",
          Durations.print(timeout),
          "1ms..24h");
    }

    Limits withDuration(Duration newDuration) {
      return new Limits(Optional.of(newDuration), requests, maxInFlight, timeout);
    }
  }
}
