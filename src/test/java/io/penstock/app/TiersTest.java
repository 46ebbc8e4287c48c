package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tiers of simulated engines behind a whole node, by the file that users start from. */
@Timeout(600)
class TiersTest {
  private static final String KEY = "sk-of-the-limited-tenant";

  @TempDir Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @SuppressWarnings("NullAway.Init") // by start
  private Node node;

  @BeforeEach
  void start() throws Exception {
    start(new JsonObject().put("auth", "none"));
  }

  private void start(JsonObject tenants) throws Exception {
    JsonObject tree = new JsonObject(Files.readString(Path.of("conf/tiers.json")));
    tree.getJsonObject("node").put("ports", new JsonObject().put("http", 0).put("admin", 0));
    tree.put("tenants", tenants);
    for (Object pool : tree.getJsonObject("fleet").getJsonArray("pools")) {
      ((JsonObject) pool)
          .getJsonObject("replicas")
          .getJsonObject("simulated")
          .put("profile", "instant");
    }
    Path file = Files.writeString(folder.resolve("node.json"), tree.encode());
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

  @AfterEach
  void stop() throws Exception {
    await(node.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    CompletableFuture<T> done = future.toCompletionStage().toCompletableFuture();
    return done.get(60, TimeUnit.SECONDS);
  }

  private HttpResponse<String> chat(String more, String... headers) throws Exception {
    String body =
        "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"Name a river.\"}]"
            + more
            + "}";
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:" + node.config().ingress().port() + "/v1/chat/completions"))
            .header("authorization", "Bearer " + KEY)
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  private JsonArray decisions(String request) throws Exception {
    URI uri =
        URI.create(
            "http://127.0.0.1:"
                + node.config().admin().orElseThrow().port()
                + "/admin/v1/decisions?request="
                + request);
    String body =
        http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
    return new JsonObject(body).getJsonArray("decisions");
  }

  @Test
  void autoIsServedByATierAndItsReceiptNamesIt() throws Exception {
    HttpResponse<String> answer = chat("", "x-request-id", "r-1", "x-penstock-complexity", "0.5");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-penstock-tier")).isEqualTo("standard");
    JsonArray receipts = decisions("r-1");
    assertThat(receipts).hasSize(1);
    assertThat(receipts.getJsonObject(0).getString("tier")).isEqualTo("standard");
    assertThat(receipts.getJsonObject(0).getString("pool")).isEqualTo("middle");
  }

  @Test
  void cutOffAnswersGoUpAndAllOfThemAreCounted() throws Exception {
    HttpResponse<String> answer =
        chat(
            ",\"max_tokens\":5,\"stream\":true,\"stream_options\":{\"include_usage\":true}",
            "x-request-id",
            "r-2");
    assertThat(header(answer, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
    assertThat(answer.body()).endsWith("data: [DONE]\n\n").contains("\"completion_tokens\":15");
    List<String> tiers =
        decisions("r-2").stream().map(each -> ((JsonObject) each).getString("tier")).toList();
    assertThat(tiers).containsExactlyInAnyOrder("fast", "standard", "quality");
    HttpResponse<String> whole = chat(",\"max_tokens\":5");
    JsonObject usage = new JsonObject(whole.body()).getJsonObject("usage");
    assertThat(usage.getInteger("completion_tokens")).isEqualTo(15);
    int prompt = usage.getInteger("prompt_tokens") / 3;
    double cost = (0.001 + 0.01 + 0.05) * (prompt + 5) / 1_000;
    assertThat(Double.parseDouble(header(whole, "x-penstock-cost")))
        .isCloseTo(cost, Assertions.within(1e-12));
  }

  private void limited(JsonObject ofModel) throws Exception {
    stop();
    start(
        new JsonObject()
            .put(
                "list",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("id", "acme")
                            .put(
                                "limits",
                                new JsonObject()
                                    .put("requests_per_minute", 1_000)
                                    .put("tokens_per_minute", 100_000)
                                    .put("max_concurrent", 1))
                            .put("model_limits", new JsonArray().add(ofModel))
                            .put(
                                "keys",
                                new JsonArray().add(new JsonObject().put("secret", KEY))))));
  }

  private static int number(HttpResponse<?> response, String name) {
    return Integer.parseInt(header(response, name));
  }

  @Test
  void eachTierHasTheLimitsOfItsOwnModel() throws Exception {
    limited(new JsonObject().put("model", "llama-3.3-70b").put("requests_per_minute", 1));
    HttpResponse<String> first = chat(",\"max_tokens\":5");
    assertThat(header(first, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
    HttpResponse<String> second = chat(",\"max_tokens\":5,\"stream\":true", "x-request-id", "r-3");
    assertThat(second.statusCode()).isEqualTo(200);
    assertThat(second.body()).endsWith("data: [DONE]\n\n");
    assertThat(header(second, "x-penstock-escalation-failed"))
        .isEqualTo(
            "standard; code=requests; draft=fast; rejected_by=truncated; quality=0;"
                + " threshold=0.8");
    assertThat(header(second, "x-ratelimit-limit-requests"))
        .as("not those of a model that the next request may do without")
        .isEqualTo("1000");
    JsonObject receipt = decisions("r-3").getJsonObject(0);
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        !receipt.containsKey("remark") && System.nanoTime() < end;
        receipt = decisions("r-3").getJsonObject(0)) {
      Thread.onSpinWait();
    }
    assertThat(receipt.getString("remark"))
        .as("%s", receipt)
        .isEqualTo(
            "served though it was rejected, since the tier above failed: "
                + header(second, "x-penstock-escalation-failed"));
    HttpResponse<String> named =
        chat(",\"max_tokens\":5", "x-penstock-complexity", "0.5", "x-penstock-tier", "standard");
    assertThat(named.statusCode()).as(named.body()).isEqualTo(429);
  }

  /** One request to its tenant however many tiers it runs on, with the tokens of all of them. */
  @Test
  void aCascadeIsOneRequestWithTheTokensOfAll() throws Exception {
    limited(new JsonObject().put("model", "llama-3.3-70b").put("max_concurrent", 1));
    HttpResponse<String> last = chat(",\"max_tokens\":5");
    for (int i = 0; i < 5; i++) {
      int used = new JsonObject(last.body()).getJsonObject("usage").getInteger("total_tokens");
      HttpResponse<String> next = chat(",\"max_tokens\":5");
      assertThat(header(next, "x-penstock-cascade")).isEqualTo("fast,standard,quality");
      assertThat(number(last, "x-ratelimit-remaining-requests"))
          .isEqualTo(number(next, "x-ratelimit-remaining-requests") + 1);
      assertThat(
              number(last, "x-ratelimit-remaining-tokens")
                  - number(next, "x-ratelimit-remaining-tokens"))
          .as("what the last one has used")
          .isEqualTo(used);
      last = next;
    }
  }
}
