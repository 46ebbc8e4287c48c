package io.penstock.replay;

import static io.penstock.inference.Checks.require;

import io.penstock.load.Durations;
import io.penstock.load.Goodput;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a replay is to do.
 *
 * @param policies whose figures are wanted; all that there are where it is empty
 * @param traceBlockTokens tokens of a block of the trace, where its file does not tell
 * @param kvBlockTokens tokens of a block of the engines' caches; what fits the trace when absent
 * @param requests no more arrivals; a trace that has fewer begins again
 * @param duration no arrivals after it; a trace that is over before begins again
 * @param warmup requests that arrive before it are not in the figures
 * @param seed of arrivals and of what policies leave to chance
 */
public record ReplayConfig(
    Path trace,
    Path fleet,
    List<String> policies,
    Load load,
    OptionalInt traceBlockTokens,
    OptionalInt kvBlockTokens,
    OptionalInt requests,
    Optional<Duration> duration,
    Duration warmup,
    Goodput goodput,
    long seed) {
  private static final int BLOCK_TOKENS_MAX = 1 << 16;

  public ReplayConfig {
    policies = policies.isEmpty() ? Policy.names() : List.copyOf(new LinkedHashSet<>(policies));
    policies.forEach(Policy::of);
    requireBlock("block-tokens", traceBlockTokens);
    requireBlock("kv-block-tokens", kvBlockTokens);
    requests.ifPresent(n -> require(n >= 1, "requests", n, ">= 1"));
    duration.ifPresent(
        time -> require(!time.isZero(), "duration", Durations.print(time), "over 0"));
    require(
        goodput.ttft().isPresent() || goodput.itl().isPresent(), "goodput", goodput, "ttft or itl");
  }

  private static void requireBlock(String name, OptionalInt tokens) {
    tokens.ifPresent(
        n -> require(n >= 1 && n <= BLOCK_TOKENS_MAX, name, n, "1.." + BLOCK_TOKENS_MAX));
  }

  /** The names that {@code policies} may have, in the order of the report. */
  public static List<String> policyNames() {
    return Policy.names();
  }

  /** How much arrives. */
  public sealed interface Load {
    /** As the trace has it. */
    record AsTraced() implements Load {}

    /**
     * At a rate.
     *
     * @param perSecond requests, or sessions that start where the trace has sessions of their own
     *     time
     */
    record Rate(double perSecond) implements Load {
      public Rate {
        require(perSecond > 0 && perSecond <= 1e6, "rate", perSecond, "over 0, at most 1000000");
      }
    }

    /**
     * At the rate at which a policy just has so many of its requests within the bounds.
     *
     * @param good share of the requests
     */
    record Saturating(String policy, double good) implements Load {
      public Saturating {
        Policy.of(policy);
        require(good > 0 && good < 1, "saturate-at", good, "over 0 and below 1");
      }
    }

    /**
     * Of what was asked for, at most one.
     *
     * @param good for {@code saturate}, 0.9 where it is not said
     * @throws IllegalArgumentException when there are several, or a share and nothing to saturate
     */
    static Load of(Optional<Double> rate, Optional<String> saturate, Optional<Double> good) {
      if (good.isPresent() && saturate.isEmpty()) {
        throw new IllegalArgumentException(
            "saturate-at: " + good.get() + " without saturate (expected: a policy to saturate)");
      }
      if (rate.isPresent() && saturate.isPresent()) {
        throw new IllegalArgumentException(
            "rate: " + rate.get() + " beside saturate: " + saturate.get() + " (expected: one)");
      }
      if (saturate.isPresent()) {
        return new Saturating(saturate.get(), good.orElse(0.9));
      }
      return rate.<Load>map(Rate::new).orElseGet(AsTraced::new);
    }
  }
}
