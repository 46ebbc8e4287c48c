package io.penstock.faults;

import io.penstock.app.Node;
import io.penstock.app.NodeSetup;
import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import io.penstock.fake.Ports;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Nodes and engines in this JVM, over real sockets, for many cells at a time: each cell has a pool
 * of its own with engines of its own. Beside them runs a steady load on a pool that nothing is done
 * to; all of it must be answered, and it feeds the retry budgets as a busy node's traffic does.
 */
final class Rig implements AutoCloseable {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final Duration SETTLED = Duration.ofSeconds(3);
  private static final int CELLS_AT_ONCE = 4;
  private static final int STEADY_MILLIS = 16;
  private static final int WARM_UP_ROUNDS = 30;
  private static final int WARM_UP_REQUESTS = 12;

  /**
   * Much more than a busy machine takes to connect, and to begin 200 streams at once. The idle
   * deadline is less than {@link Scenarios} has a client not read for.
   */
  private static final int CONNECT_MILLIS = 5_000;

  private static final int FIRST_TOKEN_MILLIS = 5_000;
  private static final int IDLE_MILLIS = 3_000;

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Node> nodes = new ArrayList<>();
  private final List<Integer> ports = new ArrayList<>();
  private final Map<Cell, EngineSimulator> engines = new LinkedHashMap<>();
  private final EngineSimulator reference;
  private final Cell steady;

  Rig(Path folder, int nodes, List<Cell> cells) throws Exception {
    steady =
        new Cell("steady load beside all cells", Mode.WHOLE, run -> {}).replicas(2).attempts(2);
    reference = await(EngineSimulator.start(vertx, SimConfig.instant().withModel("reference")));
    List<Cell> all = new ArrayList<>(cells);
    all.add(steady);
    JsonArray pools = new JsonArray();
    for (Cell cell : all) {
      EngineSimulator started =
          await(
              EngineSimulator.start(
                  vertx,
                  SimConfig.instant()
                      .withModel(cell.pool())
                      .withReplicas(cell.replicas)
                      .withBasePort(Ports.consecutive(cell.replicas)) // to be had again
                      .withProfile(SimProfile.of("instant").withFixedStep(cell.stepMicros))));
      engines.put(cell, started);
      pools.add(pool(cell, started));
    }
    List<Future<Node>> starting = new ArrayList<>();
    for (NodeConfig config : configs(folder, nodes, pools)) {
      starting.add(
          Node.start(
              config,
              new NodeSetup(
                  "faults", LogFormat.JSON, OutputStream.nullOutputStream(), Clock.system())));
    }
    for (Future<Node> each : starting) {
      Node node = await(each);
      this.nodes.add(node);
      ports.add(node.config().ingress().port());
    }
    long replicas = all.stream().mapToLong(cell -> cell.replicas).sum();
    long[] knownSince = {0};
    until(
        "all nodes and replicas are known, and have been for some seconds",
        () -> {
          boolean known =
              this.nodes.stream().allMatch(node -> node.view().nodes().size() == nodes)
                  && Math.round(metric("penstock_pool_owned", "")) == all.size()
                  && Math.round(metric("penstock_replica_healthy", "")) == replicas;
          knownSince[0] = !known ? 0 : knownSince[0] == 0 ? System.nanoTime() : knownSince[0];
          return known && System.nanoTime() - knownSince[0] > SETTLED.toNanos();
        });
  }

  /** A JVM that has just started is slow; cells that leave in time would find nothing. */
  private void warmUp(CellRun beside) {
    for (int i = 0; i < WARM_UP_ROUNDS; i++) {
      beside.expect(
          "a whole answer while warming up",
          beside.fire(WARM_UP_REQUESTS, new CellRun.Ask()),
          Cell.Allowed.whole());
    }
  }

  private static JsonObject pool(Cell cell, EngineSimulator started) {
    JsonArray replicas = new JsonArray();
    for (int i = 0; i < started.urls().size(); i++) {
      JsonObject replica =
          new JsonObject().put("url", started.urls().get(i)).put("id", cell.pool() + "-" + i);
      if (cell.zones > 0) {
        replica.put("zone", "zone-" + i % cell.zones);
      }
      replicas.add(replica);
    }
    JsonObject queue = new JsonObject();
    for (String priority : List.of("interactive", "default", "bulk")) {
      queue.put(priority, cell.queueMillis);
    }
    JsonObject pool =
        new JsonObject()
            .put("name", cell.pool())
            .put("model_id", cell.pool())
            .put("engine", "vllm")
            .put("max_concurrent", cell.maxConcurrent)
            .put("queue", new JsonObject().put("queue_ms", queue))
            .put(
                "health",
                new JsonObject()
                    .put("recovery_probe_interval_seconds", cell.recoverySeconds)
                    .put("signal_interval_ms", 5_000))
            .put("replicas", replicas);
    if (cell.breakerSeconds != Cell.BREAKER_SECONDS) {
      pool.put(
          "circuit_breaker",
          new JsonObject()
              .put("circuit_breaker_recovery_seconds", cell.breakerSeconds)
              .put("slow_start_seconds", 0));
    }
    if (cell.mode == Mode.EMBEDDINGS) {
      pool.put("capabilities", new JsonArray().add("embeddings"));
    }
    return pool;
  }

  private static List<NodeConfig> configs(Path folder, int nodes, JsonArray pools)
      throws IOException {
    List<Integer> clusterPorts = new ArrayList<>();
    JsonArray members = new JsonArray();
    for (int i = 0; i < nodes; i++) {
      int port = Ports.free();
      clusterPorts.add(port);
      members.add("127.0.0.1:" + port);
    }
    List<NodeConfig> configs = new ArrayList<>();
    for (int i = 0; i < nodes; i++) {
      JsonObject ports = new JsonObject().put("http", Ports.free());
      JsonObject node =
          new JsonObject().put("name", "node-" + i).put("event_loops", 1).put("ports", ports);
      JsonObject config = new JsonObject().put("node", node);
      if (nodes > 1) {
        ports.put("cluster", clusterPorts.get(i)).put("bus", Ports.free());
        config.put(
            "cluster",
            new JsonObject()
                .put("name", "faults-" + clusterPorts.get(0))
                .put("host", "127.0.0.1")
                .put(
                    "join",
                    new JsonObject().put("static", new JsonObject().put("members", members))));
      }
      config
          .put(
              "ingress",
              new JsonObject()
                  .put("drain_seconds", 0)
                  .put(
                      "deadlines",
                      new JsonObject()
                          .put("connect_ms", CONNECT_MILLIS)
                          .put("first_token_ms", FIRST_TOKEN_MILLIS)
                          .put("idle_ms", IDLE_MILLIS)
                          .put("total_ms", 80_000)))
          .put("fleet", new JsonObject().put("pools", pools));
      Path file = Files.writeString(folder.resolve("node-" + i + ".json"), config.encode());
      configs.add(
          ConfigLoader.load(file, name -> Optional.empty())
              .fold(
                  ok -> ok.config(),
                  failed -> {
                    throw new IllegalArgumentException(failed.mistakes().toString());
                  }));
    }
    return configs;
  }

  /** Runs all cells, those that may at a time, and says how each went. */
  List<Report.Row> run() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    CellRun beside = new CellRun(steady, this, engines.get(steady));
    warmUp(beside);
    CompletableFuture<List<CompletableFuture<Outcome>>> load =
        CompletableFuture.supplyAsync(() -> steadily(beside, stop), threads);
    Map<Cell, CellRun> runs = new LinkedHashMap<>();
    engines.forEach((cell, its) -> runs.put(cell, new CellRun(cell, this, its)));
    runs.put(steady, beside);
    Semaphore places = new Semaphore(CELLS_AT_ONCE);
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (Map.Entry<Cell, CellRun> each : runs.entrySet()) {
      if (each.getKey() != steady && !each.getKey().isSolo) {
        places.acquire();
        running.add(
            CompletableFuture.runAsync(() -> run(each.getValue()), threads)
                .whenComplete((done, error) -> places.release()));
      }
    }
    CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).get(40, TimeUnit.MINUTES);
    for (Map.Entry<Cell, CellRun> each : runs.entrySet()) {
      if (each.getKey().isSolo) {
        run(each.getValue());
      }
    }
    stop.set(true);
    beside.expect(
        "every request of the steady load whole",
        load.get(5, TimeUnit.MINUTES).stream().map(CompletableFuture::join).toList(),
        Cell.Allowed.whole());
    beside.settle();
    checkBooks(runs);
    List<Report.Row> rows = runs.values().stream().map(run -> run.row(nodes.size())).toList();
    rows.forEach(Report::add);
    return rows;
  }

  private static List<CompletableFuture<Outcome>> steadily(CellRun beside, AtomicBoolean stop) {
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    while (!stop.get()) {
      asked.addAll(beside.load(STEADY_MILLIS, 1_000, new CellRun.Ask().tokens(1)));
    }
    return asked;
  }

  private static void run(CellRun run) {
    try {
      run.cell.body.run(run);
      run.settle();
    } catch (Exception e) {
      run.fail("the cell itself: " + e);
    }
  }

  /** No grant is held and nothing is in flight once all clients have gone. */
  private void checkBooks(Map<Cell, CellRun> runs) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (System.nanoTime() < end
        && metric("penstock_grants", "")
                + metric("penstock_requests_in_flight", "")
                + metric("llm_request_queue_depth", "")
            > 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    runs.forEach(
        (cell, run) -> {
          double grants = metric("penstock_grants", cell.pool());
          double queued = metric("llm_request_queue_depth", cell.pool());
          if (grants + queued > 0) {
            run.fail(grants + " grants and " + queued + " places in the queue were leaked");
          }
        });
    double inFlight = metric("penstock_requests_in_flight", "");
    if (inFlight > 0) {
      runs.get(steady).fail(inFlight + " requests in flight after all clients have gone");
    }
  }

  /** A gauge summed over all nodes, of one pool or of all. */
  double metric(String name, String pool) {
    double sum = 0;
    for (int port : ports) {
      sum +=
          get("http://127.0.0.1:" + port + "/metrics")
              .lines()
              .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
              .filter(line -> pool.isEmpty() || line.contains("pool=\"" + pool + "\""))
              .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
              .sum();
    }
    return sum;
  }

  private static String get(String url) {
    try {
      return HTTP.send(
              HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(60)).build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException unreachable) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  /** What an engine that nothing is wrong with answers. */
  Outcome.Expected undisturbed(Mode mode, String prompt, int tokens) {
    Mode asked = mode == Mode.STREAM ? Mode.WHOLE : mode;
    Seen seen =
        Client.post(
            reference.ports().get(0),
            asked.path,
            asked.body("reference", prompt, tokens).encode(),
            Map.of(),
            Client.Habit.NORMAL);
    return expected(asked, new JsonObject(seen.text()), tokens);
  }

  /** What an engine's answer that did not stream says. */
  static Outcome.Expected expected(Mode asked, JsonObject body, int tokens) {
    return asked == Mode.EMBEDDINGS
        ? new Outcome.Expected("", 0, body.getJsonArray("data"))
        : new Outcome.Expected(
            body.getJsonArray("choices")
                .getJsonObject(0)
                .getJsonObject("message")
                .getString("content"),
            tokens,
            new JsonArray());
  }

  int nodes() {
    return nodes.size();
  }

  /** The clients' port of the node whose turn it is. */
  int port(int number) {
    return ports.get(number % ports.size());
  }

  ExecutorService threads() {
    return threads;
  }

  private static void until(String what, java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(300);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("not within 300 s: " + what);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
  }

  private static <T> T await(Future<T> future) throws TimeoutException {
    return future.await(180, TimeUnit.SECONDS);
  }

  @Override
  public void close() throws Exception {
    for (Node node : nodes) {
      await(node.close());
    }
    await(vertx.close());
    threads.shutdownNow();
  }
}
