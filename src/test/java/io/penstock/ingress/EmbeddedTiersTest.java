package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.json;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.calibrate.Calibration;
import io.penstock.calibrate.CalibrationConfig;
import io.penstock.calibrate.EmbeddingsConfig;
import io.penstock.calibrate.EmbeddingsProgress;
import io.penstock.fake.HiddenDifficulty;
import io.penstock.fake.Ports;
import io.penstock.inference.Appraisal;
import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierPolicy;
import io.penstock.message.AskDecisions;
import io.penstock.message.Decision;
import io.penstock.message.Decisions;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tiers by a model that was calibrated with embeddings, which a pool gives, over real sockets. */
class EmbeddedTiersTest {
  private static final String ESTIMATES = "penstock_complexity_estimates_total";
  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir Path folder;
  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ScriptedEngine engine = new ScriptedEngine(vertx);
  private final HiddenDifficulty seer = new HiddenDifficulty(vertx);
  private final AtomicInteger hung = new AtomicInteger();
  private final AtomicInteger left = new AtomicInteger();
  private final BlockingQueue<Message> told = new LinkedBlockingQueue<>();

  @SuppressWarnings("NullAway.Init") // by start
  private Gateway gateway;

  /** Never says anything. */
  private void hang(HttpServerRequest request, List<String> inputs) {
    hung.incrementAndGet();
    request.connection().closeHandler(gone -> left.incrementAndGet());
  }

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  private static String prompt(int i) {
    return "Name the river r" + Integer.toString(7_919 * i + 1_000, 36) + ".";
  }

  private Calibration calibrate() throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      lines.add(
          "{\"prompt\":\"%s\",\"m\":{\"small\":{\"score\":%d},\"large\":{\"score\":1}}}"
              .formatted(prompt(i), HiddenDifficulty.isHard(prompt(i)) ? 0 : 1));
    }
    return Calibration.of(
        new CalibrationConfig(
            List.of(Files.write(folder.resolve("labels.jsonl"), lines)),
            Optional.empty(),
            Optional.empty(),
            0,
            0,
            2,
            false,
            Set.of(),
            false,
            4,
            0,
            7,
            Optional.of(
                new EmbeddingsConfig(
                    EmbeddingsConfig.endpoint(seer.url()),
                    "seer",
                    Optional.empty(),
                    64,
                    2,
                    100,
                    LONG,
                    Optional.empty()))),
        EmbeddingsProgress.NONE);
  }

  /** Three tiers of one engine, and a pool that embeds. */
  private void start(String embedder, Duration timeout) throws Exception {
    Calibration learned = calibrate();
    seer.asked.clear();
    List<String> urls = List.of(engine.url());
    Fleet plain = TieredFleet.of(List.of(urls, urls, urls, List.of(embedder)), Optional.empty());
    TierPolicy tiers = plain.tiers().orElseThrow();
    ComplexityEstimator estimator =
        new ComplexityEstimator(
            learned.model(),
            Optional.of(
                new ComplexityEstimator.Embedder(new ModelName("model-judge"), timeout, 1 << 20)));
    Gateway.Setup setup = new Gateway.Setup();
    setup.fleet =
        Optional.of(
            new Fleet(
                plain.pools(),
                true,
                Optional.empty(),
                Optional.of(
                    new TierPolicy(
                        tiers.names(),
                        tiers.tiers(),
                        tiers.defaultTier(),
                        tiers.strategy(),
                        tiers.qualityThreshold(),
                        tiers.latencyBudgetMillis(),
                        tiers.minQuality(),
                        Optional.of(estimator),
                        Optional.empty())),
                "hash"));
    engine.answer(
        (socket, request) ->
            socket.write(
                json(
                    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                        + "\"The Rhine.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,"
                        + "\"completion_tokens\":2,\"total_tokens\":5}}")));
    gateway = new Gateway(List.of(), setup);
    gateway.node.bus().consume(Room.ADMIN, 0, told::add).await();
  }

  private CompletableFuture<HttpResponse<String>> send(String prompt, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port + "/v1/chat/completions"))
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\""
                        + prompt
                        + "\"}]}"));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private String tier(String prompt, String... headers) throws Exception {
    HttpResponse<String> answer = send(prompt, headers).get(30, TimeUnit.SECONDS);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.headers().firstValue("x-penstock-tier").orElse("");
  }

  private double estimates(String by, String fallback) {
    return gateway.metric(ESTIMATES, "by=\"" + by + "\",fallback=\"" + fallback + "\"");
  }

  private static void await(BooleanSupplier condition, String what) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private void freed() {
    await(() -> gateway.metric("penstock_grants", "") == 0, "all slots free");
  }

  /** The complexity on the receipt of a request that a pool has served. */
  private Appraisal receipt(String request, String pool) throws Exception {
    Station self = new Station(gateway.node.bus().self(), Room.ADMIN, 0);
    gateway
        .node
        .bus()
        .send(
            new Station(self.node(), Room.BATCHER, 0),
            new AskDecisions(1, self, new PoolName(pool), Optional.of(new RequestId(request)), 5))
        .await();
    Decisions answer = (Decisions) told.poll(20, TimeUnit.SECONDS);
    assertThat(answer).isNotNull();
    assertThat(answer.decisions()).hasSize(1);
    Decision decision = answer.decisions().get(0);
    return decision.appraisal().orElseThrow();
  }

  @Test
  void tiersAreChosenByWhatOnlyEmbeddingsTell() throws Exception {
    start(seer.url(), LONG);
    int hard = 0;
    int hardAtTheBest = 0;
    int easy = 0;
    int easyAtTheBest = 0;
    List<String> tiers = new ArrayList<>();
    for (int i = 1_000; i < 1_120; i++) {
      String tier = tier(prompt(i), "x-request-id", "r-" + i);
      tiers.add(tier);
      boolean best = tier.equals("quality");
      if (HiddenDifficulty.isHard(prompt(i))) {
        hard++;
        hardAtTheBest += best ? 1 : 0;
      } else {
        easy++;
        easyAtTheBest += best ? 1 : 0;
      }
    }
    assertThat(hard).isBetween(20, 60);
    assertThat((double) hardAtTheBest / hard).as("hard ones at the best tier").isGreaterThan(0.6);
    assertThat((double) easyAtTheBest / easy).as("easy ones").isLessThan(0.2);
    assertThat(seer.asked).hasSize(120);
    assertThat(estimates("embedding", "none")).isEqualTo(120);

    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200)); // else its receipt is no sample
    String tier = tier(prompt(1_000), "x-request-id", "again");
    assertThat(seer.asked).as("an equal prompt is not embedded again").hasSize(120);
    assertThat(estimates("cache", "none")).isEqualTo(1);
    Appraisal first = receipt("r-1000", tiers.get(0));
    Appraisal second = receipt("again", tier);
    assertThat(first.by()).isEqualTo("embedding");
    assertThat(second).isEqualTo(Appraisal.by("cache", first.complexity()));
    freed();
    assertThat(gateway.metric("penstock_tokens_total", "pool=\"judge\""))
        .as("what embedding took is its pool's")
        .isPositive();
    await(() -> gateway.accessLog().lines().count() >= 121, "the last line is written");
    assertThat(gateway.accessLog().lines()).as("and no request of its own").hasSize(121);
  }

  @Test
  void theClientsOwnWordNeedsNoEmbedding() throws Exception {
    start(seer.url(), LONG);
    assertThat(tier(prompt(1), "x-penstock-complexity", "0.9")).isEqualTo("quality");
    assertThat(tier(prompt(1), "x-penstock-tier", "standard")).isEqualTo("standard");
    assertThat(seer.asked).isEmpty();
    assertThat(estimates("header", "none")).isEqualTo(1);
    assertThat(estimates("surface", "tier_named")).isEqualTo(1);
  }

  @Test
  void whileItHangsTheSurfaceStandsForItAndItIsLeftAlone() throws Exception {
    start(seer.url(), Duration.ofMillis(30));
    seer.script(this::hang);
    for (int i = 0; i < 5; i++) {
      tier(prompt(2_000 + i), "x-request-id", "hung-" + i);
    }
    assertThat(estimates("surface", "timeout")).isGreaterThanOrEqualTo(3);
    assertThat(estimates("surface", "timeout") + estimates("surface", "resting")).isEqualTo(5);
    String tier = tier(prompt(2_100), "x-request-id", "late");
    assertThat(receipt("late", tier).by()).isEqualTo("surface");
    assertThat(receipt("late", tier).why()).isIn("timeout", "resting");
    await(() -> left.get() == hung.get(), "calls that nobody waits for are ended");
    freed();

    seer.script(HiddenDifficulty::embed);
    AtomicInteger next = new AtomicInteger(3_000);
    await(
        () -> {
          try {
            tier(prompt(next.getAndIncrement()));
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
          return estimates("embedding", "none") > 0;
        },
        "it is asked again");
    freed();
  }

  @Test
  void whateverItSaysInsteadRequestsAreServed() throws Exception {
    start(seer.url(), LONG);
    seer.script(
        (request, inputs) -> request.response().end("{\"data\":[{\"embedding\":[1,2,3]}]}"));
    tier(prompt(1));
    assertThat(estimates("surface", "wrong_dimension")).isEqualTo(1);
    seer.script((request, inputs) -> request.response().end("{\"data\":[{\"embedding\":\"x\"}]}"));
    tier(prompt(2));
    assertThat(estimates("surface", "malformed")).isEqualTo(1);
    seer.script(HiddenDifficulty::embed);
    tier(prompt(3));
    assertThat(estimates("embedding", "none")).isEqualTo(1);
    seer.script(
        (request, inputs) ->
            request.response().setStatusCode(400).end("{\"error\":{\"message\":\"no\"}}"));
    tier(prompt(4));
    assertThat(estimates("surface", "refused")).isEqualTo(1);
    freed();
  }

  @Test
  void withoutAnybodyThereRequestsAreServed() throws Exception {
    start("http://127.0.0.1:" + Ports.free(), LONG);
    for (int i = 0; i < 4; i++) {
      tier(prompt(i));
    }
    double broken = estimates("surface", "broken") + estimates("surface", "no_slot");
    assertThat(broken).isGreaterThanOrEqualTo(1);
    assertThat(broken + estimates("surface", "resting")).isEqualTo(4);
    freed();
  }

  /** The pool that embeds has four slots; what waits for one holds none of another pool. */
  @Test
  void manyAtOnceWaitForFewSlots() throws Exception {
    start(seer.url(), LONG);
    List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      all.add(send(prompt(5_000 + i)));
    }
    for (CompletableFuture<HttpResponse<String>> each : all) {
      assertThat(each.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    assertThat(estimates("embedding", "none")).isEqualTo(60);
    assertThat(seer.mostOpen.get()).isLessThanOrEqualTo(4);
    freed();
  }

  @Test
  void aClientThatLeavesMeanwhileEndsTheCall() throws Exception {
    start(seer.url(), LONG);
    seer.script(this::hang);
    CompletableFuture<HttpResponse<String>> leaves = send(prompt(1));
    await(() -> !seer.asked.isEmpty(), "the prompt is being embedded");
    leaves.cancel(true);
    await(() -> left.get() == 1, "the call is ended");
    freed();
    seer.script(HiddenDifficulty::embed);
    tier(prompt(2));
    assertThat(estimates("embedding", "none")).isEqualTo(1);
    assertThat(gateway.metric(ESTIMATES, "")).as("nothing of the one that left").isEqualTo(1);
  }
}
