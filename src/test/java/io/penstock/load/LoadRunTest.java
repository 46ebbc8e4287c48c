package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.penstock.fake.Ports;
import io.penstock.load.LoadConfig.Pace;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(300)
class LoadRunTest {
  /** By then what a server sends at once has come. */
  private static final Duration LATE = Duration.ofSeconds(3);

  @TempDir Path folder;
  private Vertx vertx;
  private FakeServer server;

  @BeforeEach
  void startServer() {
    vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    server = FakeServer.start(vertx);
  }

  @AfterEach
  void stop() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  /** What a test says of a run; the rest has defaults. */
  private static final class Load {
    final List<URI> addresses;
    Pace pace = new Pace.Closed(1);
    long requests = 3;
    int inputTokens = 20;
    int outputTokens = 5;
    int maxInFlight = 1000;
    Duration timeout = Duration.ofSeconds(60);
    boolean stream = true;
    boolean usage = true;
    boolean insecure;
    @Nullable String model = "m";
    @Nullable String goodput;
    @Nullable Path trace;

    Load(URI... addresses) {
      this.addresses = List.of(addresses);
    }

    LoadConfig config() {
      return new LoadConfig(
          new LoadConfig.Target(
              addresses,
              Endpoint.CHAT,
              Optional.ofNullable(model),
              Optional.of("sk-1"),
              Map.of("x-extra", "1"),
              insecure),
          new LoadConfig.Workload(
              Optional.ofNullable(trace),
              Duration.ZERO,
              OptionalInt.empty(),
              inputTokens,
              outputTokens,
              OptionalInt.empty(),
              OptionalInt.empty(),
              stream,
              true,
              usage),
          pace,
          new LoadConfig.Limits(Optional.empty(), OptionalLong.of(requests), maxInFlight, timeout),
          Optional.ofNullable(goodput).map(Goodput::parse),
          1);
    }
  }

  private LoadReport report(Load load) throws Exception {
    return get(LoadRun.start(vertx, load.config(), p -> {}));
  }

  private static LoadReport get(Future<LoadReport> report)
      throws InterruptedException, ExecutionException, TimeoutException {
    return report.toCompletionStage().toCompletableFuture().get(200, TimeUnit.SECONDS);
  }

  @Test
  void wholeStreamsAreOk() throws Exception {
    Load load = new Load(server.at("ok"));
    load.model = null;
    LoadReport report = report(load);

    assertThat(report.isClean()).isTrue();
    assertThat(report.outcome(Ending.OK)).isEqualTo(3);
    assertThat(report.completionTokens()).isEqualTo(15);
    assertThat(report.promptTokens()).isEqualTo(21);
    assertThat(report.exactOutputs()).isEqualTo(3);
    assertThat(report.ttft().count()).isEqualTo(3);
    assertThat(report.setup().model()).isEqualTo("first-model");
    assertThat(server.bodies).hasSize(3).allMatch(b -> b.getString("model").equals("first-model"));
    assertThat(server.bodies)
        .allMatch(b -> b.getInteger("min_tokens") == 5 && b.getBoolean("ignore_eos"));
    assertThat(server.keys).containsOnly("Bearer sk-1");
    assertThat(server.requestIds).doesNotHaveDuplicates();
    assertThat(server.connections()).as("kept alive").isEqualTo(1);
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        Arguments.of("busy", Ending.HTTP_ERROR, "429 queue_full"),
        Arguments.of("nowhere", Ending.HTTP_ERROR, "404"),
        Arguments.of("hang-up", Ending.RESET, "before any answer"),
        Arguments.of("no-done", Ending.TRUNCATED, "without [DONE]"),
        Arguments.of("cut", Ending.TRUNCATED, "without [DONE]"),
        Arguments.of("cut-after-done", Ending.TRUNCATED, "HTTP body cut after [DONE]"),
        Arguments.of("error-frame", Ending.ERROR_FRAME, "bad_gateway"),
        Arguments.of("html", Ending.MALFORMED, "content-type text/html"),
        Arguments.of("malformed-then-more", Ending.MALFORMED, "frame is not a JSON object"),
        Arguments.of("silent", Ending.TIMEOUT, "before any content"),
        Arguments.of("stall", Ending.TIMEOUT, "in mid-stream"));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("broken")
  void whatIsBrokenIsNamed(String behaviour, Ending ending, String detail) throws Exception {
    Load load = new Load(server.at(behaviour));
    load.requests = 2;
    load.pace = new Pace.Closed(2);
    load.timeout = ending == Ending.TIMEOUT ? LATE : load.timeout;
    LoadReport report = report(load);

    assertThat(report.outcomes()).containsEntry(ending, 2L).containsEntry(Ending.OK, 0L);
    assertThat(report.errors()).containsExactly(Map.entry(ending.label() + ": " + detail, 2L));
    assertThat(report.failures()).hasSize(2);
    assertThat(server.requestIds).contains(report.failures().get(0).requestId());
    assertThat(report.isClean()).isFalse();
  }

  @Test
  void aResetIsNotACut() throws Exception {
    FakeServer resetting = FakeServer.resetting(vertx);

    assertThat(report(new Load(resetting.at("cut"))).errors())
        .containsExactly(Map.entry("reset: in mid-stream", 3L));
    assertThat(report(new Load(resetting.at("hang-up"))).errors())
        .containsExactly(Map.entry("reset: before any answer", 3L));
  }

  @Test
  void refusedConnectionsAreNamed() throws Exception {
    LoadReport report = report(new Load(closedPort()));

    assertThat(report.errors()).containsExactly(Map.entry("connect: refused", 3L));
  }

  private static URI closedPort() {
    return URI.create("http://127.0.0.1:" + Ports.free());
  }

  @Test
  void aStreamThatFailedOrIsLateIsCancelledUpstream() throws Exception {
    Load late = new Load(server.at("stall"));
    late.requests = 1;
    late.timeout = LATE;
    report(late);
    Load malformed = new Load(server.at("malformed-then-more"));
    malformed.requests = 1;
    report(malformed);

    CompletableFuture<Void> seen = new CompletableFuture<>();
    vertx.setPeriodic(
        5,
        t -> {
          if (server.cancelled() == 2) {
            seen.complete(null);
          }
        });
    assertThat(seen).succeedsWithin(Duration.ofSeconds(60));
  }

  @Test
  void answersWithoutStreaming() throws Exception {
    Load load = new Load(server.at("plain"));
    load.stream = false;
    LoadReport report = report(load);

    assertThat(report.isClean()).isTrue();
    assertThat(report.ttft().count()).isZero();
    assertThat(report.endToEnd().count()).isEqualTo(3);
    assertThat(report.completionTokens()).isEqualTo(6);
    assertThat(server.bodies)
        .noneMatch(b -> b.getBoolean("stream") || b.containsKey("stream_options"));
    Load cut = new Load(server.at("plain-cut"));
    cut.stream = false;
    assertThat(report(cut).errors()).containsExactly(Map.entry("truncated: body cut", 3L));
  }

  @Test
  void aSlowServerNeverDelaysTheNextArrival() throws Exception {
    Load load = new Load(server.at("after-20"));
    load.trace = trace(20, 0.01);
    load.pace = new Pace.AsTraced(1, OptionalDouble.empty());
    load.requests = 20;
    LoadReport report = report(load);

    // Nobody is answered before the last has arrived.
    assertThat(report.isClean()).isTrue();
    assertThat(server.connections()).as("far beyond a pool of five").isEqualTo(20);
    load = new Load(server.at("slow"));
    assertThat(report(load).ttft().p50()).isGreaterThanOrEqualTo(299);
  }

  private Path trace(int rows, double gapSeconds) throws IOException {
    StringBuilder csv = new StringBuilder("t_s,input_tokens,output_tokens\n");
    for (int i = 0; i < rows; i++) {
      csv.append(i * gapSeconds).append(",10,3\n");
    }
    return Files.writeString(folder.resolve("trace.csv"), csv);
  }

  @Test
  void whatDoesNotFitInFlightIsCountedAsShed() throws Exception {
    Load load = new Load(server.at("slow"));
    load.pace = new Pace.Poisson(1000);
    load.requests = 50;
    load.maxInFlight = 4;
    LoadReport report = report(load);

    assertThat(report.planned()).isEqualTo(50);
    assertThat(report.outcome(Ending.OK)).isEqualTo(report.sent()).isGreaterThanOrEqualTo(4);
    assertThat(report.outcome(Ending.SHED)).isEqualTo(50 - report.sent()).isPositive();
    assertThat(report.isClean()).isFalse();
  }

  @Test
  void aClosedLoopKeepsItsConcurrency() throws Exception {
    Load load = new Load(server.at("slow"));
    load.pace = new Pace.Closed(4);
    load.requests = 12;
    LoadReport report = report(load);

    assertThat(report.outcome(Ending.OK)).isEqualTo(12);
    assertThat(server.connections()).isEqualTo(4);
    assertThat(report.wallSeconds()).as("three rounds of 300 ms").isGreaterThanOrEqualTo(0.89);
  }

  @Test
  void timesOfPacedTokens() throws Exception {
    Load load = new Load(server.at("paced"));
    load.requests = 4;
    load.outputTokens = 6;
    load.goodput = "itl=1ms";
    LoadReport report = report(load);

    assertThat(report.isClean()).isTrue();
    assertThat(report.perToken().p50()).isBetween(18.0, 10_000.0);
    assertThat(report.interToken().count()).isEqualTo(4 * 5);
    assertThat(report.endToEnd().p50()).isGreaterThanOrEqualTo(5 * 19);
    assertThat(report.good().orElseThrow().requests())
        .as("20 ms a token is not within 1 ms")
        .isZero();
    load.goodput = "itl=30s,e2e=60s";
    assertThat(report(load).goodShare()).isCloseTo(1, within(1e-9));
  }

  @Test
  void addressesAreUsedInTurnAndReplicasCounted() throws Exception {
    FakeServer second = FakeServer.start(vertx);
    Load load = new Load(server.at("replicas"), second.at("replicas/v1/"));
    load.requests = 16;
    LoadReport report = report(load);

    assertThat(report.isClean()).isTrue();
    assertThat(report.addresses().values()).containsExactly(8L, 8L);
    assertThat(report.replicas()).containsOnly(Map.entry("r-a", 4L), Map.entry("r-b", 12L));
    assertThat(second.bodies).hasSize(8);
  }

  @Test
  void tlsIsCheckedUnlessTold() throws Exception {
    FakeServer tls = FakeServer.tls(vertx);
    Load load = new Load(tls.at("ok"));
    load.requests = 1;

    assertThat(report(load).errors()).containsExactly(Map.entry("connect: TLS", 1L));
    load.insecure = true;
    assertThat(report(load).isClean()).isTrue();
  }

  @Test
  void stoppingWaitsBrieflyAndReportsTheRest() throws Exception {
    Load load = new Load(server.at("stall"));
    load.pace = new Pace.Poisson(200);
    load.requests = 1_000_000;
    LoadRun[] run = new LoadRun[1];
    List<LoadProgress> progress = Collections.synchronizedList(new ArrayList<>());
    run[0] =
        new LoadRun(
            vertx,
            load.config(),
            p -> {
              progress.add(p);
              run[0].stop();
            });
    LoadReport report = get(run[0].run());

    assertThat(report.sent()).isPositive().isLessThan(100_000);
    assertThat(report.outcomes())
        .containsEntry(Ending.INTERRUPTED, report.sent())
        .containsEntry(Ending.OK, 0L);
    assertThat(report.wallSeconds()).isBetween(2.0, 60.0);
    assertThat(progress.get(0).inFlight()).isPositive();
    assertThat(progress.get(0).line()).contains("ok 0  failed 0  shed 0");
  }

  @Test
  void stoppingAClosedLoopLetsItsAnswersFinish() throws Exception {
    Load load = new Load(server.at("slow"));
    load.pace = new Pace.Closed(2);
    load.requests = 1_000_000;
    LoadRun[] run = new LoadRun[1];
    run[0] = new LoadRun(vertx, load.config(), p -> run[0].stop());
    LoadReport report = get(run[0].run());

    assertThat(report.isClean()).isTrue();
    assertThat(report.outcome(Ending.OK)).isEqualTo(report.planned()).isPositive();
  }

  @Test
  void saysWhyTheModelIsNotKnown() throws Exception {
    URI nobody = closedPort();
    Load load = new Load(nobody);
    load.model = null;
    assertThatThrownBy(() -> report(load))
        .hasCauseInstanceOf(LoadException.class)
        .hasMessageContaining("model: GET " + nobody + "/v1/models: refused")
        .hasMessageEndingWith("(expected: a list with a model, or --model NAME)");
    Load empty = new Load(server.at("no-models"));
    empty.model = null;
    assertThatThrownBy(() -> report(empty))
        .hasMessageContaining("/no-models/v1/models: no model in its answer");
    Load key = new Load(server.at("models-401"));
    key.model = null;
    assertThatThrownBy(() -> report(key)).hasMessageContaining(": 401 invalid_api_key (expected:");
  }
}
