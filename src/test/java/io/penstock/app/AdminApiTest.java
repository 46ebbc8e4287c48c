package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
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
import java.net.InetAddress;
import java.net.Socket;
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
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The admin API of a whole node in this JVM, over real sockets. */
@Timeout(600)
class AdminApiTest {
  private static final String MODEL = "river-8b";

  /** Of a stream that is live while a test looks at other things: 8 s at the least. */
  private static final int LIVE_TOKENS = 1_000;

  /** Of one that the test leaves. */
  private static final int LEFT_TOKENS = 20_000;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  @TempDir private Path folder;

  @SuppressWarnings("NullAway.Init") // each test starts its own
  private Node node;

  @AfterEach
  void close() throws Exception {
    await(node.close());
  }

  @Test
  void tellsOfTheFleetAndTheNodes() throws Exception {
    start("instant", "");
    assertThat(replicaOf(chat(5))).isIn("rivers-0", "rivers-1");
    awaitPool(
        found ->
            found.getJsonArray("replicas").stream()
                .allMatch(each -> ((JsonObject) each).getString("state").equals("healthy")));

    JsonObject fleet = admin("GET", "/fleet", 200);
    HttpResponse<String> byHttp2 =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(
                        URI.create(
                            "http://127.0.0.1:"
                                + node.config().admin().orElseThrow().port()
                                + "/admin/v1/fleet"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(byHttp2.version()).isEqualTo(HttpClient.Version.HTTP_2);
    assertThat(byHttp2.statusCode()).as(byHttp2.body()).isEqualTo(200);
    assertThat(fleet.getJsonArray("silent")).isEmpty();
    JsonObject pool = fleet.getJsonArray("pools").getJsonObject(0);
    assertThat(pool.getString("name")).isEqualTo("rivers");
    assertThat(pool.getJsonObject("owner").getString("name")).isEqualTo("n");
    assertThat(pool.getJsonObject("waiting").getMap())
        .containsOnlyKeys("interactive", "default", "bulk");
    JsonObject replica = pool.getJsonArray("replicas").getJsonObject(0);
    assertThat(replica.getString("id")).isEqualTo("rivers-0");
    assertThat(replica.getString("state")).isEqualTo("healthy");
    assertThat(replica.getBoolean("usable")).isTrue();
    assertThat(replica.getInteger("limit")).isEqualTo(100);
    assertThat(fleet.encode()).as("no address of an engine").doesNotContain("http://");

    JsonObject only = admin("GET", "/nodes", 200).getJsonArray("nodes").getJsonObject(0);
    assertThat(only.getString("name")).isEqualTo("n");
    assertThat(only.getBoolean("self")).isTrue();
    assertThat(only.getJsonArray("roles")).contains("batcher", "health-prober");
  }

  @Test
  void tellsOfTheQueueByClassAndTenantAndWhereARequestIs() throws Exception {
    start("h100-llama-3.1-8b", "", 1);
    List<HttpResponse<InputStream>> live = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      live.add(http.send(request(LEFT_TOKENS), HttpResponse.BodyHandlers.ofInputStream()));
    }
    var first = http.sendAsync(named("first"), HttpResponse.BodyHandlers.ofString());
    awaitPool(pool -> pool.getJsonObject("waiting").getInteger("default") == 1);
    var second = http.sendAsync(named("second"), HttpResponse.BodyHandlers.ofString());
    awaitPool(pool -> pool.getJsonObject("waiting").getInteger("default") == 2);

    JsonObject row = admin("GET", "/pools", 200).getJsonArray("pools").getJsonObject(0);
    assertThat(row.getString("name")).isEqualTo("rivers");
    assertThat(row.getInteger("slots")).isEqualTo(2);
    assertThat(row.getInteger("live")).isEqualTo(2);
    assertThat(row.getLong("granted")).isEqualTo(2);
    JsonObject waiting = row.getJsonObject("queue").getJsonObject("default");
    assertThat(waiting.getInteger("waiting")).isEqualTo(2);
    assertThat(waiting.getLong("bytes")).isEqualTo(2 * BODY_OF_NAMED.length());
    assertThat(waiting.containsKey("predicted_wait_ms")).isTrue();
    assertThat(waiting.getValue("predicted_wait_ms")).as("too few have ended").isNull();
    assertThat(row.getJsonObject("queue").getJsonObject("bulk").getInteger("waiting")).isZero();

    JsonObject pool = admin("GET", "/pools/rivers", 200);
    JsonObject tenant = pool.getJsonArray("tenants").getJsonObject(0);
    assertThat(tenant.getString("tenant")).isEqualTo("anonymous");
    assertThat(tenant.getString("class")).isEqualTo("default");
    assertThat(tenant.getInteger("waiting")).isEqualTo(2);
    assertThat(tenant.getInteger("live")).isEqualTo(2);
    assertThat(pool.getJsonObject("other_tenants").getInteger("rows")).isZero();
    JsonObject replica = pool.getJsonArray("replicas").getJsonObject(0);
    assertThat(replica.getInteger("limit")).isEqualTo(1);
    assertThat(replica.getInteger("max_concurrent")).isEqualTo(1);
    assertThat(replica.getInteger("back_pressure_limit")).isEqualTo(1);
    assertThat(replica.getDouble("share")).isEqualTo(1);
    assertThat(replica.getBoolean("slow_start")).isFalse();

    JsonObject place = admin("GET", "/pools/rivers/requests/second", 200);
    assertThat(place.getString("state")).isEqualTo("waiting");
    assertThat(place.getInteger("position")).isEqualTo(2);
    assertThat(place.getLong("waited_ms")).isBetween(0L, 30_000L);
    assertThat(place.getLong("refused_in_ms")).isBetween(1L, 60_000L);
    assertThat(admin("GET", "/pools/rivers/requests/first", 200).getInteger("position"))
        .isEqualTo(1);
    String running = live.get(0).headers().firstValue("x-request-id").orElseThrow();
    JsonObject runs = admin("GET", "/pools/rivers/requests/" + running, 200);
    assertThat(runs.getString("state")).isEqualTo("running");

    JsonObject decision =
        admin("GET", "/decisions?request=" + running, 200)
            .getJsonArray("decisions")
            .getJsonObject(0);
    assertThat(decision.getString("request")).isEqualTo(running);
    assertThat(decision.getString("pool")).isEqualTo("rivers");
    assertThat(decision.getString("strategy")).isEqualTo("least_loaded");
    assertThat(decision.getString("chosen")).isEqualTo(runs.getString("replica"));
    assertThat(decision.getJsonArray("rows").getJsonObject(0).getJsonObject("inputs").getMap())
        .containsKeys("load", "limit", "weight", "last_grant");
    assertThat(admin("GET", "/decisions?pool=rivers&last=1", 200).getJsonArray("decisions").size())
        .isEqualTo(1);
    assertThat(admin("GET", "/decisions?request=nobody", 200).getJsonArray("decisions")).isEmpty();
    assertThat(admin("GET", "/decisions", 400).encode()).contains("expected: ?request=ID");
    assertThat(admin("GET", "/decisions?pool=rivers&last=51", 400).encode())
        .contains("expected: 1..50");
    assertThat(admin("GET", "/decisions?pool=lakes", 404).encode()).contains("rivers");
    assertThat(admin("GET", "/decisions?who=me", 400).encode()).contains("unknown parameter");
    assertThat(runs.getString("replica"))
        .isEqualTo(live.get(0).headers().firstValue("x-penstock-replica").orElseThrow());

    JsonObject unknown = admin("GET", "/pools/rivers/requests/third", 404);
    assertThat(unknown.getJsonObject("error").getString("message"))
        .isEqualTo(
            "pool 'rivers' has no request 'third' (expected: the x-request-id of one that waits or"
                + " runs)");
    assertThat(admin("GET", "/pools/lakes", 404).getJsonObject("error").getString("message"))
        .isEqualTo("there is no pool 'lakes' (expected: one of rivers)");
    assertThat(admin("GET", "/pools/lakes/requests/first", 404).encode()).contains("'lakes'");
    assertThat(error(admin("POST", "/pools/rivers", 405))).isEqualTo("method_not_allowed");
    assertThat(error(admin("DELETE", "/pools", 405))).isEqualTo("method_not_allowed");

    for (HttpResponse<InputStream> each : live) {
      each.body().close();
    }
    assertThat(first.get(120, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    assertThat(second.get(120, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
  }

  private static final String BODY_OF_NAMED =
      "{\"model\": \"" + MODEL + "\", \"prompt\": \"Hello\", \"max_tokens\": 2}";

  private HttpRequest named(String id) {
    return HttpRequest.newBuilder(uri("/v1/completions"))
        .header("content-type", "application/json")
        .header("x-request-id", id)
        .POST(HttpRequest.BodyPublishers.ofString(BODY_OF_NAMED))
        .build();
  }

  @Test
  void refusesStrangersAndWhatItDoesNotKnow() throws Exception {
    start("instant", ", \"admin\": {\"key\": \"sk-admin\"}");

    assertThat(error(send("GET", "/fleet", null, 401))).isEqualTo("invalid_api_key");
    assertThat(error(send("POST", "/replicas/rivers-0/drain", "x-api-key: nope", 401)))
        .isEqualTo("invalid_api_key");
    assertThat(send("GET", "/fleet", "x-api-key: sk-admin", 200).containsKey("pools")).isTrue();
    String bearer = "authorization: Bearer sk-admin";
    assertThat(send("GET", "/nodes", bearer, 200).containsKey("nodes")).isTrue();
    assertThat(error(send("GET", "/nonsense", bearer, 404))).isEqualTo("unknown_path");
    assertThat(error(send("PUT", "/pools/rivers/drain", bearer, 405)))
        .isEqualTo("method_not_allowed");
    assertThat(send("GET", "/reload", bearer, 405).getJsonObject("error").getString("message"))
        .isEqualTo("GET /admin/v1/reload (expected: POST)");
    assertThat(error(send("DELETE", "/fleet/", bearer, 405))).isEqualTo("method_not_allowed");
    assertThat(error(send("POST", "/pools/rivers/drain?wait=5", bearer, 400)))
        .isEqualTo("invalid_value");
    assertThat(raw("POST", "/pools/rivers/drain?wait=5", bearer).body())
        .contains("wait: unknown parameter (expected: wait_seconds, or none)")
        .endsWith("}\n");
    assertThat(raw("PUT", "/pools/rivers/drain", bearer).headers().firstValue("allow"))
        .contains("POST, GET, DELETE");
    assertThat(raw("GET", "/fleet", null).headers().firstValue("www-authenticate"))
        .contains("Bearer");
    assertThat(malformedPath(bearer)).contains("\"code\":\"invalid_value\"");
    assertThat(error(send("POST", "/pools/rivers/drain?wait_seconds=x", bearer, 400)))
        .isEqualTo("invalid_value");
    JsonObject unknown = send("POST", "/replicas/rivers-9/drain", bearer, 404);
    assertThat(error(unknown)).isEqualTo("unknown_target");
    assertThat(unknown.getJsonObject("error").getString("message"))
        .isEqualTo("there is no replica 'rivers-9' (expected: one of rivers-0, rivers-1)");
    assertThat(send("POST", "/pools/lakes/drain", bearer, 404).encode())
        .contains("expected: one of rivers)");
    assertThat(send("DELETE", "/nodes/n", bearer, 400).encode()).contains("is not missing");
    assertThat(send("DELETE", "/nodes/m", bearer, 404).encode()).contains("no missing node 'm'");
    assertThat(send("POST", "/nodes/m/drain", bearer, 404).encode())
        .contains("expected: one of n)");
  }

  @Test
  void withoutAKeyNoPageOfABrowserPasses() throws Exception {
    start("instant", "");

    assertThat(error(send("POST", "/nodes/self/drain", "origin: https://evil.example", 403)))
        .isEqualTo("origin_not_allowed");
    assertThat(node.readiness().draining()).isFalse();
  }

  @Test
  void aDrainedReplicaFinishesWhatItHasAndGetsNoMore() throws Exception {
    start("h100-llama-3.1-8b", "");
    HttpResponse<InputStream> live =
        http.send(request(LIVE_TOKENS), HttpResponse.BodyHandlers.ofInputStream());
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(live.body(), StandardCharsets.UTF_8));
    assertThat(lines.readLine()).startsWith("data: ");
    String busy = live.headers().firstValue("x-penstock-replica").orElseThrow();

    JsonObject begun = admin("POST", "/replicas/" + busy + "/drain", 202);
    assertThat(begun.getString("target")).isEqualTo("replica " + busy);
    assertThat(begun.getBoolean("draining")).isTrue();
    awaitDraining(busy);
    assertThat(admin("POST", "/replicas/" + busy + "/drain", 202).getInteger("live")).isEqualTo(1);
    for (int i = 0; i < 10; i++) {
      assertThat(replicaOf(chat(2))).isNotEqualTo(busy);
    }
    assertThat(lines.lines().filter(line -> line.startsWith("data: ")))
        .last()
        .isEqualTo("data: [DONE]");
    JsonObject done = admin("GET", "/replicas/" + busy + "/drain?wait_seconds=30", 200);
    assertThat(done.getBoolean("drained")).isTrue();
    assertThat(done.getInteger("live")).isZero();
    assertThat(replica(busy).getString("why")).isEqualTo("is being drained");
    assertThat(replica(busy).getString("state")).isEqualTo("healthy");

    assertThat(admin("DELETE", "/replicas/" + busy + "/drain", 200).getBoolean("draining"))
        .isFalse();
    Set<String> used = new HashSet<>();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!used.contains(busy) && System.nanoTime() < end) {
      used.add(replicaOf(chat(2)));
    }
    assertThat(used).contains(busy);
  }

  @Test
  void aDrainedPoolServesWhatWaitsAndRefusesWhatIsNew() throws Exception {
    start("h100-llama-3.1-8b", "", 1);
    List<HttpResponse<InputStream>> live = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      live.add(http.send(request(LIVE_TOKENS), HttpResponse.BodyHandlers.ofInputStream()));
    }
    var waiting = http.sendAsync(request(2), HttpResponse.BodyHandlers.ofString());
    awaitPool(pool -> pool.getJsonObject("waiting").getInteger("default") == 1);

    JsonObject begun = admin("POST", "/pools/rivers/drain", 202);
    assertThat(begun.getBoolean("drained")).isFalse();
    awaitPool(pool -> pool.getBoolean("draining"));
    HttpResponse<String> refused = chat(2);
    assertThat(refused.statusCode()).as(refused.body()).isEqualTo(503);
    assertThat(error(new JsonObject(refused.body()))).isEqualTo("draining");
    assertThat(refused.body()).contains("Pool 'rivers' is being drained");
    for (HttpResponse<InputStream> each : live) {
      assertThat(new String(each.body().readAllBytes(), StandardCharsets.UTF_8))
          .endsWith("data: [DONE]\n\n");
    }
    assertThat(waiting.get(120, TimeUnit.SECONDS).body()).endsWith("data: [DONE]\n\n");
    assertThat(admin("GET", "/pools/rivers/drain?wait_seconds=30", 200).getBoolean("drained"))
        .isTrue();

    admin("DELETE", "/pools/rivers/drain", 200);
    awaitPool(pool -> !pool.getBoolean("draining"));
    assertThat(chat(2).statusCode()).isEqualTo(200);
  }

  @Test
  void aDrainedNodeIsNotReadyAndComesBack() throws Exception {
    start("instant", "");
    assertThat(chat(2).statusCode()).isEqualTo(200);

    admin("POST", "/nodes/n/drain", 202);
    JsonObject done = admin("GET", "/nodes/self/drain?wait_seconds=30", 200);
    assertThat(done.getBoolean("drained")).isTrue();
    assertThat(get("/health/ready").statusCode()).isEqualTo(503);
    assertThat(error(new JsonObject(chat(2).body()))).isEqualTo("draining");
    assertThat(admin("GET", "/nodes", 200).getJsonArray("nodes").getJsonObject(0))
        .satisfies(row -> assertThat(((JsonObject) row).getBoolean("draining")).isTrue());

    assertThat(admin("DELETE", "/nodes/n/drain", 200).getBoolean("draining")).isFalse();
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    assertThat(chat(2).statusCode()).isEqualTo(200);
    assertThat(await(node.drain())).as("the same path at the end").isTrue();
    node = await(Node.start(config("instant", "", 100), setup())); // for close()
  }

  private void awaitDraining(String replica) throws Exception {
    awaitPool(
        pool -> {
          for (Object each : pool.getJsonArray("replicas")) {
            JsonObject row = (JsonObject) each;
            if (row.getString("id").equals(replica)) {
              return row.getBoolean("draining");
            }
          }
          return false;
        });
  }

  private JsonObject replica(String id) throws Exception {
    JsonArray rows = pool().getJsonArray("replicas");
    for (Object each : rows) {
      JsonObject row = (JsonObject) each;
      if (row.getString("id").equals(id)) {
        return row;
      }
    }
    return Assertions.fail(id + " is not among " + rows);
  }

  private interface Wanted {
    boolean holds(JsonObject pool);
  }

  private void awaitPool(Wanted wanted) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    JsonObject last = pool();
    while (!wanted.holds(last)) {
      assertThat(System.nanoTime()).as(last.encode()).isLessThan(end);
      last = pool();
    }
  }

  private JsonObject pool() throws Exception {
    return admin("GET", "/fleet", 200).getJsonArray("pools").getJsonObject(0);
  }

  private JsonObject admin(String method, String path, int status) throws Exception {
    return send(method, path, null, status);
  }

  /** What no client of Java sends. */
  private String malformedPath(String header) throws Exception {
    int port = node.config().admin().orElseThrow().port();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              ("GET /admin/v1/pools/%E0%A4%A/drain HTTP/1.1\r\nhost: localhost\r\n"
                      + header
                      + "\r\nconnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private JsonObject send(String method, String path, @Nullable String header, int status)
      throws Exception {
    HttpResponse<String> answer = raw(method, path, header);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return new JsonObject(answer.body());
  }

  private HttpResponse<String> raw(String method, String path, @Nullable String header)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:"
                        + node.config().admin().orElseThrow().port()
                        + "/admin/v1"
                        + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (header != null) {
      request.header(
          header.substring(0, header.indexOf(':')), header.substring(header.indexOf(':') + 2));
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String error(JsonObject body) {
    return body.getJsonObject("error").getString("code");
  }

  private static String replicaOf(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.headers().firstValue("x-penstock-replica").orElseThrow();
  }

  private HttpResponse<String> chat(int tokens) throws Exception {
    return http.send(request(tokens), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest request(int tokens) {
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

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + node.config().ingress().port() + path);
  }

  private void start(String profile, String more) throws Exception {
    start(profile, more, 100);
  }

  private void start(String profile, String more, int maxConcurrent) throws Exception {
    node = await(Node.start(config(profile, more, maxConcurrent), setup()));
    NodeTest.awaitReady(node);
  }

  private static NodeSetup setup() {
    return new NodeSetup("test", LogFormat.JSON, new ByteArrayOutputStream(), Clock.system());
  }

  private NodeConfig config(String profile, String more, int maxConcurrent) throws IOException {
    String json =
        """
        {"node": {"name": "n", "event_loops": 2, "ports": {"http": 0, "admin": 0}},
         "fleet": {"pools": [{"name": "rivers", "model_id": "%s", "engine": "vllm",
           "max_concurrent": %d,
           "replicas": {"simulated": {"count": 2, "profile": "%s"}}}]}%s}
        """
            .formatted(MODEL, maxConcurrent, profile, more);
    Path file = Files.writeString(folder.resolve("node.json"), json);
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(120, TimeUnit.SECONDS);
  }
}
