package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import io.vertx.core.Future;
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
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Conversations through a whole node, to engines that keep prefixes. */
@Timeout(600)
class RoutingTest {
  private static final int SESSIONS = 8;

  @TempDir Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @SuppressWarnings("NullAway.Init") // by start
  private Node node;

  @AfterEach
  void stop() throws Exception {
    await(node.close());
  }

  private void start(String strategy) throws Exception {
    String json =
        """
        {"node": {"name": "n", "event_loops": 2, "ports": {"http": 0, "admin": 0}},
         "fleet": {"pools": [{"name": "rivers", "model_id": "rivers", "engine": "vllm",
           "routing_strategy": "%s", "max_concurrent": 50,
           "replicas": {"simulated": {"count": 4, "profile": "h100-llama-3.1-8b"}}}]}}
        """
            .formatted(strategy);
    Path file = Files.writeString(folder.resolve("node.json"), json);
    NodeConfig config =
        ConfigLoader.load(file, name -> Optional.empty())
            .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
    node =
        await(
            Node.start(
                config,
                new NodeSetup(
                    "test", LogFormat.JSON, new ByteArrayOutputStream(), Clock.system())));
    NodeTest.awaitReady(node);
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(120, TimeUnit.SECONDS);
  }

  private CompletableFuture<HttpResponse<String>> ask(int session, int turn, boolean stream) {
    String system = "You answer in one word. ".repeat(60);
    String said = ("The traveller number " + session + " tells a story. ").repeat(400 + 50 * turn);
    String body =
        """
        {"model": "rivers", "max_tokens": 20, "stream": %s, "messages": [
          {"role": "system", "content": "%s"}, {"role": "user", "content": "%s"}]}
        """
            .formatted(stream, system, said);
    int port = node.config().ingress().port();
    return http.sendAsync(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/chat/completions"))
            .header("content-type", "application/json")
            .header("x-request-id", "s" + session + "-t" + turn)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private JsonArray decisions(String query) throws Exception {
    return admin("decisions?" + query).getJsonArray("decisions");
  }

  private JsonObject admin(String path) throws Exception {
    int port = node.config().admin().orElseThrow().port();
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/admin/v1/" + path))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return new JsonObject(answer.body());
  }

  @Test
  void conversationsGoWhereTheirPrefixIs() throws Exception {
    start("prefix_cache");
    List<String> homes = openings();
    for (int turn = 1; turn < 3; turn++) {
      for (int session = 0; session < SESSIONS; session++) {
        JsonObject decision = decision(ask(session, turn, session % 4 != 0), session, turn);
        assertThat(decision.getString("strategy")).isEqualTo("prefix_cache");
        assertThat(decision.getString("chosen"))
            .as("session " + session + ", turn " + turn)
            .isEqualTo(homes.get(session));
      }
    }
    assertThat(homes)
        .as("the shared system prompt does not hold all together")
        .contains("rivers-0", "rivers-1", "rivers-2", "rivers-3");
  }

  /** Where they then go depends on how fast this machine lets the engines seem. */
  @Test
  void whereAPrefixIsGoesIntoTheCost() throws Exception {
    start("predicted_latency");
    List<Set<String>> been = new ArrayList<>();
    openings().forEach(home -> been.add(new HashSet<>(Set.of(home))));
    for (int turn = 1; turn < 3; turn++) {
      for (int session = 0; session < SESSIONS; session++) {
        JsonObject decision = decision(ask(session, turn, session % 4 != 0), session, turn);
        assertThat(decision.getString("strategy")).isEqualTo("predicted_latency");
        double half = decision.getJsonObject("terms").getDouble("prompt_tokens") / 2;
        for (Object each : decision.getJsonArray("rows")) {
          JsonObject row = (JsonObject) each;
          double uncached = row.getJsonObject("inputs").getDouble("uncached_tokens");
          assertThat(uncached < half)
              .as("session " + session + ", turn " + turn + ": half of it is cached at " + row)
              .isEqualTo(been.get(session).contains(row.getString("replica")));
        }
        been.get(session).add(decision.getString("chosen"));
      }
    }
  }

  /** First turns, all at once; where each went. */
  private List<String> openings() throws Exception {
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int session = 0; session < SESSIONS; session++) {
      asked.add(ask(session, 0, session % 4 != 0));
    }
    List<String> homes = new ArrayList<>();
    for (int session = 0; session < SESSIONS; session++) {
      homes.add(decision(asked.get(session), session, 0).getString("chosen"));
    }
    return homes;
  }

  private JsonObject decision(CompletableFuture<HttpResponse<String>> asked, int session, int turn)
      throws Exception {
    HttpResponse<String> answer = asked.get(120, TimeUnit.SECONDS);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonObject decision = decisions("request=s" + session + "-t" + turn).getJsonObject(0);
    assertThat(answer.headers().firstValue("x-penstock-replica"))
        .contains(decision.getString("chosen"));
    return decision;
  }

  @Test
  void theOwnerHearsOfFirstTokensAndOfWhatWasFoundInCaches() throws Exception {
    start("predicted_latency");
    for (int i = 0; i < 3; i++) {
      ask(1, i, true).get(120, TimeUnit.SECONDS);
    }
    JsonObject decision = decisions("pool=rivers&last=1").getJsonObject(0);
    JsonObject chosen = decision.getJsonArray("rows").getJsonObject(0);
    assertThat(chosen.getString("replica")).isEqualTo(decision.getString("chosen"));
    JsonObject inputs = chosen.getJsonObject("inputs");
    assertThat(inputs.getDouble("heard_ms_ago")).isBetween(0.0, 300_000.0);
    assertThat(inputs.getDouble("uncached_tokens"))
        .isLessThan(decision.getJsonObject("terms").getDouble("prompt_tokens") / 2);
    assertThat(inputs.getDouble("backlog_requests")).isZero();

    JsonObject cache = cache();
    assertThat(cache.getInteger("answers")).isEqualTo(3);
    long prompt = cache.getLong("prompt_tokens");
    assertThat(cache.getLong("cached_tokens")).isBetween(prompt / 2, prompt);
    assertThat(cache.getLong("predicted_tokens")).isBetween(prompt / 2, prompt);
    assertThat(cache.getDouble("hit_share"))
        .isCloseTo((double) cache.getLong("cached_tokens") / prompt, within(0.001));
    assertThat(cache.getLong("index_bytes_max")).isEqualTo(4L * 65_536 * 24);
    assertThat(
            cache.getJsonArray("replicas").stream()
                .mapToLong(row -> ((JsonObject) row).getLong("index_bytes"))
                .sum())
        .isEqualTo(cache.getLong("index_bytes"))
        .isBetween(4L * 64 * 24, 1L << 20);
    String metrics = metrics();
    assertThat(metrics)
        .contains("penstock_prefix_tokens_total{kind=\"cached\",pool=\"rivers\"} ")
        .contains("penstock_prefix_tokens_total{kind=\"prompt\",pool=\"rivers\"} " + prompt + ".0")
        .containsPattern("penstock_prefix_index_bytes\\{pool=\"rivers\",replica=\"[^\"]*\"} [1-9]");
  }

  private JsonObject cache() throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    JsonObject pools = admin("pools");
    while (cacheOf(pools).getInteger("answers") < 3) {
      assertThat(System.nanoTime()).as("%s", pools).isLessThan(end);
      pools = admin("pools");
    }
    return cacheOf(pools);
  }

  private static JsonObject cacheOf(JsonObject pools) {
    return pools.getJsonArray("pools").getJsonObject(0).getJsonObject("prefix_cache");
  }

  private String metrics() throws Exception {
    int port = node.config().ingress().port();
    return http.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }
}
