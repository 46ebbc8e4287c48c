package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ConfigLoader;
import io.penstock.config.Loaded;
import io.penstock.config.NodeConfig;
import io.penstock.fake.Ports;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.KvPublishing;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Engines tell what their prefix caches hold, over sockets, and the router goes by it. */
@Timeout(180)
class KvEventsTest {
  private static final int KV_TOKENS = 16_000;
  private static final int TOKENS = 3_000;
  private static final int REPLICAS = 2;
  private static final int EVENTS = 2;
  private static final int REPLAYS = 4;

  @TempDir Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Vertx vertx = Vertx.vertx();
  private final List<Node> nodes = new ArrayList<>();

  @SuppressWarnings("NullAway.Init") // by start
  private EngineSimulator engines;

  private int asked;

  @AfterEach
  void stop() throws Exception {
    for (Node each : nodes) {
      await(each.close());
    }
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private void start(Optional<KvPublishing> publishing, int size) throws Exception {
    int port = Ports.consecutive(3 * REPLICAS);
    SimConfig sim =
        SimConfig.of(SimProfile.of("instant").withKvTokens(KV_TOKENS))
            .withModel("rivers")
            .withReplicas(REPLICAS)
            .withBasePort(port);
    engines = await(EngineSimulator.start(vertx, publishing.map(sim::withKvEvents).orElse(sim)));
    List<Integer> cluster = new ArrayList<>();
    JsonArray members = new JsonArray();
    for (int i = 0; i < size; i++) {
      cluster.add(Ports.free());
      members.add("127.0.0.1:" + cluster.get(i));
    }
    for (int i = 0; i < size; i++) {
      Path file = config(i, cluster, members);
      NodeConfig config =
          load(file)
              .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
      nodes.add(
          await(
              Node.start(
                  config,
                  new NodeSetup(
                      "test",
                      LogFormat.JSON,
                      new ByteArrayOutputStream(),
                      Clock.system(),
                      Optional.of(() -> load(file))))));
    }
    nodes.forEach(NodeTest::awaitReady);
  }

  private static Loaded load(Path file) {
    return ConfigLoader.load(file, name -> Optional.empty());
  }

  private Path config(int number, List<Integer> cluster, JsonArray members) throws Exception {
    JsonArray replicas = new JsonArray();
    engines.urls().forEach(url -> replicas.add(new JsonObject().put("url", url)));
    JsonObject json =
        new JsonObject(
            """
                {"node": {"name": "n%d", "event_loops": 2, "ports":
                   {"http": 0, "admin": 0, "cluster": %d, "bus": 0}},
                 "fleet": {"pools": [{"name": "rivers", "model_id": "rivers", "engine": "vllm",
                   "routing_strategy": "prefix_cache", "max_concurrent": 50,
                   "health": {"signal_interval_ms": 200},
                   "kv_events": {"endpoint": "tcp://{host}:{port+%d}",
                     "replay_endpoint": "tcp://{host}:{port+%d}", "topic": "kv-events"}}]}}
                """
                .formatted(number, cluster.get(number), EVENTS, REPLAYS));
    json.getJsonObject("fleet").getJsonArray("pools").getJsonObject(0).put("replicas", replicas);
    if (members.size() > 1) {
      json.put(
          "cluster",
          new JsonObject()
              .put("name", "kv-" + cluster.get(0))
              .put("host", "127.0.0.1")
              .put(
                  "join",
                  new JsonObject().put("static", new JsonObject().put("members", members))));
    } else {
      json.getJsonObject("node").getJsonObject("ports").remove("cluster");
      json.getJsonObject("node").getJsonObject("ports").remove("bus");
    }
    return Files.writeString(folder.resolve("node-" + number + ".json"), json.encode());
  }

  private static KvPublishing publishing(KvPublishing.Encoding encoding) {
    return KvPublishing.DEFAULT.withOffsets(EVENTS, REPLAYS).withEncoding(encoding);
  }

  /** Asks for a text of some thousand tokens; says how the replica was chosen. */
  private JsonObject ask(String story) throws Exception {
    LockSupport.parkNanos(100_000_000); // of choices that follow one another fast a sample is kept
    String id = "ask-" + asked++;
    send(id, story);
    return admin(0, "decisions?request=" + id).getJsonArray("decisions").getJsonObject(0);
  }

  private void send(String id, String story) throws Exception {
    String body =
        """
        {"model": "rivers", "max_tokens": 20, "messages": [{"role": "user", "content": "%s"}]}
        """
            .formatted((story + " goes on and on. ").repeat(4 * TOKENS / (story.length() + 17)));
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(
                    uri(nodes.get(0).config().ingress().port(), "/v1/chat/completions"))
                .header("content-type", "application/json")
                .header("x-request-id", id)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
  }

  /** Tokens of the prompt that were expected at the replica that got it. */
  private static double expected(JsonObject decision) {
    return decision.getJsonArray("rows").stream()
        .map(JsonObject.class::cast)
        .filter(row -> row.getString("replica").equals(decision.getString("chosen")))
        .findFirst()
        .orElseThrow()
        .getJsonObject("inputs")
        .getDouble("cached_tokens");
  }

  private static URI uri(int port, String path) {
    return URI.create("http://127.0.0.1:" + port + path);
  }

  private JsonObject admin(int node, String path) throws Exception {
    int port = nodes.get(node).config().admin().orElseThrow().port();
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(uri(port, "/admin/v1/" + path)).build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return new JsonObject(answer.body());
  }

  private String get(int node, String path) throws Exception {
    return http.send(
            HttpRequest.newBuilder(uri(nodes.get(node).config().ingress().port(), path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private JsonObject events(int node, String replica) throws Exception {
    JsonObject pool = admin(node, "pools").getJsonArray("pools").getJsonObject(0);
    JsonObject cache = pool.getJsonObject("prefix_cache", new JsonObject());
    return cache.getJsonArray("replicas", new JsonArray()).stream()
        .map(JsonObject.class::cast)
        .filter(row -> row.getString("id").equals(replica))
        .findFirst()
        .map(row -> row.getJsonObject("kv_events"))
        .orElse(new JsonObject());
  }

  private JsonObject await(int node, String replica, Predicate<JsonObject> wanted)
      throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    JsonObject now = events(node, replica);
    while (!wanted.test(now)) {
      assertThat(System.nanoTime()).as("%s", now).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
      now = events(node, replica);
    }
    return now;
  }

  private static Predicate<JsonObject> atLeast(String key, long value) {
    return row -> row.getLong(key, -1L) != null && row.getLong(key, -1L) >= value;
  }

  /** About as much as fits, by the owner's count of tokens. */
  private static boolean holds(JsonObject row) {
    Long tokens = row.getLong("holds_tokens");
    return tokens != null && tokens >= KV_TOKENS / 4 && tokens <= 2 * KV_TOKENS;
  }

  private int number(String replica) {
    return Integer.parseInt(replica.substring("rivers-".length()));
  }

  @ParameterizedTest
  @EnumSource(KvPublishing.Encoding.class)
  void whatEnginesTellIsGoneBy(KvPublishing.Encoding encoding) throws Exception {
    start(Optional.of(publishing(encoding)), 1);
    await(0, "rivers-0", row -> row.getBoolean("following", false));
    await(0, "rivers-1", row -> row.getBoolean("following", false));

    JsonObject first = ask("Alpha");
    String home = first.getString("chosen");
    assertThat(expected(first)).isZero();
    JsonObject held = await(0, home, atLeast("tokens", TOKENS - 100));
    assertThat(held.getBoolean("whole")).isTrue();
    assertThat(held.getLong("blocks") * 16).isEqualTo(held.getLong("tokens"));
    assertThat(held.getValue("holds_tokens")).as("nothing had to make room").isNull();
    JsonObject second = ask("Alpha");
    assertThat(second.getString("chosen")).isEqualTo(home);
    assertThat(expected(second)).isGreaterThan(TOKENS / 2.0);

    // An operator empties the engine's cache.
    assertThat(await(engines.resetPrefixCache(number(home)))).isTrue();
    JsonObject emptied = await(0, home, atLeast("emptied", 1));
    assertThat(emptied.getLong("tokens")).isZero();
    assertThat(expected(ask("Alpha"))).as("its home is as good as any").isZero();

    // Batches are lost on the way.
    String at = ask("Beta").getString("chosen");
    await(0, at, row -> row.getLong("tokens") >= TOKENS - 100);
    await(engines.dropKvEvents(number(at), 2));
    for (int i = 0; events(0, at).getLong("gaps") == 0; i++) {
      send("gap-" + i, "Gamma " + i);
      assertThat(i).isLessThan(500);
    }
    JsonObject replayed = await(0, at, row -> row.getBoolean("following"));
    assertThat(replayed.getLong("losses")).isZero();
    assertThat(replayed.getLong("restarts")).isZero();
    assertThat(replayed.getBoolean("whole")).isTrue();
    assertThat(replayed.getLong("replays")).isGreaterThanOrEqualTo(2);

    // More than fits: what the cache keeps is learned from what has to go.
    for (int i = 0; i < 30; i++) {
      send("story-" + i, "Story " + i);
    }
    // Prompts count when they are granted, what is stored of them when it is told of.
    JsonObject full = await(0, at, row -> atLeast("keeps_tokens", 0).test(row) && holds(row));
    assertThat(full.getLong("keeps_tokens")).isBetween(KV_TOKENS / 2L, KV_TOKENS + 1_000L);
    assertThat(full.getLong("tokens")).isBetween(KV_TOKENS / 2L, (long) KV_TOKENS);
    assertThat(full.getBoolean("from_events")).isTrue();
    JsonObject late = ask("Story 0");
    assertThat(expected(late)).as("%s, %s", full, late).isZero();

    // It dies and comes back empty.
    await(engines.kill(number(at)));
    await(engines.revive(number(at)));
    JsonObject reborn = await(0, at, atLeast("restarts", 1));
    assertThat(reborn.getLong("emptied")).isPositive();
    await(0, at, row -> row.getBoolean("following"));
    assertThat(get(0, "/metrics"))
        .containsPattern("penstock_kv_faults_total\\{kind=\"restart\",pool=\"rivers\"} [1-9]")
        .containsPattern("penstock_kv_faults_total\\{kind=\"gap\",pool=\"rivers\"} [1-9]")
        .containsPattern("penstock_kv_faults_total\\{kind=\"malformed\",pool=\"rivers\"} 0")
        .containsPattern("penstock_kv_tokens\\{pool=\"rivers\",replica=\"rivers-0\"} ");
    assertThat(get(0, "/health/ready")).doesNotContain("kv_events_silent");
  }

  /** Reads the files again. */
  private void reload() throws Exception {
    int port = nodes.get(0).config().admin().orElseThrow().port();
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(uri(port, "/admin/v1/reload"))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.body()).contains("kv_events.endpoint");
  }

  @Test
  void aReloadBeginsAndEndsIt() throws Exception {
    start(Optional.of(publishing(KvPublishing.Encoding.MAPS)), 1);
    String home = ask("Alpha").getString("chosen");
    await(0, home, atLeast("tokens", TOKENS - 100));
    Path file = folder.resolve("node-0.json");
    String with = Files.readString(file);
    JsonObject without = new JsonObject(with);
    without.getJsonObject("fleet").getJsonArray("pools").getJsonObject(0).remove("kv_events");
    Files.writeString(file, without.encode());
    reload();
    assertThat(events(0, home).isEmpty()).as("none are followed").isTrue();
    awaitMetrics("penstock_kv_tokens\\{pool=\"rivers\",replica=\"" + home + "\"\\} NaN");
    Files.writeString(file, with);
    reload();
    JsonObject again = await(0, home, atLeast("tokens", TOKENS - 100));
    assertThat(again.getBoolean("whole")).isTrue();
    assertThat(again.getLong("emptied")).isZero();
    assertThat(expected(ask("Alpha"))).as("still known").isGreaterThan(TOKENS / 2.0);
  }

  private void awaitMetrics(String pattern) throws Exception {
    Pattern wanted = Pattern.compile(pattern);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    for (String now = get(0, "/metrics"); !wanted.matcher(now).find(); now = get(0, "/metrics")) {
      assertThat(System.nanoTime()).as("%s in %s", pattern, now).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }

  @Test
  void silenceIsAnAlarm() throws Exception {
    start(Optional.empty(), 1);
    JsonObject first = ask("Alpha");
    String at = first.getString("chosen");
    JsonObject silent = await(0, at, row -> row.getBoolean("silent", false));
    assertThat(silent.getBoolean("from_events")).isFalse();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    String ready = get(0, "/health/ready");
    while (!ready.contains("kv_events_silent")) {
      assertThat(System.nanoTime()).as(ready).isLessThan(end);
      LockSupport.parkNanos(50_000_000);
      ready = get(0, "/health/ready");
    }
    assertThat(ready).contains("no events of the prefix cache of " + at);
    assertThat(expected(ask("Alpha"))).as("what was given counts").isGreaterThan(TOKENS / 2.0);
  }

  @Test
  void oneNodeHearsThemForAll() throws Exception {
    start(Optional.of(publishing(KvPublishing.Encoding.MAPS)), 2);
    String home = ask("Alpha").getString("chosen");
    await(0, home, atLeast("tokens", TOKENS - 100));
    await(1, home, atLeast("tokens", TOKENS - 100));
    List<Integer> hearing = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      if (get(i, "/metrics").contains("penstock_kv_tokens{pool=\"rivers\",replica=\"" + home)) {
        hearing.add(i);
      }
    }
    assertThat(hearing).hasSize(1);

    // The other takes over, from what the engine still has of the past.
    int gone = hearing.get(0);
    await(nodes.remove(gone).close());
    JsonObject now = await(0, home, row -> row.getBoolean("following", false));
    assertThat(now.getBoolean("whole")).isTrue();
    assertThat(now.getLong("tokens")).isGreaterThanOrEqualTo(TOKENS - 100L);
    assertThat(await(engines.resetPrefixCache(number(home)))).isTrue();
    await(0, home, atLeast("emptied", 1));
  }
}
