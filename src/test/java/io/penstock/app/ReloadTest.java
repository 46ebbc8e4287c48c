package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ConfigLoader;
import io.penstock.config.Loaded;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole node in this JVM whose file changes, over real sockets. */
@Timeout(600)
class ReloadTest {
  private static final String INSTANT = "instant";
  private static final String SLOW = "h100-llama-3.1-8b";

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final AtomicInteger reading = new AtomicInteger();
  private final AtomicInteger mostReading = new AtomicInteger();
  @TempDir private Path folder;

  @SuppressWarnings("NullAway.Init") // each test starts its own
  private Node node;

  @AfterEach
  void close() throws Exception {
    await(node.close());
  }

  @Test
  void poolsAndReplicasComeAndGo() throws Exception {
    start(file(pool("rivers", INSTANT, 2, "")));
    assertThat(chat("rivers-8b", 2).statusCode()).isEqualTo(200);
    assertThat(chat("lakes-8b", 2).statusCode()).isEqualTo(404);

    JsonObject told =
        reload(
            file(
                pool("rivers", INSTANT, 3, ", 'max_concurrent': 7"), pool("lakes", INSTANT, 1, "")),
            200);
    assertThat(told.getJsonArray("applied"))
        .containsExactly(
            "pool rivers: max_concurrent 100 -> 7, replicas 2 simulated instant -> 3 simulated"
                + " instant",
            "pool lakes: added");
    assertThat(told.getJsonArray("needs_restart")).isEmpty();
    assertThat(told.getString("fleet_hash"))
        .isEqualTo(node.config().fleet().hash())
        .isEqualTo(node.view().nodes().get(0).fleetHash());
    assertThat(chat("lakes-8b", 2).statusCode()).isEqualTo(200);
    Set<String> used = new HashSet<>();
    until(() -> used.add(replica(chat("rivers-8b", 2))) && used.contains("rivers-2"));
    for (Object each : adminPool("rivers").getJsonArray("replicas")) {
      assertThat(((JsonObject) each).getInteger("limit")).isEqualTo(7);
    }

    told = reload(file(pool("rivers", INSTANT, 1, "")), 200);
    assertThat(told.getJsonArray("applied")).contains("pool lakes: removed");
    assertThat(chat("lakes-8b", 2).statusCode()).isEqualTo(404);
    for (int i = 0; i < 10; i++) {
      assertThat(replica(chat("rivers-8b", 2))).isEqualTo("rivers-0");
    }
    until(() -> !get("/metrics").body().contains("penstock_pool_owned{pool=\"lakes\"}"));
  }

  @Test
  void aMistakeChangesNothingAndAllAreTold() throws Exception {
    start(file(pool("rivers", INSTANT, 1, "")));
    String before = node.config().fleet().hash();

    JsonObject told =
        reload(
            file(pool("rivers", INSTANT, 1, ", 'max_concurent': 9"), pool("x", INSTANT, 0, "")),
            400);

    assertThat(told.getJsonObject("error").getString("code")).isEqualTo("invalid_configuration");
    assertThat(told.getJsonObject("error").getString("message"))
        .isEqualTo("nothing was changed: the configuration has 2 mistakes");
    assertThat(told.getJsonArray("mistakes"))
        .hasSize(2)
        .contains("fleet.pools[0].max_concurent: unknown key (did you mean max_concurrent?)");
    assertThat(told.getJsonArray("mistakes").getString(1))
        .startsWith("fleet.pools[1].replicas.simulated.count: 0 (expected: ");
    assertThat(node.config().fleet().hash()).isEqualTo(before);
    assertThat(chat("rivers-8b", 2).statusCode()).isEqualTo(200);
    assertThat(get("/metrics").body())
        .contains("penstock_reloads_total{outcome=\"mistakes\"} 1.0\n");
    assertThat(reload(file(pool("rivers", "no-such-gpu", 1, "")), 400).encode())
        .contains("nothing was changed: the configuration has 1 mistake");
  }

  @Test
  void whatNeedsARestartIsNamedAndLeft() throws Exception {
    start(file(pool("rivers", INSTANT, 1, "")));
    int port = node.config().ingress().port();

    JsonObject told =
        reload(
            text(
                "{'node': {'name': 'm', 'zone': 'z9', 'event_loops': 1, 'ports': {'http': 8081,"
                    + " 'admin': 0}}, 'ingress': {'drain_seconds': 7}, 'fleet': {'pools': ["
                    + pool("rivers", INSTANT, 1, "")
                    + "]}}"),
            200);

    assertThat(told.getJsonArray("needs_restart"))
        .containsExactly(
            "node.name: n -> m",
            "node.zone: none -> z9",
            "node.event_loops: 2 -> 1",
            "node.ports.http: 0 -> 8081");
    assertThat(told.getJsonArray("applied")).containsExactly("ingress.drain_seconds: 30 -> 7");
    assertThat(node.config().name()).isEqualTo("n");
    assertThat(node.config().ingress().port()).isEqualTo(port);
    assertThat(node.config().ingress().drain()).hasSeconds(7);
    assertThat(reload(file(pool("rivers", INSTANT, 1, "")), 200).getJsonArray("needs_restart"))
        .as("as it was started again")
        .isEmpty();
  }

  @Test
  void whatRunsOnARemovedReplicaOrPoolEndsWhole() throws Exception {
    start(file(pool("rivers", SLOW, 2, ", 'max_concurrent': 1"), pool("lakes", SLOW, 1, "")));
    List<Live> live = List.of(new Live("rivers-8b"), new Live("rivers-8b"), new Live("lakes-8b"));

    reload(file(pool("rivers", SLOW, 1, ", 'max_concurrent': 1")), 200);

    assertThat(chat("lakes-8b", 2).statusCode()).isEqualTo(404);
    for (Live each : live) {
      assertThat(each.rest()).last().isEqualTo("data: [DONE]");
    }
    assertThat(replica(chat("rivers-8b", 2))).isEqualTo("rivers-0");
  }

  @Test
  void whoWaitsAtAPoolThatIsRemovedIsServedElsewhereOrTold() throws Exception {
    String busy = ", 'max_concurrent': 1";
    start(file(pool("rivers", SLOW, 1, busy), pool("lakes", SLOW, 1, busy)));
    Live river = new Live("rivers-8b");
    Live lake = new Live("lakes-8b");
    CompletableFuture<HttpResponse<String>> movesOn =
        http.sendAsync(request("rivers-8b", 2), HttpResponse.BodyHandlers.ofString());
    CompletableFuture<HttpResponse<String>> isTold =
        http.sendAsync(request("lakes-8b", 2), HttpResponse.BodyHandlers.ofString());
    until(() -> waiting("rivers") == 1 && waiting("lakes") == 1);

    reload(file(pool("brooks", INSTANT, 1, ", 'aliases': ['rivers-8b']")), 200);

    assertThat(replica(movesOn.get(120, TimeUnit.SECONDS))).isEqualTo("brooks-0");
    HttpResponse<String> told = isTold.get(120, TimeUnit.SECONDS);
    assertThat(told.statusCode()).as(told.body()).isEqualTo(404);
    assertThat(told.body()).contains("The model 'lakes-8b' does not exist");
    assertThat(river.rest()).last().isEqualTo("data: [DONE]");
    assertThat(lake.rest()).last().isEqualTo("data: [DONE]");
  }

  @Test
  void lessConcurrencyHoldsBackWhoComesAndMoreLetsInWhoWaits() throws Exception {
    start(file(pool("rivers", SLOW, 1, ", 'max_concurrent': 1")));
    Live first = new Live("rivers-8b");
    CompletableFuture<HttpResponse<String>> waits =
        http.sendAsync(request("rivers-8b", 2), HttpResponse.BodyHandlers.ofString());
    until(() -> waiting("rivers") == 1);

    reload(file(pool("rivers", SLOW, 1, ", 'max_concurrent': 2")), 200);

    assertThat(waits.get(120, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    assertThat(first.rest()).last().isEqualTo("data: [DONE]");
  }

  @Test
  void tooFewReplicasAreAnAlarmUntilFewerAreEnough() throws Exception {
    start(file(pool("rivers", INSTANT, 1, ", 'failover': {'min_healthy_replicas': 2}")));
    NodeTest.awaitReady(node);
    JsonObject alarm =
        new JsonObject()
            .put("alarm", "min_healthy_replicas")
            .put("subject", "pool rivers")
            .put("detail", "1 healthy replica (expected: at least 2, min_healthy_replicas)");
    until(() -> alarms().contains(alarm));
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);

    reload(file(pool("rivers", INSTANT, 1, "")), 200);
    until(() -> alarms().isEmpty());
  }

  private JsonArray alarms() throws Exception {
    return new JsonObject(get("/health/ready").body()).getJsonArray("alarms");
  }

  @Test
  void theAdminKeyIsAnotherAtOnce() throws Exception {
    String pools = "'fleet': {'pools': [" + pool("rivers", INSTANT, 1, "") + "]}}";
    String head = "{'node': {'name': 'n', 'event_loops': 2, 'ports': {'http': 0, 'admin': 0}}, ";
    start(text(head + "'admin': {'key': 'sk-old'}, " + pools));
    write(text(head + "'admin': {'key': 'sk-new'}, " + pools));

    assertThat(admin("POST", "/reload", "sk-old", 200).getJsonArray("applied"))
        .containsExactly("admin.key: another");
    admin("GET", "/fleet", "sk-old", 401);
    admin("GET", "/fleet", "sk-new", 200);
  }

  @Test
  void oneReadingAtATimeAndWhoAsksMeanwhileGetsTheNext() throws Exception {
    start(file(pool("rivers", INSTANT, 1, "")));
    List<Future<?>> asked = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      asked.add(node.reload());
    }
    write(file(pool("rivers", INSTANT, 2, "")));
    asked.add(node.reload());
    for (Future<?> each : asked) {
      await(each);
    }
    assertThat(mostReading).hasValue(1);
    assertThat(adminPool("rivers").getJsonArray("replicas")).hasSize(2);
  }

  @Test
  void aNodeThatWasNotStartedFromAFileSaysSo() throws Exception {
    write(file(pool("rivers", INSTANT, 1, "")));
    start(Optional.empty());
    assertThat(admin("POST", "/reload", "", 400).encode())
        .contains("this node was not started from a file");
  }

  /** A stream that has begun. */
  private final class Live {
    private final BufferedReader lines;

    Live(String model) throws Exception {
      HttpResponse<InputStream> answer =
          http.send(request(model, 800), HttpResponse.BodyHandlers.ofInputStream());
      lines = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
      assertThat(lines.readLine()).startsWith("data: ");
    }

    List<String> rest() {
      return lines.lines().filter(line -> line.startsWith("data: ")).toList();
    }
  }

  private interface Wanted {
    boolean holds() throws Exception;
  }

  private static void until(Wanted wanted) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!wanted.holds()) {
      assertThat(System.nanoTime()).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private int waiting(String pool) throws Exception {
    return adminPool(pool).getJsonObject("waiting").getInteger("default");
  }

  private JsonObject adminPool(String name) throws Exception {
    JsonArray pools = admin("GET", "/fleet", "", 200).getJsonArray("pools");
    for (Object each : pools) {
      if (((JsonObject) each).getString("name").equals(name)) {
        return (JsonObject) each;
      }
    }
    return Assertions.fail(name + " is not among " + pools);
  }

  private JsonObject reload(String json, int status) throws Exception {
    write(json);
    return admin("POST", "/reload", "", status);
  }

  private JsonObject admin(String method, String path, String key, int status) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:"
                        + node.config().admin().orElseThrow().port()
                        + "/admin/v1"
                        + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (!key.isEmpty()) {
      request.header("authorization", "Bearer " + key);
    }
    HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return new JsonObject(answer.body());
  }

  private static String replica(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.headers().firstValue("x-penstock-replica").orElseThrow();
  }

  private HttpResponse<String> chat(String model, int tokens) throws Exception {
    return http.send(request(model, tokens), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest request(String model, int tokens) {
    return HttpRequest.newBuilder(uri("/v1/chat/completions"))
        .header("content-type", "application/json")
        .POST(
            HttpRequest.BodyPublishers.ofString(
                new JsonObject()
                    .put("model", model)
                    .put("stream", true)
                    .put("max_tokens", tokens)
                    .put("ignore_eos", true)
                    .put(
                        "messages",
                        List.of(new JsonObject().put("role", "user").put("content", "Hello")))
                    .encode()))
        .build();
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + node.config().ingress().port() + path);
  }

  /** A pool that serves the model of its name with {@code -8b} behind it. */
  private static String pool(String name, String profile, int count, String more) {
    return text(
        "{'name': '%s', 'model_id': '%s-8b', 'engine': 'vllm',".formatted(name, name)
            + " 'replicas': {'simulated': {'count': %d, 'profile': '%s'}}%s}"
                .formatted(count, profile, more));
  }

  private static String file(String... pools) {
    return text(
        "{'node': {'name': 'n', 'event_loops': 2, 'ports': {'http': 0, 'admin': 0}},"
            + " 'fleet': {'pools': [%s]}}".formatted(String.join(", ", pools)));
  }

  private static String text(String json) {
    return json.replace('\'', '"');
  }

  private void write(String json) throws IOException {
    Files.writeString(folder.resolve("node.json"), json);
  }

  private Loaded read() {
    mostReading.accumulateAndGet(reading.incrementAndGet(), Math::max);
    try {
      return ConfigLoader.load(folder.resolve("node.json"), name -> Optional.empty());
    } finally {
      reading.decrementAndGet();
    }
  }

  private void start(String json) throws Exception {
    write(json);
    start(Optional.of(this::read));
  }

  private void start(Optional<Supplier<Loaded>> file) throws Exception {
    NodeSetup setup =
        new NodeSetup("test", LogFormat.JSON, new ByteArrayOutputStream(), Clock.system(), file);
    node =
        await(
            Node.start(
                read().fold(ok -> ok.config(), no -> Assertions.fail(no.mistakes().toString())),
                setup));
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(120, TimeUnit.SECONDS);
  }
}
