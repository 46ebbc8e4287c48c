package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;

/** Several whole nodes in this JVM before simulated engines, over real sockets. */
public final class Town implements AutoCloseable {
  public static final String MODEL = "river-8b";
  public static final String OTHER = "lake-70b";

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Vertx vertx = Vertx.vertx();
  private final Path folder;
  private final EngineSimulator engines;
  private final List<String> members = new ArrayList<>();
  private final List<Integer> clusterPorts = new ArrayList<>();
  private final List<NodeConfig> configs = new ArrayList<>();
  private final List<@Nullable Node> nodes = new ArrayList<>();
  public final ByteArrayOutputStream access = new ByteArrayOutputStream();

  /**
   * Starts them.
   *
   * @param tenants the section, as it stands in the nodes' files; ' stands for "
   */
  public Town(Path folder, int size, String profile, String tenants) throws Exception {
    this.folder = folder;
    engines =
        await(
            EngineSimulator.start(
                vertx,
                SimConfig.of(SimProfile.of(profile))
                    .withHost("127.0.0.1")
                    .withModel(MODEL)
                    .withReplicas(2)));
    for (int i = 0; i < size; i++) {
      int port = Ports.free();
      clusterPorts.add(port);
      members.add("127.0.0.1:" + port);
    }
    for (int i = 0; i < size; i++) {
      configs.add(config(i, tenants));
      nodes.add(null);
    }
    for (int i = 0; i < size; i++) {
      start(i);
    }
    awaitViews();
  }

  /** Starts a node anew, from the same file. */
  public void start(int number) throws Exception {
    Node node =
        await(
            Node.start(
                configs.get(number),
                new NodeSetup("test", LogFormat.JSON, access, Clock.system())));
    nodes.set(number, node);
    NodeTest.awaitReady(node);
  }

  private void awaitViews() {
    long alive = nodes.stream().filter(node -> node != null).count();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    for (Node node : nodes) {
      while (node != null && node.view().nodes().size() != alive) {
        assertThat(System.nanoTime()).as("%s", node.view()).isLessThan(end);
        Thread.onSpinWait();
      }
    }
  }

  /** Ends a node in order. */
  public void stop(int number) throws Exception {
    await(node(number).close());
    nodes.set(number, null);
  }

  /** A node that runs. */
  public Node node(int number) {
    Node node = nodes.get(number);
    if (node == null) {
      throw new IllegalStateException("node " + number + " does not run");
    }
    return node;
  }

  public Path keyFile(int number) {
    return folder.resolve("keys-node-" + number + ".json");
  }

  /** What came of a request. */
  public HttpResponse<String> chat(int node, @Nullable String key, String model, int maxTokens)
      throws Exception {
    return chatAsync(node, key, model, maxTokens, true).get(120, TimeUnit.SECONDS);
  }

  public CompletableFuture<HttpResponse<String>> chatAsync(
      int node, @Nullable String key, String model, int maxTokens, boolean stream) {
    JsonObject body =
        new JsonObject()
            .put("model", model)
            .put("stream", stream)
            .put("ignore_eos", true)
            .put("messages", List.of(new JsonObject().put("role", "user").put("content", "Hello")));
    if (maxTokens > 0) {
      body.put("max_tokens", maxTokens);
    }
    return http.sendAsync(
        request(node, key, "/v1/chat/completions")
            .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** A request's head. */
  public HttpRequest.Builder request(int node, @Nullable String key, String path) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + node(node).config().ingress().port() + path))
            .timeout(Duration.ofSeconds(120))
            .header("content-type", "application/json");
    return key == null ? request : request.header("authorization", "Bearer " + key);
  }

  public HttpResponse<String> get(int node, @Nullable String key, String path) throws Exception {
    return http.send(request(node, key, path).build(), HttpResponse.BodyHandlers.ofString());
  }

  public HttpClient http() {
    return http;
  }

  /** An order of an operator. */
  public HttpResponse<String> order(int node, String method, String path, @Nullable String body)
      throws Exception {
    int port = node(node).config().admin().orElseThrow().port();
    return http.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/admin/v1" + path))
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** One of many at a time. */
  public CompletableFuture<HttpResponse<String>> orderAsync(
      int node, String method, String path, String body) {
    int port = node(node).config().admin().orElseThrow().port();
    return http.sendAsync(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/admin/v1" + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** One that must be carried out. */
  public JsonObject admin(int node, String method, String path, @Nullable String body, int status)
      throws Exception {
    HttpResponse<String> answer = order(node, method, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return new JsonObject(answer.body());
  }

  private NodeConfig config(int number, String tenants) throws IOException {
    JsonArray replicas = new JsonArray();
    for (int port : engines.ports()) {
      replicas.add(new JsonObject().put("url", "http://127.0.0.1:" + port));
    }
    JsonArray pools = new JsonArray();
    for (String model : List.of(MODEL, OTHER)) {
      pools.add(
          new JsonObject()
              .put("name", model)
              .put("model_id", model)
              .put("aliases", new JsonArray().add(model + "-latest"))
              .put("engine", "vllm")
              .put("engine_model_id", MODEL)
              .put("max_concurrent", 1_000)
              .put("replicas", replicas));
    }
    JsonObject config =
        new JsonObject()
            .put(
                "node",
                new JsonObject()
                    .put("name", "node-" + number)
                    .put("event_loops", 2)
                    .put(
                        "ports",
                        new JsonObject()
                            .put("http", 0)
                            .put("admin", 0)
                            .put("cluster", clusterPorts.get(number))
                            .put("bus", 0)))
            .put("tenants", new JsonObject(tenants.replace('\'', '"')))
            .put("fleet", new JsonObject().put("pools", pools));
    if (members.size() > 1) {
      config.put(
          "cluster",
          new JsonObject()
              .put("name", "town-" + clusterPorts.get(0))
              .put("host", "127.0.0.1")
              .put(
                  "join",
                  new JsonObject()
                      .put("static", new JsonObject().put("members", new JsonArray(members)))));
    }
    Path file = folder.resolve("node-" + number + ".json");
    Files.writeString(file, config.encodePrettily());
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
  }

  public static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(120, TimeUnit.SECONDS);
  }

  @Override
  public void close() throws Exception {
    for (Node node : nodes) {
      if (node != null) {
        await(node.close());
      }
    }
    await(vertx.close());
  }
}
