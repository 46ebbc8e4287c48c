package io.penstock.sim;

import static io.penstock.inference.Checks.require;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What to simulate: some replicas of one engine.
 *
 * @param host the address to listen on
 * @param model the model's name on the wire
 * @param replicas how many engines; each has its own port
 * @param basePort the first one's port, the others' follow; 0 takes free ones
 * @param profile speed and memory
 * @param startupDelay how long an engine loads before it answers; until then {@code /health} and
 *     {@code /v1/*} say 503
 * @param maxNumSeqs sequences that run at once, where the profile's own limit shall not hold
 * @param seed of all text; engines with equal seeds say the same
 * @param continuation whether {@code continue_final_message} is known
 * @param kvEvents how they publish what their prefix caches hold; empty where they do not
 */
public record SimConfig(
    String host,
    String model,
    int replicas,
    int basePort,
    SimProfile profile,
    Duration startupDelay,
    OptionalInt maxNumSeqs,
    long seed,
    Continuation continuation,
    Optional<KvPublishing> kvEvents) {
  private static final int REPLICAS_MAX = 1024;

  /** What an engine does with {@code continue_final_message}. */
  public enum Continuation {
    /** Goes on with the message, and its API description says so. */
    OFFERED("offered"),
    /** Answers 400: a field that it does not know. */
    REFUSED("refused"),
    /** Does not look at the field and begins a message of its own. */
    IGNORED("ignored");

    private final String label;

    Continuation(String label) {
      this.label = label;
    }

    /** The name on the command line. */
    public String label() {
      return label;
    }

    /**
     * The constant with this {@link #label()}.
     *
     * @throws IllegalArgumentException that lists the labels
     */
    public static Continuation of(String label) {
      for (Continuation each : values()) {
        if (each.label.equals(label)) {
          return each;
        }
      }
      throw new IllegalArgumentException(
          "continuation: '" + label + "' (expected: one of offered, refused, ignored)");
    }
  }

  public SimConfig {
    require(!host.isBlank(), "host", "'" + host + "'", "an address or name");
    require(!model.isBlank(), "model", "'" + model + "'", "not blank");
    require(replicas >= 1 && replicas <= REPLICAS_MAX, "replicas", replicas, "1.." + REPLICAS_MAX);
    require(
        basePort == 0 || (basePort >= 1 && basePort + replicas - 1 <= 65_535),
        "basePort",
        basePort,
        "0, or 1.." + (65_536 - replicas) + " for " + replicas + " replicas");
    require(!startupDelay.isNegative(), "startupDelay", startupDelay, ">= 0");
    int sequences = maxNumSeqs.orElse(profile.maxNumSeqs());
    require(sequences >= 1 && sequences <= 65_536, "maxNumSeqs", sequences, "1..65536");
  }

  /** One replica of a profile's own model on a free loopback port, ready at once. */
  public static SimConfig of(SimProfile profile) {
    return new SimConfig(
        "127.0.0.1",
        profile.model(),
        1,
        0,
        profile,
        Duration.ZERO,
        OptionalInt.empty(),
        1,
        Continuation.OFFERED,
        Optional.empty());
  }

  /** One replica without any delay, for tests. */
  public static SimConfig instant() {
    return of(SimProfile.of("instant"));
  }

  /** The profile after the override of {@link #maxNumSeqs()}. */
  public SimProfile effectiveProfile() {
    return maxNumSeqs.isPresent() ? profile.withMaxNumSeqs(maxNumSeqs.getAsInt()) : profile;
  }

  /** The same on another address. */
  public SimConfig withHost(String value) {
    return new SimConfig(
        value,
        model,
        replicas,
        basePort,
        profile,
        startupDelay,
        maxNumSeqs,
        seed,
        continuation,
        kvEvents);
  }

  /** The same under another model name. */
  public SimConfig withModel(String value) {
    return new SimConfig(
        host,
        value,
        replicas,
        basePort,
        profile,
        startupDelay,
        maxNumSeqs,
        seed,
        continuation,
        kvEvents);
  }

  /** The same with so many replicas. */
  public SimConfig withReplicas(int value) {
    return new SimConfig(
        host,
        model,
        value,
        basePort,
        profile,
        startupDelay,
        maxNumSeqs,
        seed,
        continuation,
        kvEvents);
  }

  /** The same from another first port on. */
  public SimConfig withBasePort(int value) {
    return new SimConfig(
        host,
        model,
        replicas,
        value,
        profile,
        startupDelay,
        maxNumSeqs,
        seed,
        continuation,
        kvEvents);
  }

  /** The same at another speed. */
  public SimConfig withProfile(SimProfile value) {
    return new SimConfig(
        host,
        model,
        replicas,
        basePort,
        value,
        startupDelay,
        maxNumSeqs,
        seed,
        continuation,
        kvEvents);
  }

  /** The same with another loading time. */
  public SimConfig withStartupDelay(Duration value) {
    return new SimConfig(
        host, model, replicas, basePort, profile, value, maxNumSeqs, seed, continuation, kvEvents);
  }

  /** The same under another limit of running sequences. */
  public SimConfig withMaxNumSeqs(int value) {
    return new SimConfig(
        host,
        model,
        replicas,
        basePort,
        profile,
        startupDelay,
        OptionalInt.of(value),
        seed,
        continuation,
        kvEvents);
  }

  /** The same with other text. */
  public SimConfig withSeed(long value) {
    return new SimConfig(
        host,
        model,
        replicas,
        basePort,
        profile,
        startupDelay,
        maxNumSeqs,
        value,
        continuation,
        kvEvents);
  }

  /** The same with engines that treat {@code continue_final_message} so. */
  public SimConfig withContinuation(Continuation value) {
    return new SimConfig(
        host, model, replicas, basePort, profile, startupDelay, maxNumSeqs, seed, value, kvEvents);
  }

  /** The same with engines that publish what their prefix caches hold. */
  public SimConfig withKvEvents(KvPublishing value) {
    return new SimConfig(
        host,
        model,
        replicas,
        basePort,
        profile,
        startupDelay,
        maxNumSeqs,
        seed,
        continuation,
        Optional.of(value));
  }
}
