package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.penstock.app.Node;
import io.penstock.app.NodeSetup;
import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import io.penstock.load.Trace;
import io.penstock.load.TraceReader;
import io.penstock.load.TracedRequest;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The order of the routing strategies in life is that of the replay: one trace, the same arrivals,
 * {@code penstock replay} against {@code penstock load} through a node to eight simulated replicas
 * over sockets, at a load that just saturates {@code least_loaded}.
 *
 * <p>The engines, the arrivals and the bounds are slower by one factor, so that what the machine
 * itself needs is small beside them. What the gateway decides by time (its forecasts, its probers)
 * is not.
 */
@Tag("soak")
class LiveOrderIT {
  private static final Logger LOG = LoggerFactory.getLogger(LiveOrderIT.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A trace with prefix blocks in ticks of three seconds, as Mooncake's; it is no part of this. */
  private static final Path TRACE = Path.of(System.getProperty("live.trace", ""));

  private static final double SLOWER = Double.parseDouble(System.getProperty("live.slower", "4"));
  private static final int REQUESTS = Integer.getInteger("live.requests", 800);

  private static final List<String> STRATEGIES =
      List.of("round_robin", "least_loaded", "prefix_cache", "predicted_latency");

  /** Differences of shares that chance makes. */
  private static final double CLOSE = 0.03;

  @TempDir private Path folder;

  /** Requests a second at the pace of {@link #arrivals}. */
  private double ownRate;

  /** At which {@code least_loaded} has 90 % of the requests within the bounds, by the replay. */
  private double rate;

  /** How a strategy fared: the share of good requests, of tokens found cached; TTFT in ms. */
  private record Fared(double good, double hits, double ttftP50, double ttftP99, long notOk) {}

  @Test
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void isThatOfTheReplay() throws Exception {
    Assumptions.assumeTrue(Files.isRegularFile(TRACE), "live.trace names no file");
    Path arrivals = arrivals();
    Map<String, Fared> foretold = replay(arrivals);
    Map<String, Fared> found = new LinkedHashMap<>();
    for (String strategy : STRATEGIES) {
      found.put(strategy, live(strategy, arrivals));
      LOG.info("{}: foretold {}, found {}", strategy, foretold.get(strategy), found.get(strategy));
    }
    LOG.info("{}", table(foretold, found));
    List<String> contradictions = new ArrayList<>();
    for (String a : STRATEGIES) {
      for (String b : STRATEGIES) {
        compare(
            "good",
            a,
            b,
            fared(foretold, a).good,
            fared(foretold, b).good,
            fared(found, a).good,
            fared(found, b).good,
            contradictions);
        compare(
            "hits",
            a,
            b,
            fared(foretold, a).hits,
            fared(foretold, b).hits,
            fared(found, a).hits,
            fared(found, b).hits,
            contradictions);
      }
    }
    assertThat(contradictions).isEmpty();
    assertThat(found.values()).allSatisfy(each -> assertThat(each.notOk).isZero());
  }

  private static Fared fared(Map<String, Fared> all, String strategy) {
    return Objects.requireNonNull(all.get(strategy), strategy);
  }

  private static void compare(
      String what,
      String a,
      String b,
      double foretoldA,
      double foretoldB,
      double foundA,
      double foundB,
      List<String> contradictions) {
    if (foretoldA - foretoldB > CLOSE && foundA <= foundB) {
      contradictions.add(
          String.format(
              Locale.ROOT,
              "%s: %s before %s by the replay (%.3f, %.3f), not in life (%.3f, %.3f)",
              what,
              a,
              b,
              foretoldA,
              foretoldB,
              foundA,
              foundB));
    }
  }

  private String table(Map<String, Fared> foretold, Map<String, Fared> found) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%d requests of %s at %.1f/s, everything %.0f times slower; times below as if it were"
                + " not%n%-18s %7s %7s %9s %9s %7s %7s %9s %9s%n",
            REQUESTS,
            TRACE.getFileName(),
            rate,
            SLOWER,
            "",
            "replay",
            "hits",
            "TTFT p50",
            "p99",
            "life",
            "hits",
            "TTFT p50",
            "p99"));
    for (String each : STRATEGIES) {
      Fared a = fared(foretold, each);
      Fared b = fared(found, each);
      text.append(
          String.format(
              Locale.ROOT,
              "%-18s %6.1f%% %6.1f%% %9.0f %9.0f %6.1f%% %6.1f%% %9.0f %9.0f%n",
              each,
              100 * a.good,
              100 * a.hits,
              a.ttftP50,
              a.ttftP99,
              100 * b.good,
              100 * b.hits,
              b.ttftP50 / SLOWER,
              b.ttftP99 / SLOWER));
    }
    return text.toString();
  }

  /** The first requests of the trace, spread over the ticks of its recorder. */
  private Path arrivals() throws IOException {
    Trace trace = TraceReader.read(TRACE, OptionalInt.empty());
    List<TracedRequest> rows = trace.requests().subList(0, REQUESTS);
    SplittableRandom random = new SplittableRandom(1);
    double tick = 3;
    double[] times = new double[REQUESTS];
    for (int i = 0; i < REQUESTS; i++) {
      times[i] = rows.get(i).atNanos() / 1e9 + random.nextDouble() * tick;
    }
    Arrays.sort(times); // requests of one tick have no order of their own
    double last = times[REQUESTS - 1] - times[0];
    ownRate = REQUESTS / (last + last / (REQUESTS - 1)); // as the replay has it
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      TracedRequest row = rows.get(i);
      StringBuilder blocks = new StringBuilder();
      for (int run = 0; run < row.blocks().length; run += 2) {
        blocks.append(run == 0 ? "" : ",");
        blocks.append('[').append(row.blocks()[run]).append(',');
        blocks.append(row.blocks()[run + 1]).append(']');
      }
      lines.add(
          String.format(
              Locale.ROOT,
              "{\"t\":%.4f,\"in\":%d,\"out\":%d,\"blk\":[%s]}",
              times[i] - times[0],
              row.inputTokens(),
              row.outputTokens(),
              blocks));
    }
    return Files.write(folder.resolve("arrivals.jsonl"), lines);
  }

  private Map<String, Fared> replay(Path arrivals) throws IOException {
    Path report = folder.resolve("replay.json");
    List<String> args = new ArrayList<>();
    args.addAll(List.of("replay", "--trace", arrivals.toString()));
    args.addAll(List.of("--fleet", "conf/replay/h100x8.json", "--json", report.toString()));
    args.addAll(List.of("--saturate", "least_loaded"));
    STRATEGIES.forEach(each -> args.addAll(List.of("--policy", each)));
    run(args);
    Map<String, Fared> all = new LinkedHashMap<>();
    JsonNode read = JSON.readTree(report.toFile());
    rate = read.path("rate").asDouble();
    for (JsonNode each : read.path("policies")) {
      JsonNode ttft = each.path("ttft_ms").path("percentiles");
      all.put(
          each.path("policy").asText(),
          new Fared(
              each.path("good_share").asDouble(),
              each.path("hit_share").asDouble(),
              ttft.path(50).asDouble(),
              ttft.path(99).asDouble(),
              each.path("sent").asLong() - each.path("ok").asLong()));
    }
    return all;
  }

  private static void run(List<String> args) {
    StringWriter out = new StringWriter();
    PrintWriter to = new PrintWriter(out, true);
    int code = Main.run(args.toArray(new String[0]), Map.of(), to, to);
    assertThat(code).as("%s: %s", args, out).isZero();
  }

  private Fared live(String strategy, Path arrivals) throws Exception {
    Vertx vertx = Vertx.vertx();
    SimProfile h100 = SimProfile.of("h100-llama-3.1-8b");
    EngineSimulator engines =
        await(
            EngineSimulator.start(
                vertx, SimConfig.of(slower(h100)).withModel("chat").withReplicas(8)));
    Node node = start(strategy, engines);
    try {
      Path report = folder.resolve(strategy + ".json");
      int port = node.config().ingress().port();
      run(
          List.of(
              "load",
              "--trace",
              arrivals.toString(),
              "--block-tokens",
              "512",
              "--speed",
              String.valueOf(rate / ownRate / SLOWER),
              "--goodput",
              "ttft=" + (long) (2_000 * SLOWER) + "ms,itl=" + (long) (25 * SLOWER) + "ms",
              "--timeout",
              "10m",
              "--model",
              "chat",
              "--allow-errors",
              "--json",
              report.toString(),
              "http://127.0.0.1:" + port));
      JsonNode read = JSON.readTree(report.toFile());
      return new Fared(
          read.path("goodput").path("share").asDouble(),
          hits(node),
          read.path("ttft_ms").path("p50").asDouble(),
          read.path("ttft_ms").path("p99").asDouble(),
          read.path("planned").asLong() - read.path("outcomes").path("ok").asLong());
    } finally {
      await(node.close());
      await(vertx.close());
    }
  }

  private static SimProfile slower(SimProfile of) {
    return new SimProfile(
        "slower",
        of.model(),
        of.prefillMicrosPerToken() * SLOWER,
        of.stepBaseMicros() * SLOWER,
        of.stepPerSequenceMicros() * SLOWER,
        of.stepPerContextTokenMicros() * SLOWER,
        of.kvTokens(),
        of.maxNumSeqs(),
        of.maxBatchedTokens(),
        of.maxModelLength());
  }

  private Node start(String strategy, EngineSimulator engines) throws Exception {
    StringBuilder replicas = new StringBuilder();
    for (int port : engines.ports()) {
      replicas.append(replicas.length() == 0 ? "" : ",");
      replicas.append("{\"url\": \"http://127.0.0.1:").append(port).append("\"}");
    }
    long wait = (long) (60_000 * SLOWER);
    Path file = folder.resolve("node.json");
    Files.writeString(
        file,
        """
        {"node": {"name": "n", "event_loops": 1, "ports": {"http": 0, "admin": 0}},
         "fleet": {"pools": [{"name": "chat", "model_id": "chat", "engine": "vllm",
           "routing_strategy": "%s", "max_concurrent": 64, "replicas": [%s],
           "queue": {"queue_ms": {"interactive": %d, "default": %d}}}]}}
        """
            .formatted(strategy, replicas, wait, wait));
    NodeConfig config =
        ConfigLoader.load(file, name -> Optional.empty())
            .fold(
                ok -> ok.config(),
                failed -> {
                  throw new AssertionError(failed.mistakes());
                });
    Node node =
        await(
            Node.start(
                config,
                new NodeSetup(
                    "test", LogFormat.JSON, new ByteArrayOutputStream(), Clock.system())));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!node.readiness().ready()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
    return node;
  }

  /** By the engines' word, as the pool's owner has heard it. */
  private static double hits(Node node) throws Exception {
    int port = node.config().admin().orElseThrow().port();
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/admin/v1/pools"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    LOG.info("{}", answer.body());
    return JSON.readTree(answer.body())
        .path("pools")
        .path(0)
        .path("prefix_cache")
        .path("hit_share")
        .asDouble();
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
