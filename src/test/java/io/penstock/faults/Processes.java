package io.penstock.faults;

import io.penstock.cluster.PenstockProcess;
import io.penstock.fake.Ports;
import io.penstock.faults.Outcome.Expected;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Three nodes and a process of engines, each a JVM of its own that can be killed, paused and
 * started again, and clients that record and judge every answer.
 */
final class Processes implements AutoCloseable {
  static final String MODEL = "river-8b";
  static final String POOL = "rivers";

  /** For what happens at once unless it never does. */
  static final long SOON_MILLIS = 120_000;

  /** No engine is out of reach here, but all processes share the machine. */
  private static final int CONNECT_MILLIS = 10_000;

  static final String ADMIN_KEY = "an-admin-key-of-32-characters-ok";
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** One node; its ports stay the same over its restarts. */
  static final class Member {
    final String name;
    final int httpPort = Ports.free();
    final int clusterPort = Ports.free();
    final int busPort = Ports.free();
    final int adminPort = Ports.free();
    private final Hosts hosts;
    private final int number;
    private Path file = Path.of("");
    private PenstockProcess process;

    Member(int number, Hosts hosts) {
      this.name = "node-" + number;
      this.number = number;
      this.hosts = hosts;
    }

    /** Where clients reach it. */
    String host() {
      return hosts.forClients(number);
    }

    PenstockProcess process() {
      return process;
    }

    void launch() {
      process = PenstockProcess.start(hosts.runner(number), Map.of(), "run", file.toString());
    }

    boolean isReady() {
      return PenstockProcess.status(host(), httpPort, "/health/ready") == 200;
    }

    /** Sends its process a signal. */
    void signal(String name) {
      try {
        int exit =
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
        if (exit != 0) {
          throw new IllegalStateException("kill -" + name + ": exit code " + exit);
        }
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  final List<Member> members = new ArrayList<>();
  final ExecutorService threads = Executors.newCachedThreadPool();

  private final Path folder;
  private final Hosts hosts;
  private final int replicas;
  private final int enginePort;
  private final PenstockProcess engines;
  private final List<Outcome> outcomes = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final AtomicInteger sent = new AtomicInteger();

  Processes(Path folder, int nodes, int replicas, int maxConcurrent) throws IOException {
    this(folder, nodes, replicas, 0, maxConcurrent);
  }

  /** Each node on a host of its own. */
  Processes(Path folder, Hosts hosts, int nodes, int replicas, int maxConcurrent)
      throws IOException {
    this(folder, hosts, nodes, replicas, 0, maxConcurrent);
  }

  /**
   * @param listed replicas of the pool: the first engines
   * @param spare engines that no pool lists yet
   */
  Processes(Path folder, int nodes, int listed, int spare, int maxConcurrent) throws IOException {
    this(folder, Hosts.THIS, nodes, listed, spare, maxConcurrent);
  }

  private Processes(Path folder, Hosts hosts, int nodes, int listed, int spare, int maxConcurrent)
      throws IOException {
    this.folder = folder;
    this.hosts = hosts;
    this.replicas = listed + spare;
    // One engine more than the nodes know of: it says what an undisturbed one would.
    this.enginePort = Ports.consecutive(replicas + 1);
    this.engines = engines(hosts.ofEngines(), enginePort, replicas + 1);
    JsonArray joined = new JsonArray();
    for (int i = 0; i < nodes; i++) {
      Member member = new Member(i, hosts);
      members.add(member);
      joined.add(hosts.forNodes(i) + ":" + member.clusterPort);
    }
    fleet(pool(POOL, MODEL, IntStream.range(0, listed).boxed().toList(), maxConcurrent));
    for (Member member : members) {
      member.file =
          Files.writeString(folder.resolve(member.name + ".json"), config(member, joined).encode());
      member.launch();
    }
    members.forEach(member -> member.process.awaitReady(member.host(), member.httpPort));
    await("seeing " + nodes + " nodes", SOON_MILLIS, () -> everybodySees(nodes));
    await("one owner that stays", SOON_MILLIS, () -> owners() == 1 && allSeeBatchers(nodes));
    await(
        "healthy replicas",
        SOON_MILLIS,
        () ->
            members.stream().mapToDouble(m -> metric(m, "penstock_replica_healthy")).sum()
                == listed);
  }

  /** Writes the file that says what all nodes serve; they do not read it before they are told. */
  void fleet(JsonObject... pools) throws IOException {
    Path next =
        Files.writeString(
            folder.resolve("fleet.next"),
            new JsonObject().put("pools", new JsonArray(List.of(pools))).encode());
    Files.move(next, folder.resolve("fleet.json"), StandardCopyOption.ATOMIC_MOVE);
  }

  /** A pool of these engines. */
  JsonObject pool(String name, String model, List<Integer> engines, int maxConcurrent) {
    JsonArray listed = new JsonArray();
    for (int engine : engines) {
      listed.add(
          new JsonObject()
              .put("url", "http://" + hosts.ofEngines() + ":" + (enginePort + engine))
              .put("id", name + "-" + engine));
    }
    return new JsonObject()
        .put("name", name)
        .put("model_id", model)
        .put("engine", "vllm")
        .put("engine_model_id", MODEL)
        .put("max_concurrent", maxConcurrent)
        .put("capabilities", new JsonArray().add("embeddings"))
        .put("circuit_breaker", new JsonObject().put("slow_start_seconds", 0))
        .put("replicas", listed);
  }

  /** Sends the node a SIGHUP and waits until it has read its files. */
  void reload(Member member) {
    double before = metric(member, "penstock_reloads_total");
    member.signal("HUP");
    await(
        "a reload of " + member.name,
        SOON_MILLIS,
        () -> metric(member, "penstock_reloads_total") > before);
  }

  /** A process of engines that serve. */
  private static PenstockProcess engines(String host, int firstPort, int count) {
    PenstockProcess started =
        PenstockProcess.start(
            Map.of(),
            "engine-sim",
            "--host",
            host,
            "--port",
            Integer.toString(firstPort),
            "--replicas",
            Integer.toString(count),
            "--model",
            MODEL,
            "--profile",
            "h100-llama-3.1-8b");
    for (int i = 0; i < count; i++) {
      int port = firstPort + i;
      started.await(
          "serving",
          Duration.ofMinutes(3),
          () -> PenstockProcess.status(host, port, "/health") == 200);
    }
    return started;
  }

  private JsonObject config(Member member, JsonArray joined) {
    JsonObject ports =
        new JsonObject()
            .put("http", member.httpPort)
            .put("cluster", member.clusterPort)
            .put("bus", member.busPort)
            .put("admin", member.adminPort);
    JsonObject join = new JsonObject().put("static", new JsonObject().put("members", joined));
    return new JsonObject()
        .put(
            "node",
            new JsonObject()
                .put("name", member.name)
                .put("host", hosts.listensOn())
                .put("ports", ports))
        .put(
            "cluster",
            new JsonObject()
                .put("name", "faults-" + members.get(0).clusterPort)
                .put("host", hosts.forNodes(member.number))
                .put("join", join))
        .put("admin", new JsonObject().put("host", hosts.listensOn()).put("key", ADMIN_KEY))
        .put(
            "ingress",
            new JsonObject().put("deadlines", new JsonObject().put("connect_ms", CONNECT_MILLIS)))
        .put("fleet", new JsonObject().put("file", "fleet.json"));
  }

  /** Asks a node's admin API. */
  static HttpResponse<String> admin(Member member, String method, String path) {
    URI uri = URI.create("http://" + member.host() + ":" + member.adminPort + "/admin/v1/" + path);
    try {
      return HTTP.send(
          HttpRequest.newBuilder(uri)
              .timeout(Duration.ofSeconds(60))
              .header("authorization", "Bearer " + ADMIN_KEY)
              .method(method, HttpRequest.BodyPublishers.noBody())
              .build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** The node that owns the pool. */
  Member owner() {
    return members.stream()
        .filter(member -> metric(member, "penstock_pool_owned") > 0)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no node owns the pool"));
  }

  private long owners() {
    return members.stream().filter(member -> metric(member, "penstock_pool_owned") > 0).count();
  }

  /** Who owns a pool changes when the nodes do that may. */
  private boolean allSeeBatchers(int count) {
    return members.stream()
        .allMatch(
            member -> {
              String told = admin(member, "GET", "nodes").body();
              return count == told.split("\"batcher\"", -1).length - 1;
            });
  }

  List<Member> others(Member one) {
    return members.stream().filter(member -> member != one).toList();
  }

  boolean everybodySees(int nodes) {
    return members.stream()
        .filter(member -> member.process.isAlive())
        .allMatch(member -> metric(member, "penstock_cluster_nodes") == nodes);
  }

  /** Sends one request to a node. */
  CompletableFuture<Outcome> send(Member member, Mode mode, int tokens) {
    return CompletableFuture.supplyAsync(
        () -> {
          Ticket ticket = ticket(mode, tokens);
          return keep(ticket.ask(member));
        },
        threads);
  }

  /** A request that can be sent more than once, as a load balancer does. */
  record Ticket(Mode mode, String body, Expected expected) {
    Outcome ask(Member member) {
      Seen seen =
          Client.post(
              member.host(), member.httpPort, mode.path, body, Map.of(), Client.Habit.NORMAL);
      return Outcome.judge(mode, seen, expected);
    }
  }

  Ticket ticket(Mode mode, int tokens) {
    return ticket(mode, MODEL, tokens);
  }

  /**
   * @param model as the nodes call it; the engines all serve the same
   */
  Ticket ticket(Mode mode, String model, int tokens) {
    String prompt = "Request " + sent.getAndIncrement();
    Mode asked = mode == Mode.STREAM ? Mode.WHOLE : mode;
    Seen seen =
        Client.post(
            hosts.ofEngines(),
            enginePort + replicas,
            asked.path,
            asked.body(MODEL, prompt, tokens).encode(),
            Map.of(),
            Client.Habit.NORMAL);
    return new Ticket(
        mode,
        mode.body(model, prompt, tokens).encode(),
        Rig.expected(asked, new JsonObject(seen.text()), tokens));
  }

  synchronized Outcome keep(Outcome outcome) {
    outcomes.add(outcome);
    if (outcome.kind() == Outcome.Kind.LIE || outcome.kind() == Outcome.Kind.HANGS) {
      failures.add(outcome.label() + "\n" + outcome.bodyTail());
    }
    return outcome;
  }

  synchronized void expect(String what, boolean holds) {
    if (!holds) {
      failures.add("expected " + what);
    }
  }

  void expect(String what, List<Outcome> all, Cell.Allowed allowed) {
    List<String> others =
        all.stream().filter(each -> !allowed.holds(each)).map(Outcome::label).toList();
    expect(
        what
            + ", but "
            + others.size()
            + " of "
            + all.size()
            + ": "
            + others.stream().distinct().limit(4).toList(),
        others.isEmpty());
  }

  /** Adds the cell's row to the table; the failures, empty when all held. */
  synchronized String report(String fault, String mode, double recoveryMillis) {
    Map<String, Integer> counts = new HashMap<>();
    outcomes.forEach(outcome -> counts.merge(outcome.label(), 1, Integer::sum));
    String failure = String.join("\n", failures);
    Report.add(
        new Report.Row(
            fault,
            mode,
            members.size(),
            outcomes.size(),
            counts,
            recoveryMillis,
            engineSum("tokens_wasted"),
            failure));
    Report.write();
    return failure;
  }

  /** Nothing is in flight, queued or granted on any node that lives, nor on an engine. */
  void settle() {
    try {
      await("an end of all work", SOON_MILLIS, () -> held() == 0 && engineSum("in_flight") == 0);
    } catch (IllegalStateException late) {
      expect("nothing held at the end, but " + held() + " and " + engineSum("in_flight"), false);
    }
  }

  private double held() {
    return members.stream()
        .mapToDouble(
            member ->
                metric(member, "penstock_grants")
                    + metric(member, "llm_request_queue_depth")
                    + metric(member, "penstock_requests_in_flight"))
        .sum();
  }

  /** The sum of a metric's series on a node; 0 when it has none or does not answer. */
  static double metric(Member member, String name) {
    return metric(member, name, "");
  }

  /** The same over the series whose line contains a text. */
  static double metric(Member member, String name, String label) {
    return get("http://" + member.host() + ":" + member.httpPort + "/metrics")
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .filter(line -> line.contains(label))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** A counter of an engine; 0 while it is dead. */
  long engine(int replica, String counter) {
    String stats = get("http://" + hosts.ofEngines() + ":" + (enginePort + replica) + "/sim/stats");
    return stats.isEmpty() ? 0 : new JsonObject(stats).getLong(counter);
  }

  /** All requests on a replica go wrong in this way from now on; a state of it ends by itself. */
  void arm(int replica, String kind, long millis) {
    post(replica, new JsonObject().put("kind", kind).put("ms", millis));
  }

  void disarm(int replica) {
    post(replica, new JsonObject().put("clear", true));
  }

  private void post(int replica, JsonObject order) {
    URI uri =
        URI.create("http://" + hosts.ofEngines() + ":" + (enginePort + replica) + "/sim/faults");
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.ofString(order.encode()))
            .build();
    try {
      HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() >= 300) {
        throw new IllegalStateException(order + ": " + answer.body());
      }
    } catch (IOException gone) {
      // it is dead already, or this is how it dies
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  long engineSum(String counter) {
    long sum = 0;
    for (int i = 0; i < replicas; i++) {
      sum += engine(i, counter);
    }
    return sum;
  }

  static void await(String what, long millis, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("not " + what + " within " + millis + " ms");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  static String get(String url) {
    try {
      return HTTP.send(
              HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30)).build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException unreachable) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  @Override
  public void close() {
    members.forEach(member -> member.process.close());
    engines.close();
    threads.shutdownNow();
  }
}
