package io.penstock.load;

import static io.penstock.inference.Checks.require;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a request must keep to count as good: goodput is the share of requests that do (Zhong et
 * al., DistServe, OSDI 2024). A request that was not {@code ok} is never good.
 *
 * @param ttft longest time to the first token, from the planned arrival
 * @param itl longest mean time between the tokens of one answer
 * @param e2e longest time to the end of the answer, from the planned arrival
 */
public record Goodput(Optional<Duration> ttft, Optional<Duration> itl, Optional<Duration> e2e) {
  private static final String EXPECTED = "such as ttft=2000ms,itl=25ms; keys: ttft, itl, e2e";

  public Goodput {
    require(
        ttft.isPresent() || itl.isPresent() || e2e.isPresent(), "goodput", "no bound", EXPECTED);
  }

  /**
   * Reads {@code ttft=2000ms,itl=25ms,e2e=30s}, at least one of them.
   *
   * @throws IllegalArgumentException naming what was found and what was expected
   */
  public static Goodput parse(String text) {
    Optional<Duration> ttft = Optional.empty();
    Optional<Duration> itl = Optional.empty();
    Optional<Duration> e2e = Optional.empty();
    for (String part : text.split(",", -1)) {
      int equals = part.indexOf('=');
      require(equals > 0, "goodput", "'" + part + "'", EXPECTED);
      String key = part.substring(0, equals).trim();
      Optional<Duration> bound =
          Optional.of(Durations.parse("goodput " + key, part.substring(equals + 1).trim()));
      switch (key) {
        case "ttft" -> ttft = bound;
        case "itl" -> itl = bound;
        case "e2e" -> e2e = bound;
        default ->
            throw new IllegalArgumentException(
                "goodput: '" + key + "' (expected: " + EXPECTED + ")");
      }
    }
    return new Goodput(ttft, itl, e2e);
  }

  /**
   * Whether a request that was {@code ok} kept the bounds.
   *
   * @param itlNanos mean time between tokens; 0 for an answer of one token
   */
  public boolean keeps(long ttftNanos, long itlNanos, long e2eNanos) {
    return within(ttft, ttftNanos) && within(itl, itlNanos) && within(e2e, e2eNanos);
  }

  private static boolean within(Optional<Duration> bound, long nanos) {
    return bound.isEmpty() || nanos <= bound.get().toNanos();
  }

  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    ttft.ifPresent(d -> parts.add("ttft=" + Durations.print(d)));
    itl.ifPresent(d -> parts.add("itl=" + Durations.print(d)));
    e2e.ifPresent(d -> parts.add("e2e=" + Durations.print(d)));
    return String.join(",", parts);
  }
}
