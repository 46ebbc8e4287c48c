package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.admin.AdminConfig;
import io.penstock.bus.ClusterConfig;
import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.Role;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole nodes in this JVM, with simulated engines, over real sockets. */
@Timeout(300)
class NodeTest {
  private static final String MODEL = "river-8b";

  /** Of a stream that is live while a test looks at other things: 8 s at the least. */
  private static final int LIVE_TOKENS = 1_000;

  private final ByteArrayOutputStream accessLines = new ByteArrayOutputStream();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  @TempDir private Path folder;

  @SuppressWarnings("NullAway.Init") // each test starts its own
  private Node node;

  private boolean running;

  @AfterEach
  void close() throws Exception {
    if (running) {
      await(node.close());
    }
  }

  @Test
  void startsEverythingAndAnswers() throws Exception {
    start(config("instant", 30));

    awaitReady(node);
    assertThat(node.view().nodes()).hasSize(1);
    assertThat(node.view().nodes().get(0).roles()).containsExactlyInAnyOrder(Role.values());
    assertThat(node.view().nodes().get(0).lanes()).isEqualTo(2);
    ReplicaSource.Listed engines =
        (ReplicaSource.Listed) node.config().fleet().pools().get(0).replicas();
    assertThat(engines.replicas())
        .extracting(r -> r.id().value())
        .containsExactly("rivers-0", "rivers-1");

    HttpResponse<String> answer = http.send(chat(5), HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    assertThat(get("/metrics").body())
        .contains("penstock_ready 1.0\n")
        .contains("penstock_requests_total{code=\"none\",operation=\"chat\",status=\"200\"} 1.0\n");
  }

  @Test
  void drainingLetsLiveStreamsFinishAndRefusesNewWork() throws Exception {
    start(config("h100-llama-3.1-8b", 30));
    HttpResponse<InputStream> live =
        http.send(chat(LIVE_TOKENS), HttpResponse.BodyHandlers.ofInputStream());
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(live.body(), StandardCharsets.UTF_8));
    assertThat(lines.readLine()).startsWith("data: ");

    Future<Boolean> drained = drain();
    HttpResponse<String> refused = awaitRefusal();
    HttpResponse<String> ready = get("/health/ready");

    assertThat(new JsonObject(refused.body()).getJsonObject("error").getString("code"))
        .isEqualTo("draining");
    assertThat(ready.statusCode()).isEqualTo(503);
    assertThat(new JsonObject(ready.body()).getString("status")).isEqualTo("draining");
    assertThat(drained.isComplete()).isFalse();
    List<String> rest = lines.lines().toList();
    assertThat(rest.stream().filter(line -> line.startsWith("data: ")))
        .last()
        .isEqualTo("data: [DONE]");
    assertThat(await(drained)).isTrue();
    assertClosed();
    assertThat(accessLines.toString(StandardCharsets.UTF_8))
        .contains("\"outcome\":\"ok\"")
        .contains("\"completion_tokens\":" + LIVE_TOKENS);
  }

  @Test
  void whatEndsTheProcessIsNotTakenBackByTheAdminApi() throws Exception {
    NodeConfig config = config("h100-llama-3.1-8b", 30);
    AdminConfig admin = new AdminConfig("127.0.0.1", 0, Optional.empty());
    start(Configs.withPorts(config, 0, Optional.of(admin)));
    HttpResponse<InputStream> live =
        http.send(chat(LIVE_TOKENS), HttpResponse.BodyHandlers.ofInputStream());
    Future<Boolean> drained = drain();
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(
                    URI.create(
                        "http://127.0.0.1:"
                            + node.config().admin().orElseThrow().port()
                            + "/admin/v1/nodes/self/drain"))
                .DELETE()
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(new JsonObject(answer.body()).getBoolean("draining")).isTrue();
    assertThat(new String(live.body().readAllBytes(), StandardCharsets.UTF_8))
        .endsWith("data: [DONE]\n\n");
    assertThat(await(drained)).isTrue();
  }

  @Test
  void drainingEndsAfterItsTime() throws Exception {
    start(config("h100x8-llama-3.3-70b", 0));
    HttpResponse<InputStream> live =
        http.send(chat(10_000), HttpResponse.BodyHandlers.ofInputStream());
    assertThat(live.statusCode()).isEqualTo(200);

    assertThat(await(drain())).isFalse();

    assertClosed();
    assertNotPassedOffAsWhole(live.body());
  }

  /** A cut stream breaks off, or says that it is broken. */
  private static void assertNotPassedOffAsWhole(InputStream body) {
    ByteArrayOutputStream received = new ByteArrayOutputStream();
    boolean brokeOff = false;
    try {
      body.transferTo(received);
    } catch (IOException e) {
      brokeOff = true;
    }
    String text = received.toString(StandardCharsets.UTF_8);
    assertThat(text).doesNotContain("data: [DONE]"); // the words of the simulator have a bare one
    assertThat(brokeOff || text.contains("data: {\"error\":")).as(text).isTrue();
  }

  @Test
  void aNodeWithoutIngressStillTellsItsHealth() throws Exception {
    NodeConfig config = config("instant", 30);
    start(
        new NodeConfig(
            config.name(),
            config.zone(),
            config.region(),
            Set.of(Role.HEALTH_PROBER),
            1,
            Optional.empty(),
            config.ingress(),
            config.fleet()));

    assertThat(get("/health/live").statusCode()).isEqualTo(200);
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    assertThat(get("/v1/models").statusCode()).isEqualTo(404);
  }

  @Test
  void aPortInUseIsSaidBeforeAnythingStarts() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      NodeConfig config =
          Configs.withPorts(config("instant", 30), taken.getLocalPort(), Optional.empty());

      Assertions.assertThatThrownBy(() -> await(Node.start(config, setup())))
          .hasCauseInstanceOf(NodeException.class)
          .rootCause()
          .hasMessageContaining("Address already in use");
      Assertions.assertThatThrownBy(() -> HttpPort.free("127.0.0.1", taken.getLocalPort()))
          .isInstanceOf(NodeException.class)
          .hasMessage(
              "the HTTP port "
                  + taken.getLocalPort()
                  + " on 127.0.0.1 can not be opened: Address already in use (expected: a free port"
                  + " on an address of this machine)");
    }
  }

  @Test
  void simulatedEnginesAreForANodeThatIsAlone() throws Exception {
    NodeConfig config = config("instant", 30);
    ClusterConfig cluster =
        new ClusterConfig(
            "test",
            "127.0.0.1",
            1,
            2,
            new ClusterConfig.Join.Static(List.of()),
            Duration.ofSeconds(1),
            Duration.ofSeconds(2),
            Duration.ofSeconds(1),
            Duration.ZERO,
            Optional.empty());
    NodeConfig clustered =
        new NodeConfig(
            config.name(),
            config.zone(),
            config.region(),
            config.roles(),
            1,
            Optional.of(cluster),
            config.ingress(),
            config.fleet());

    assertThat(SimulatedPools.mistake(clustered))
        .contains(
            "the replicas of pool rivers: simulated engines in a cluster (expected: a list, a DNS"
                + " name or a file; start simulated engines with `penstock engine-sim` and list"
                + " their URLs)");
  }

  private void start(NodeConfig config) throws Exception {
    node = await(Node.start(config, setup()));
    running = true;
  }

  /** It may be asked from the start, and is ready when a replica is known to be healthy. */
  static void awaitReady(Node node) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!node.readiness().ready()) {
      assertThat(System.nanoTime()).as("%s", node.readiness()).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private NodeSetup setup() {
    return new NodeSetup("test", LogFormat.JSON, accessLines, Clock.system());
  }

  private Future<Boolean> drain() {
    running = false;
    return node.drain();
  }

  /** New work is refused once each loop has heard of it; until then a request may slip in. */
  private HttpResponse<String> awaitRefusal() throws Exception {
    while (true) {
      HttpResponse<String> answer = http.send(chat(1), HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() == 503) {
        return answer;
      }
    }
  }

  private void assertClosed() {
    Assertions.assertThatThrownBy(() -> get("/health/live")).isInstanceOf(ConnectException.class);
  }

  private HttpRequest chat(int tokens) {
    return HttpRequest.newBuilder(uri("/v1/chat/completions"))
        .header("content-type", "application/json")
        .POST(
            HttpRequest.BodyPublishers.ofString(
                new JsonObject()
                    .put("model", MODEL)
                    .put("stream", true)
                    .put("max_tokens", tokens)
                    .put("ignore_eos", true)
                    .put(
                        "messages",
                        List.of(new JsonObject().put("role", "user").put("content", "Hello")))
                    .encode()))
        .build();
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + node.config().ingress().port() + path);
  }

  private NodeConfig config(String profile, int drainSeconds) throws IOException {
    String json =
        """
        {"node": {"name": "n", "event_loops": 2, "ports": {"http": 0}},
         "ingress": {"drain_seconds": %d},
         "fleet": {"pools": [{"name": "rivers", "model_id": "%s", "engine": "vllm",
           "replicas": {"simulated": {"count": 2, "profile": "%s"}}}]}}
        """
            .formatted(drainSeconds, MODEL, profile);
    Path file = Files.writeString(folder.resolve("node.json"), json);
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
  }

  private static <T> T await(Future<T> future) throws Exception {
    CompletableFuture<T> done = future.toCompletionStage().toCompletableFuture();
    return done.get(120, TimeUnit.SECONDS);
  }
}
