package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.Cluster.Node;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three JVMs before simulated engines of three tiers and one that judges, each tier a pool with an
 * owner of its own: cascades cross nodes with every step.
 */
class TiersIT {
  private static final List<String> TIERS = List.of("fast", "standard", "quality");
  private static final int JUDGE = TIERS.size();
  private static final String KEY = "sk-of-the-limited-tenant";

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir Path folder;
  private Cluster cluster;

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private void start(String profile, JsonObject tenants, JsonObject cascade, int ofStandard) {
    cluster =
        new Cluster(
            folder,
            3,
            TIERS.size() + 1,
            profile,
            tenants,
            urls -> {
              JsonArray pools = new JsonArray();
              JsonArray list = new JsonArray();
              for (int i = 0; i < urls.size(); i++) {
                String name = i < TIERS.size() ? TIERS.get(i) : "judge";
                pools.add(
                    new JsonObject()
                        .put("name", name)
                        .put("model_id", "model-" + name)
                        .put("engine", "vllm")
                        .put("engine_model_id", Cluster.MODEL)
                        .put("max_concurrent", i == 1 ? ofStandard : 50)
                        .put(
                            "replicas",
                            new JsonArray().add(new JsonObject().put("url", urls.get(i)))));
                if (i < TIERS.size()) {
                  list.add(tier(i));
                }
              }
              return new JsonObject()
                  .put("pools", pools)
                  .put("tiers", new JsonObject().put("list", list).put("cascade", cascade));
            });
    for (int i = 0; i < 3; i++) {
      Node node = cluster.node(i);
      await("a replica of every tier", () -> hasEveryTier(node));
    }
  }

  /** Whether a node's router knows a replica of each tier: it passes over tiers without one. */
  private boolean hasEveryTier(Node node) {
    HttpRequest asked =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.httpPort + "/v1/models"))
            .header("authorization", "Bearer " + KEY)
            .timeout(Duration.ofSeconds(30))
            .build();
    HttpResponse<String> told = http.sendAsync(asked, HttpResponse.BodyHandlers.ofString()).join();
    return told.statusCode() == 200
        && new JsonObject(told.body())
            .getJsonArray("data").stream().allMatch(row -> ((JsonObject) row).getBoolean("ready"));
  }

  private static JsonObject tier(int number) {
    JsonObject tier =
        new JsonObject()
            .put("level", TIERS.get(number))
            .put("model_id", "model-" + TIERS.get(number))
            .put("latency_target_ms", 500 * (number + 1))
            .put("cost_per_1k_tokens", 0.001 * (number + 1))
            .put("quality_score", 0.5 + 0.2 * number);
    return number + 1 < TIERS.size() ? tier.put("fallback_tier", TIERS.get(number + 1)) : tier;
  }

  private static JsonObject open() {
    return new JsonObject().put("auth", "none");
  }

  private static JsonObject body(boolean stream, int maxTokens) {
    JsonObject body =
        new JsonObject()
            .put("model", "auto")
            .put("stream", stream)
            .put(
                "messages",
                new JsonArray()
                    .add(new JsonObject().put("role", "user").put("content", "Name a river.")));
    if (stream) {
      body.put("stream_options", new JsonObject().put("include_usage", true));
    }
    return maxTokens > 0 ? body.put("max_tokens", maxTokens) : body;
  }

  private CompletableFuture<HttpResponse<String>> ask(
      Node node, JsonObject body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + node.httpPort + "/v1/chat/completions"))
            .header("authorization", "Bearer " + KEY)
            .timeout(Duration.ofSeconds(120))
            .POST(HttpRequest.BodyPublishers.ofString(body.encode()));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  /** The same, or the comment with it of a stream that waited so long that its headers had gone. */
  private static String told(HttpResponse<String> stream, String name) {
    String comment = ": " + name + ": ";
    return stream
        .body()
        .lines()
        .filter(line -> line.startsWith(comment))
        .findFirst()
        .map(line -> line.substring(comment.length()))
        .orElseGet(() -> header(stream, name));
  }

  /** What the answer says was used, of a stream by its last frame. */
  private static JsonObject usage(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    if (answer.body().startsWith("{")) {
      return new JsonObject(answer.body()).getJsonObject("usage");
    }
    assertThat(answer.body()).endsWith("data: [DONE]\n\n").doesNotContain("\"error\"");
    JsonObject last = null;
    for (String line : answer.body().lines().filter(l -> l.startsWith("data: {")).toList()) {
      JsonObject usage = new JsonObject(line.substring(6)).getJsonObject("usage");
      last = usage == null ? last : usage;
    }
    assertThat(last).as(answer.body()).isNotNull();
    return last;
  }

  private void await(String what, BooleanSupplier condition) {
    cluster.node(0).process.await(what, Duration.ofSeconds(30), condition);
  }

  /** All that nodes hold of pools, and of drafts, is given back. */
  private void nothingIsHeld() {
    await(
        "free slots and no drafts",
        () -> {
          double held = 0;
          for (int i = 0; i < 3; i++) {
            Node node = cluster.node(i);
            if (node.process.isAlive()) {
              held += Cluster.metric(node, "penstock_grants");
              held += Cluster.metric(node, "penstock_cascade_draft_bytes");
            }
          }
          return held == 0;
        });
  }

  @Test
  void aCascadeMayBeginAtAnyNodeAndItsJudgeBeAtAnother() {
    start(
        "instant",
        open(),
        new JsonObject()
            .put("on_judge_failure", "reject") // the simulated judge says no number
            .put("llm", new JsonObject().put("model_id", "model-judge").put("timeout_ms", 60_000)),
        50);
    int cascades = 0;
    int direct = 0;
    for (int i = 0; i < 3; i++) {
      Node node = cluster.node(i);
      for (boolean stream : new boolean[] {true, false}) {
        HttpResponse<String> simple =
            ask(node, body(stream, 0), "x-penstock-complexity", "0.1").join();
        JsonObject sum = usage(simple);
        assertThat(header(simple, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
        assertThat(header(simple, "x-penstock-tier")).isEqualTo("quality");
        assertThat(header(simple, "x-penstock-escalation-failed")).isEmpty();
        cascades++;

        HttpResponse<String> hard =
            ask(node, body(stream, 0), "x-penstock-complexity", "0.9").join();
        JsonObject one = usage(hard);
        assertThat(header(hard, "x-penstock-tier")).isEqualTo("quality");
        assertThat(header(hard, "x-penstock-cascade")).isEmpty();
        direct++;
        assertThat(sum.getInteger("prompt_tokens"))
            .as("of the same prompt, three times")
            .isEqualTo(3 * one.getInteger("prompt_tokens"));
        assertThat(sum.getInteger("completion_tokens"))
            .isEqualTo(3 * one.getInteger("completion_tokens"));
      }
    }
    assertThat(cluster.engine(0, "finished")).isEqualTo(cascades);
    assertThat(cluster.engine(1, "finished")).isEqualTo(cascades);
    assertThat(cluster.engine(2, "finished")).isEqualTo(cascades + direct);
    assertThat(cluster.engine(JUDGE, "finished")).as("drafts").isEqualTo(2L * cascades);
    nothingIsHeld();
  }

  @Test
  void cascadesGoOnWhenTheOwnerOfOneTiersPoolIsKilled() {
    start("h100-llama-3.1-8b", open(), new JsonObject(), 2);
    Node owner = cluster.owner("standard");
    List<Node> entries = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      if (cluster.node(i) != owner) {
        entries.add(cluster.node(i));
      }
    }
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    int requests = 40;
    for (int i = 0; i < requests; i++) {
      asked.add(ask(entries.get(i % 2), body(i / 2 % 2 == 0, 60), "x-penstock-complexity", "0.1"));
    }
    entries
        .get(0)
        .process
        .await(
            "drafts whose requests wait for the next tier",
            Duration.ofSeconds(30),
            () ->
                Cluster.metric(owner, "llm_request_queue_depth", "pool=\"standard\"") >= 10
                    && cluster.engine(1, "running") > 0);
    owner.process.kill();
    for (CompletableFuture<HttpResponse<String>> each : asked) {
      HttpResponse<String> answer = each.orTimeout(120, TimeUnit.SECONDS).join();
      assertThat(usage(answer).getInteger("completion_tokens")).isEqualTo(3 * 60);
      assertThat(told(answer, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
    }
    for (int i = 0; i < TIERS.size(); i++) {
      assertThat(cluster.engine(i, "received")).as("each once, tier %d", i).isEqualTo(requests);
    }
    assertThat(cluster.engine(1, "peak_running")).isLessThanOrEqualTo(2);
    for (Node node : entries) {
      await("no draft at a node", () -> Cluster.metric(node, "penstock_cascade_draft_bytes") == 0);
    }
  }

  private static JsonObject limited(JsonObject limits) {
    return new JsonObject()
        .put(
            "list",
            new JsonArray()
                .add(
                    new JsonObject()
                        .put("id", "acme")
                        .put("limits", limits)
                        .put("keys", new JsonArray().add(new JsonObject().put("secret", KEY)))));
  }

  @Test
  void whoLeavesDuringADraftStopsItsEngineAndIsSettledOnce() throws IOException {
    start(
        "h100-llama-3.1-8b",
        limited(new JsonObject().put("max_concurrent", 1)),
        new JsonObject().put("max_draft_bytes", 4 << 20), // so that it stays a draft
        50);
    Node node = cluster.node(0) == cluster.owner("fast") ? cluster.node(1) : cluster.node(0);
    String body = body(true, 7_000).encode();
    try (Socket client = new Socket("127.0.0.1", node.httpPort)) {
      client
          .getOutputStream()
          .write(
              ("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
                      + KEY
                      + "\r\nx-penstock-complexity: 0.1"
                      + "\r\ncontent-length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(StandardCharsets.US_ASCII));
      await("a draft", () -> Cluster.metric(node, "penstock_cascade_draft_bytes") > 0);
    }
    await("the engine hears of it", () -> cluster.engine(0, "cancelled") == 1);
    nothingIsHeld();
    assertThat(Cluster.metric(node, "penstock_cancelled_total", "drafting")).isEqualTo(1);
    assertThat(cluster.engine(1, "received")).isZero();
    await(
        "the tenant's slot is free",
        () -> ask(cluster.node(2), body(false, 2)).join().statusCode() == 200);
  }

  /** Whatever nodes decide at first, in the end the keeper knows what all tiers have used. */
  @Test
  void theTokensOfAllTiersAreTheTenantsAndTheRequestIsOne() {
    int tokens = 6_000;
    int requests = 1_000;
    long began = System.nanoTime();
    start(
        "instant",
        limited(
            new JsonObject().put("tokens_per_minute", tokens).put("requests_per_minute", requests)),
        new JsonObject(),
        50);
    int used = 0;
    int sent = 0;
    for (int i = 0; i < 9; i++) {
      HttpResponse<String> answer =
          ask(cluster.node(i % 3), body(i % 2 == 0, 30), "x-penstock-complexity", "0.1").join();
      assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
      used += usage(answer).getInteger("total_tokens");
      sent++;
    }
    assertThat(used).isGreaterThan(9 * 3 * 30);
    Pattern left = Pattern.compile("tenant 'acme' has (\\d+) of its 6000 tokens");
    Node node = cluster.node(0);
    long told = -1;
    while (told != tokens - used && seconds(began) < 50) {
      HttpResponse<String> refused = ask(node, body(false, tokens - 500)).join();
      assertThat(refused.statusCode()).as(refused.body()).isEqualTo(429);
      Matcher words = left.matcher(refused.body());
      assertThat(words.find()).as(refused.body()).isTrue();
      told = Long.parseLong(words.group(1));
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
    }
    if (seconds(began) < 50) { // else the minute has gone on
      assertThat(told).isEqualTo(tokens - used);
      HttpResponse<String> last = ask(node, body(false, 2)).join();
      assertThat(Integer.parseInt(header(last, "x-ratelimit-remaining-requests")))
          .isEqualTo(requests - sent - 1);
    }
  }

  private static long seconds(long sinceNanos) {
    return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - sinceNanos);
  }
}
