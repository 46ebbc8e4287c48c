package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.fake.Pools;
import io.penstock.fault.Fault;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.TokenUsage;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class RequestMetersTest {
  private static final ModelName LLAMA = new ModelName("llama-3.1-8b");
  private static final ModelName ALIAS = new ModelName("small");
  private static final PoolName POOL = new PoolName("chat");
  private static final Fleet FLEET =
      new Fleet(
          List.of(Pools.of(POOL.value(), LLAMA.value()).aliases(List.of(ALIAS)).make()),
          false,
          Optional.empty(),
          "hash");

  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final RequestMeters meters = new RequestMeters(registry, FLEET);

  @Test
  void timesByTheFleetsOwnModelNames() {
    meters.of(Operation.CHAT, LLAMA).ended(Outcome.OK, TimeUnit.SECONDS.toNanos(3));
    meters.of(Operation.CHAT, LLAMA).firstToken(TimeUnit.MILLISECONDS.toNanos(40));
    meters.of(Operation.CHAT, LLAMA).outputTokens(TimeUnit.MILLISECONDS.toNanos(90), 10);

    assertThat(seconds(Names.REQUEST_DURATION, LLAMA.value(), "outcome", "ok")).isEqualTo(3.0);
    assertThat(seconds(Names.TIME_TO_FIRST_TOKEN, LLAMA.value())).isEqualTo(0.04);
    assertThat(seconds(Names.TIME_PER_OUTPUT_TOKEN, LLAMA.value())).isEqualTo(0.01);
  }

  @Test
  void oneTokenHasNoTimeBetweenTokens() {
    meters.of(Operation.CHAT, LLAMA).outputTokens(TimeUnit.SECONDS.toNanos(1), 1);

    assertThat(registry.find(Names.TIME_PER_OUTPUT_TOKEN).timers()).isEmpty();
  }

  @Test
  void theSameHandleEveryTime() {
    assertThat(meters.of(Operation.CHAT, LLAMA)).isSameAs(meters.of(Operation.CHAT, LLAMA));
    assertThat(meters.of(Operation.CHAT, null))
        .isSameAs(meters.of(Operation.CHAT, new ModelName("no such model")));
  }

  @Provide
  Arbitrary<String> names() {
    return Arbitraries.strings().ofMinLength(1).filter(name -> !name.isBlank());
  }

  @Property(tries = 50)
  void clientsCannotMakeSeries(@ForAll @Size(min = 1, max = 50) List<@From("names") String> names) {
    MeterRegistry own = new SimpleMeterRegistry();
    RequestMeters bounded = new RequestMeters(own, FLEET);
    for (String name : names) {
      bounded.of(Operation.CHAT, new ModelName(name)).ended(Outcome.CLIENT_ERROR, 1);
      bounded.tokens(new PoolName(name), new TokenUsage(1, 1, 0));
      bounded.responded(Operation.CHAT, name.hashCode(), null);
    }

    assertThat(values(own, Names.REQUEST_DURATION, "model")).containsExactly("unknown");
    assertThat(values(own, Names.TOKENS, "pool")).containsExactlyInAnyOrder("chat", "unknown");
    assertThat(values(own, Names.REQUESTS, "status"))
        .allMatch(s -> s.equals("unknown") || s.matches("[1-5]\\d\\d"));
  }

  @Test
  void countsResponsesByWhatWasSaid() {
    meters.responded(Operation.CHAT, 200, null);
    meters.responded(Operation.CHAT, 200, Fault.IDLE_TIMEOUT);
    meters.responded(Operation.EMBEDDINGS, 422, null);
    meters.responded(null, 404, Fault.UNKNOWN_PATH);
    meters.responded(null, 99, null);
    meters.responded(null, 600, null);

    assertThat(responses("chat", "200", "none")).isEqualTo(1);
    assertThat(responses("chat", "200", "idle_timeout")).isEqualTo(1);
    assertThat(responses("embeddings", "422", "engine")).isEqualTo(1);
    assertThat(responses("other", "404", "unknown_path")).isEqualTo(1);
    assertThat(responses("other", "unknown", "none")).isEqualTo(1);
    assertThat(responses("other", "unknown", "engine")).isEqualTo(1);
  }

  @Test
  void everyFaultHasItsCounter() {
    for (Fault fault : Fault.values()) {
      meters.responded(Operation.COMPLETION, fault.status(), fault);
      assertThat(responses("text_completion", Integer.toString(fault.status()), fault.code()))
          .as(fault.code())
          .isEqualTo(1);
    }
  }

  @Test
  void countsTokensOfAPool() {
    meters.tokens(POOL, new TokenUsage(100, 20, 64));
    meters.tokens(POOL, new TokenUsage(1, 2, 0));

    assertThat(tokens("prompt")).isEqualTo(101);
    assertThat(tokens("completion")).isEqualTo(22);
    assertThat(tokens("cached")).isEqualTo(64);
  }

  @Test
  void countsDisconnectsAndWhatTheyWasted() {
    meters.cancelled(Phase.QUEUED);
    meters.wasted(Phase.QUEUED, 0);
    meters.cancelled(Phase.STREAMING);
    meters.wasted(Phase.STREAMING, 17);

    assertThat(registry.get(Names.CANCELLED).tag("phase", "queued").counter().count()).isEqualTo(1);
    assertThat(registry.get(Names.WASTED_TOKENS).tag("phase", "streaming").counter().count())
        .isEqualTo(17);
    assertThat(registry.get(Names.WASTED_TOKENS).tag("phase", "queued").counter().count()).isZero();
  }

  @Test
  void countsRetriesByWhatCausedThem() {
    meters.retried(POOL, Outcome.TRANSPORT);
    meters.retried(POOL, Outcome.TRANSPORT);
    meters.retried(new PoolName("nobody's"), Outcome.FAULT);
    meters.retryBudgetExhausted();

    assertThat(
            registry
                .get(Names.RETRIES)
                .tags("pool", POOL.value(), "outcome", "transport")
                .counter()
                .count())
        .isEqualTo(2);
    assertThat(
            registry
                .get(Names.RETRIES)
                .tags("pool", RequestMeters.UNKNOWN, "outcome", "fault")
                .counter()
                .count())
        .isEqualTo(1);
    assertThat(registry.get(Names.RETRY_BUDGET_EXHAUSTED).counter().count()).isEqualTo(1);
  }

  @Test
  void countsWhatBecameOfBrokenStreams() {
    meters.resumed(POOL, TimeUnit.MILLISECONDS.toNanos(120));
    meters.resumeFailed(POOL);
    meters.resumeRefused(POOL, "tool_calls");

    for (String outcome : List.of("resumed", "failed", "refused")) {
      assertThat(registry.get(Names.RESUMES).tags("outcome", outcome).counter().count())
          .isEqualTo(1);
    }
    assertThat(registry.get(Names.RESUMES).tags("reason", "tool_calls").counter().count())
        .isEqualTo(1);
    assertThat(registry.get(Names.RESUME_GAP).timer().totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(120);
  }

  @Test
  void countsWhatIsInFlight() {
    meters.began();
    meters.began();
    meters.ended();

    assertThat(registry.get(Names.REQUESTS_IN_FLIGHT).gauge().value()).isEqualTo(1);
  }

  @Test
  void theBucketsAreThoseOfTheConvention() {
    try (Metrics metrics = new Metrics("1")) {
      RequestMeters.ForModel model =
          new RequestMeters(metrics.registry(), FLEET).of(Operation.CHAT, LLAMA);
      model.ended(Outcome.OK, 1);
      model.firstToken(1);
      model.outputTokens(2, 2);
      String text = metrics.scrape("").body().toString();

      assertThat(buckets(text, "gen_ai_server_request_duration_seconds"))
          .containsExactly(
              "0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64", "1.28", "2.56", "5.12",
              "10.24", "20.48", "40.96", "81.92", "+Inf");
      assertThat(buckets(text, "gen_ai_server_time_to_first_token_seconds"))
          .containsExactly(
              "0.001", "0.005", "0.01", "0.02", "0.04", "0.06", "0.08", "0.1", "0.25", "0.5",
              "0.75", "1.0", "2.5", "5.0", "7.5", "10.0", "+Inf");
      assertThat(buckets(text, "gen_ai_server_time_per_output_token_seconds"))
          .containsExactly(
              "0.01", "0.025", "0.05", "0.075", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5", "0.75",
              "1.0", "2.5", "+Inf");
    }
  }

  private static List<String> buckets(String scrape, String name) {
    return scrape
        .lines()
        .filter(line -> line.startsWith(name + "_bucket"))
        .map(line -> line.replaceAll(".*le=\"([^\"]+)\".*", "$1"))
        .collect(Collectors.toList());
  }

  private double seconds(String name, String model, String... tags) {
    return registry
        .get(name)
        .tags("operation", "chat", "model", model)
        .tags(tags)
        .timer()
        .totalTime(TimeUnit.SECONDS);
  }

  private double responses(String operation, String status, String code) {
    return registry
        .get(Names.REQUESTS)
        .tags("operation", operation, "status", status, "code", code)
        .counter()
        .count();
  }

  private double tokens(String kind) {
    Counter counter =
        registry
            .get(Names.TOKENS)
            .tags("model", LLAMA.value(), "pool", POOL.value(), "kind", kind)
            .counter();
    return counter.count();
  }

  private static Set<String> values(MeterRegistry registry, String name, String tag) {
    return registry.find(name).meters().stream()
        .map(Meter::getId)
        .map(id -> String.valueOf(id.getTag(tag)))
        .collect(Collectors.toSet());
  }
}
