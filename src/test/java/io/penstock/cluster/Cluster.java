package io.penstock.cluster;

import io.penstock.fake.Ports;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Several nodes and a process of simulated engines on this machine, all of them real JVMs. */
final class Cluster implements AutoCloseable {
  static final String MODEL = "river-8b";
  static final String POOL = "rivers";

  /** For what happens at once unless it never does. */
  static final Duration SOON = Duration.ofMinutes(2);

  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(60))
          .build();

  private final Path folder;
  private final JsonObject tenants;
  private final Function<List<String>, JsonObject> fleet;
  private final int replicas;
  private final int enginePort;
  private final PenstockProcess engines;
  private final List<Node> nodes = new ArrayList<>();
  private final List<String> members = new ArrayList<>();

  /** One node; its ports stay the same over its restarts. */
  static final class Node {
    final int number;
    final int httpPort = Ports.free();
    final int clusterPort = Ports.free();
    final int busPort = Ports.free();
    final int adminPort = Ports.free();
    PenstockProcess process;

    Node(int number) {
      this.number = number;
    }
  }

  /** How one request ended, as its client saw it. */
  record Answer(int node, int status, String body) {
    boolean isWhole() {
      return status == 200 && body.endsWith("data: [DONE]\n\n") && !body.contains("\"error\"");
    }
  }

  Cluster(Path folder, int nodes, int replicas, int maxConcurrent, String profile) {
    this(
        folder,
        nodes,
        replicas,
        maxConcurrent,
        profile,
        new JsonObject().put("auth", "none"),
        new JsonObject());
  }

  /**
   * The same with tenants.
   *
   * @param tenants section of the nodes' files
   * @param settings of the pool, besides
   */
  Cluster(
      Path folder,
      int nodes,
      int replicas,
      int maxConcurrent,
      String profile,
      JsonObject tenants,
      JsonObject settings) {
    this(folder, nodes, replicas, profile, tenants, urls -> onePool(urls, maxConcurrent, settings));
  }

  /**
   * The same with any fleet of those engines, all of which serve {@link #MODEL}.
   *
   * @param fleet the section, for the addresses of the engines
   */
  Cluster(
      Path folder,
      int nodes,
      int replicas,
      String profile,
      JsonObject tenants,
      Function<List<String>, JsonObject> fleet) {
    this.fleet = fleet;
    this.folder = folder;
    this.tenants = tenants;
    this.replicas = replicas;
    this.enginePort = Ports.consecutive(replicas);
    this.engines =
        PenstockProcess.start(
            Map.of(),
            "engine-sim",
            "--port",
            Integer.toString(enginePort),
            "--replicas",
            Integer.toString(replicas),
            "--model",
            MODEL,
            "--profile",
            profile);
    for (int i = 0; i < replicas; i++) {
      int port = enginePort + i;
      engines.await("serving", SOON, () -> PenstockProcess.status(port, "/health") == 200);
    }
    for (int i = 0; i < nodes; i++) {
      Node node = new Node(i);
      this.nodes.add(node);
      members.add("127.0.0.1:" + node.clusterPort);
    }
    try {
      for (Node node : this.nodes) {
        launch(node);
      }
      for (Node node : this.nodes) {
        node.process.awaitReady(node.httpPort);
      }
      awaitNodes(nodes);
      this.nodes.get(0).process.await("healthy replicas", SOON, () -> healthy() == replicas);
    } catch (AssertionError notStarted) {
      close();
      throw notStarted;
    }
  }

  private static JsonObject onePool(List<String> urls, int maxConcurrent, JsonObject settings) {
    JsonArray listed = new JsonArray();
    for (int i = 0; i < urls.size(); i++) {
      listed.add(new JsonObject().put("url", urls.get(i)).put("id", "rivers-" + i));
    }
    return new JsonObject()
        .put(
            "pools",
            new JsonArray()
                .add(
                    new JsonObject()
                        .put("name", POOL)
                        .put("model_id", MODEL)
                        .put("engine", "vllm")
                        .put("max_concurrent", maxConcurrent)
                        .put("replicas", listed)
                        .mergeIn(settings)));
  }

  private List<String> engineUrls() {
    List<String> urls = new ArrayList<>();
    for (int i = 0; i < replicas; i++) {
      urls.add(engineUrl(i));
    }
    return urls;
  }

  Node node(int number) {
    return nodes.get(number);
  }

  void launch(Node node) {
    JsonObject config =
        new JsonObject()
            .put(
                "node",
                new JsonObject()
                    .put("name", "node-" + node.number)
                    .put(
                        "ports",
                        new JsonObject()
                            .put("http", node.httpPort)
                            .put("admin", node.adminPort)
                            .put("cluster", node.clusterPort)
                            .put("bus", node.busPort)))
            .put(
                "cluster",
                new JsonObject()
                    .put("name", "it-" + nodes.get(0).clusterPort)
                    .put("host", "127.0.0.1")
                    .put(
                        "join",
                        new JsonObject()
                            .put(
                                "static", new JsonObject().put("members", new JsonArray(members)))))
            .put("tenants", tenants)
            .put("fleet", fleet.apply(engineUrls()));
    Path file = folder.resolve("node-" + node.number + ".json");
    try {
      Files.writeString(file, config.encodePrettily());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    node.process = PenstockProcess.start(Map.of(), "run", file.toString());
  }

  /**
   * Waits until every live node sees as many nodes that may own pools, and one says of each pool
   * that it owns it: it stays the owner until another comes or goes.
   */
  void awaitNodes(int count) {
    for (Node node : nodes) {
      if (node.process.isAlive()) {
        node.process.await(
            "seeing " + count + " nodes",
            SOON,
            () -> batchers(node) == count && owned() == pools());
      }
    }
  }

  /** Pools that live nodes say they own; one that two say so of counts twice. */
  private double owned() {
    return nodes.stream()
        .filter(node -> node.process.isAlive())
        .mapToDouble(node -> metric(node, "penstock_pool_owned"))
        .sum();
  }

  /** Replicas of which some live node says that they are healthy. */
  private long healthy() {
    Pattern row =
        Pattern.compile(
            "(?m)^penstock_replica_healthy\\{[^}]*(pool=[^}]*replica=[^,}]*)[^}]*} 1.0$");
    return nodes.stream()
        .filter(node -> node.process.isAlive())
        .map(node -> get("http://127.0.0.1:" + node.httpPort + "/metrics"))
        .flatMap(text -> row.matcher(text).results())
        .map(found -> found.group(1))
        .distinct()
        .count();
  }

  private int pools() {
    return fleet.apply(engineUrls()).getJsonArray("pools").size();
  }

  /** How many a node sees that may own pools, in a cluster of as many; -1 when there are others. */
  private static int batchers(Node node) {
    String told = get("http://127.0.0.1:" + node.adminPort + "/admin/v1/nodes");
    if (!told.startsWith("{")) {
      return -1;
    }
    JsonArray seen = new JsonObject(told).getJsonArray("nodes");
    return seen.stream()
            .allMatch(each -> ((JsonObject) each).getJsonArray("roles").contains("batcher"))
        ? seen.size()
        : -1;
  }

  /** The sum of a metric's series on a node; 0 when it has none or does not answer. */
  static double metric(Node node, String name) {
    return metric(node, name, "");
  }

  /** The same of the series with a label. */
  static double metric(Node node, String name, String label) {
    String text = get("http://127.0.0.1:" + node.httpPort + "/metrics");
    Matcher row =
        Pattern.compile(
                "(?m)^"
                    + name
                    + (label.isEmpty() ? "(?:\\{[^}]*})?" : "\\{[^}]*" + label + "[^}]*}")
                    + " ([0-9.eE+-]+)$")
            .matcher(text);
    double sum = 0;
    while (row.find()) {
      sum += Double.parseDouble(row.group(1));
    }
    return sum;
  }

  /** The node that owns the pool. */
  Node owner() {
    return owner("");
  }

  /** The node that owns the pool of this name. */
  Node owner(String pool) {
    String label = pool.isEmpty() ? "" : "pool=\"" + pool + "\"";
    return nodes.stream()
        .filter(node -> node.process.isAlive() && metric(node, "penstock_pool_owned", label) > 0)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no node owns the pool " + pool));
  }

  /** Sends a chat request that streams {@code tokens} tokens. */
  CompletableFuture<Answer> stream(Node node, int tokens, String prompt) {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + node.httpPort + "/v1/chat/completions"))
            .header("content-type", "application/json")
            .timeout(Duration.ofMinutes(5))
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    new JsonObject()
                        .put("model", MODEL)
                        .put("stream", true)
                        .put("max_tokens", tokens)
                        .put(
                            "messages",
                            new JsonArray()
                                .add(new JsonObject().put("role", "user").put("content", prompt)))
                        .encode()))
            .build();
    return HTTP.sendAsync(request, HttpResponse.BodyHandlers.ofString())
        .handle(
            (answer, error) ->
                error == null
                    ? new Answer(node.number, answer.statusCode(), answer.body())
                    : new Answer(node.number, 0, error.toString()));
  }

  /** Where an engine itself is asked. */
  String engineUrl(int replica) {
    return "http://127.0.0.1:" + (enginePort + replica);
  }

  /** A counter of one engine. */
  long engine(int replica, String counter) {
    return new JsonObject(get("http://127.0.0.1:" + (enginePort + replica) + "/sim/stats"))
        .getLong(counter);
  }

  /** A counter summed over all engines. */
  long engines(String counter) {
    long sum = 0;
    for (int i = 0; i < replicas; i++) {
      sum += engine(i, counter);
    }
    return sum;
  }

  private static String get(String url) {
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
    nodes.forEach(node -> node.process.close());
    engines.close();
  }
}
