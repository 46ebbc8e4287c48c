package io.penstock.app;

import static io.penstock.app.Town.MODEL;
import static io.penstock.app.Town.OTHER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Registered prefixes of whole nodes, before simulated engines with prefix caches. */
@Timeout(600)
class PrefixesTest {
  private static final String ACME = "sk-of-the-configuration";
  private static final String FAR = "sk-of-somebody-far-away";
  private static final String TENANTS =
      "{'list': [{'id': 'acme', 'keys': [{'secret': '"
          + ACME
          + "'}]}, {'id': 'far', 'keys': [{'secret': '"
          + FAR
          + "'}]}]}";
  private static final String RULES = "You are terse, and kind to fish. ".repeat(40);

  @TempDir private Path folder;
  private @Nullable Town town;

  private Town start(int size) throws Exception {
    Town started = new Town(folder, size, "instant", TENANTS);
    town = started;
    return started;
  }

  @AfterEach
  void close() throws Exception {
    if (town != null) {
      town.close();
    }
  }

  private static String registering(String id, String more) {
    return "{'id': '" + id + "', 'text': '" + RULES + "'" + more + "}";
  }

  private HttpResponse<String> post(
      int node, String key, String path, String prefix, JsonObject body) throws Exception {
    Town town = Objects.requireNonNull(this.town);
    return town.http()
        .send(
            town.request(node, key, path)
                .header("x-penstock-prefix", prefix)
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
                .build(),
            HttpResponse.BodyHandlers.ofString());
  }

  private static JsonObject chat(String model, String text) {
    return new JsonObject()
        .put("model", model)
        .put("max_tokens", 3)
        .put(
            "messages",
            new JsonArray().add(new JsonObject().put("role", "user").put("content", text)));
  }

  private HttpResponse<String> ask(int node, String key, String prefix, String model)
      throws Exception {
    return post(node, key, "/v1/chat/completions", prefix, chat(model, "Hello"));
  }

  private static void refused(
      HttpResponse<String> answer, int status, String code, String param, String message) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonObject error = new JsonObject(answer.body()).getJsonObject("error");
    assertThat(error.getString("message")).isEqualTo(message);
    assertThat(error.getString("code")).isEqualTo(code);
    assertThat(error.getString("param")).isEqualTo(param.isEmpty() ? null : param);
    assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
  }

  private static int promptTokens(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return new JsonObject(answer.body()).getJsonObject("usage").getInteger("prompt_tokens");
  }

  @Test
  void itStandsBeforePromptsAndIsFoundInTheCache() throws Exception {
    Town town = start(1);
    JsonObject made = town.admin(0, "POST", "/prefixes", registering("fish", ""), 201);
    assertThat(made.getString("id")).isEqualTo("fish");
    assertThat(made.getInteger("bytes")).isEqualTo(RULES.length());
    assertThat(made.getInteger("tokens_estimated")).isEqualTo(RULES.length() / 4);

    // The engine reads what a client reads that sends the text himself.
    JsonObject own = chat(MODEL, "Hello");
    own.getJsonArray("messages")
        .getList()
        .add(0, new JsonObject().put("role", "system").put("content", RULES));
    HttpResponse<String> byHand =
        town.http()
            .send(
                town.request(0, ACME, "/v1/chat/completions")
                    .POST(HttpRequest.BodyPublishers.ofString(own.encode()))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    HttpResponse<String> named = ask(0, ACME, "fish", MODEL);
    assertThat(promptTokens(named)).isEqualTo(promptTokens(byHand));
    assertThat(content(named)).isEqualTo(content(byHand));
    assertThat(
            promptTokens(
                post(
                    0,
                    FAR,
                    "/v1/completions",
                    "fish",
                    new JsonObject()
                        .put("model", MODEL)
                        .put("prompt", "Hello")
                        .put("max_tokens", 3))))
        .isGreaterThan(RULES.length() / 8);

    for (int i = 0; i < 5; i++) {
      ask(0, FAR, "fish", MODEL);
    }
    JsonObject shown = awaitRequests(0, "fish", 7);
    assertThat(shown.getString("text")).isEqualTo(RULES);
    assertThat(shown.getInteger("hits")).isBetween(3, 7);
    assertThat(shown.getLong("tokens_saved")).isGreaterThan(3L * RULES.length() / 16);
    String metrics = town.get(0, null, "/metrics").body();
    assertThat(metrics)
        .containsPattern(
            "llm_prefix_cache_hit_total\\{[^}]*prefix=\"fish\"[^}]*} "
                + shown.getInteger("hits")
                + "\\.0");
    assertThat(metrics).contains("llm_prefix_cache_tokens_saved_total{prefix=\"fish\"}");
    assertThat(metrics).contains("penstock_prefixes 1.0");

    JsonObject gone = town.admin(0, "DELETE", "/prefixes/fish", null, 200);
    assertThat(gone.getString("id")).isEqualTo("fish");
    refused(
        ask(0, ACME, "fish", MODEL),
        404,
        "prefix_not_found",
        "x-penstock-prefix",
        "The prefix 'fish' does not exist. None is registered.");
  }

  private static String content(HttpResponse<String> answer) {
    return new JsonObject(answer.body())
        .getJsonArray("choices")
        .getJsonObject(0)
        .getJsonObject("message")
        .getString("content");
  }

  private JsonObject awaitRequests(int node, String id, int requests) throws Exception {
    Town town = Objects.requireNonNull(this.town);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    JsonObject row = town.admin(node, "GET", "/prefixes/" + id, null, 200);
    while (row.getInteger("requests") < requests) {
      assertThat(System.nanoTime()).as("%s", row).isLessThan(end);
      row = town.admin(node, "GET", "/prefixes/" + id, null, 200);
    }
    assertThat(row.getInteger("requests")).isEqualTo(requests);
    return row;
  }

  @Test
  void whatARequestGetsWrongIsNamed() throws Exception {
    Town town = start(1);
    town.admin(0, "POST", "/prefixes", registering("mine", ", 'tenant': 'acme'"), 201);
    town.admin(0, "POST", "/prefixes", registering("a", ", 'model': '" + OTHER + "-latest'"), 201);
    assertThat(ask(0, ACME, "mine", MODEL).statusCode()).isEqualTo(200);
    assertThat(ask(0, FAR, "a", OTHER + "-latest").statusCode()).isEqualTo(200);
    String header = "x-penstock-prefix";
    refused(
        ask(0, FAR, "mine", MODEL),
        404,
        "prefix_not_found",
        header,
        "The prefix 'mine' does not exist. Available prefixes: a.");
    refused(
        ask(0, ACME, "mien", MODEL),
        404,
        "prefix_not_found",
        header,
        "The prefix 'mien' does not exist. Available prefixes: a, mine.");
    refused(
        ask(0, ACME, "a b", MODEL),
        400,
        "invalid_value",
        header,
        "x-penstock-prefix: 'a b' (expected: the id of a registered prefix: 1 to 128 of A-Z a-z"
            + " 0-9 . _ -)");
    refused(
        ask(0, FAR, "a", MODEL),
        400,
        "invalid_value",
        header,
        "x-penstock-prefix: 'a' (expected: a prefix that is registered for the model 'river-8b',"
            + " or for any)");
    refused(
        post(
            0,
            ACME,
            "/v1/embeddings",
            "mine",
            new JsonObject().put("model", MODEL).put("input", "x")),
        400,
        "invalid_value",
        header,
        "x-penstock-prefix: 'mine' (expected: none, since a prefix stands before the prompts of"
            + " chats and completions)");
    refused(
        post(
            0,
            ACME,
            "/v1/completions",
            "mine",
            new JsonObject().put("model", MODEL).put("prompt", new JsonArray().add(1).add(2))),
        400,
        "invalid_value",
        "prompt",
        "prompt: token ids (expected: text, since a registered prefix is a text to go before it)");
    refused(
        post(
            0,
            ACME,
            "/v1/chat/completions",
            "mine",
            new JsonObject().put("model", MODEL).put("messages", new JsonArray())),
        400,
        "invalid_value",
        "messages",
        "messages: an empty array (expected: a non-empty array of messages)");
  }

  @Test
  void whatAnOperatorGetsWrongIsNamed() throws Exception {
    Town town = start(1);
    town.admin(0, "POST", "/prefixes", registering("a", ""), 201);
    wrong("POST", "/prefixes", "{}", 400, "id: missing (expected: 1 to 128 of A-Z a-z 0-9 . _ -)");
    wrong(
        "POST",
        "/prefixes",
        "{'id': 'b', 'text': ''}",
        400,
        "text: '' (expected: a text that is not empty, in valid Unicode)");
    wrong(
        "POST",
        "/prefixes",
        "{'id': 'b', 'text': 'x\\ud800'}",
        400,
        "text: 'x?' (expected: a text that is not empty, in valid Unicode)");
    wrong(
        "POST",
        "/prefixes",
        "{'id': 'b', 'text': 'x', 'tenant': 'nobody'}",
        400,
        "tenant: 'nobody' (expected: the id of a tenant that GET /admin/v1/tenants lists; none for"
            + " all)");
    wrong(
        "POST",
        "/prefixes",
        "{'id': 'b', 'text': 'x', 'model': 'y'}",
        400,
        "model: 'y' (expected: a model or an alias of the fleet: lake-70b, lake-70b-latest,"
            + " river-8b, river-8b-latest)");
    wrong(
        "POST",
        "/prefixes",
        "{'id': 'a', 'text': 'x'}",
        409,
        "there is a prefix 'a' with another text, tenant or model (expected: an id that is free;"
            + " PUT /admin/v1/prefixes/a replaces it)");
    wrong(
        "PUT",
        "/prefixes/b",
        "{'id': 'b', 'text': 'x'}",
        400,
        "id: unknown field (expected: one of text, tenant, model)");
    wrong("GET", "/prefixes/b", null, 404, "there is no prefix 'b' (expected: one of a)");
    wrong("DELETE", "/prefixes/b", null, 404, "there is no prefix 'b' (expected: one of a)");
    wrong("PATCH", "/prefixes", null, 405, "PATCH /admin/v1/prefixes (expected: GET or POST)");
    assertThat(town.admin(0, "PUT", "/prefixes/a", "{'text': 'x'}", 200).getInteger("bytes"))
        .isEqualTo(1);
    assertThat(town.admin(0, "GET", "/prefixes", null, 200).getJsonArray("prefixes")).hasSize(1);
  }

  /** Who has done what, and with which result; texts are not in it. */
  @Test
  void eachOrderLeavesALine() throws Exception {
    Town town = start(1);
    Logger audit = (Logger) LoggerFactory.getLogger("penstock.audit");
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    audit.addAppender(lines);
    try {
      town.admin(0, "POST", "/prefixes", registering("a", ", 'tenant': 'acme'"), 201);
      town.admin(0, "PUT", "/prefixes/a", "{'text': '" + RULES + "!'}", 200);
      town.admin(0, "POST", "/prefixes", registering("a", ""), 409);
      town.admin(0, "POST", "/prefixes", "{}", 400);
      town.admin(0, "DELETE", "/prefixes/a", null, 200);
      town.admin(0, "DELETE", "/prefixes/a", null, 404);
      town.admin(0, "GET", "/prefixes", null, 200);

      List<String> found =
          List.copyOf(lines.list).stream().map(each -> each.getKeyValuePairs().toString()).toList();
      String by = "[who=\"loopback\", client=\"127.0.0.1\", action=\"prefix.";
      assertThat(found).hasSize(6);
      assertThat(found.get(0))
          .startsWith(by + "create\", target=\"a\", result=\"done\", change=\"{")
          .contains("\"tenant\":\"acme\"");
      assertThat(found.get(1))
          .startsWith(by + "put\", target=\"a\", result=\"done\"")
          .contains("\"bytes\":" + (RULES.length() + 1));
      assertThat(found.get(2)).isEqualTo(by + "create\", target=\"\", result=\"conflict\"]");
      assertThat(found.get(3)).isEqualTo(by + "create\", target=\"\", result=\"invalid_value\"]");
      assertThat(found.get(4)).startsWith(by + "remove\", target=\"a\", result=\"done\"");
      assertThat(found.get(5)).isEqualTo(by + "remove\", target=\"a\", result=\"unknown_target\"]");
      assertThat(found.toString()).doesNotContain("kind to fish");
    } finally {
      audit.detachAppender(lines);
    }
  }

  /** A folder that takes no file is told, and what is ordered holds. */
  @Test
  void whatTheDiskDoesNotTakeHoldsAndIsAnAlarm() throws Exception {
    Town town = start(1);
    Path file = folder.resolve("prefixes-node-0.json");
    Path blocked = Path.of(file + ".next");
    Files.createDirectories(blocked.resolve("in the way"));
    JsonObject made = town.admin(0, "POST", "/prefixes", registering("fish", ""), 201);
    assertThat(made.getString("warning"))
        .startsWith("all nodes go by it now, but it could not be written to " + file);
    assertThat(ask(0, ACME, "fish", MODEL).statusCode()).isEqualTo(200);
    JsonObject other = town.admin(0, "PUT", "/prefixes/fish", "{'text': 'Be kind.'}", 200);
    assertThat(other.getString("warning")).isNotEmpty();
    HttpResponse<String> ready = town.get(0, null, "/health/ready");
    assertThat(ready.statusCode()).isEqualTo(200);
    assertThat(ready.body())
        .contains("prefixes_unwritten", file.toString())
        .doesNotContain("keys_unwritten");

    Files.delete(blocked.resolve("in the way"));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (town.get(0, null, "/health/ready").body().contains("prefixes_unwritten")) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
    assertThat(Files.readString(file)).contains("Be kind.");
    assertThat(town.admin(0, "DELETE", "/prefixes/fish", null, 200).containsKey("warning"))
        .isFalse();
  }

  private void wrong(String method, String path, @Nullable String body, int status, String message)
      throws Exception {
    HttpResponse<String> answer = Objects.requireNonNull(town).order(0, method, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(new JsonObject(answer.body()).getJsonObject("error").getString("message"))
        .isEqualTo(message);
  }

  @Test
  void itIsKnownEverywhereAndOutlivesTheWholeCluster() throws Exception {
    Town town = start(3);
    town.admin(1, "POST", "/prefixes", registering("fish", ", 'tenant': 'acme'"), 201);
    for (int node = 0; node < 3; node++) {
      awaitStatus(node, 200);
    }
    int sent = 0;
    for (int node = 0; node < 3; node++) {
      for (int i = 0; i < 2; i++) {
        assertThat(ask(node, ACME, "fish", MODEL).statusCode()).isEqualTo(200);
        sent++;
      }
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (town.admin(2, "GET", "/prefixes/fish", null, 200).getInteger("requests") < sent) {
      assertThat(System.nanoTime()).isLessThan(end);
    }

    for (int node = 0; node < 3; node++) {
      town.stop(node);
    }
    town.start(2);
    assertThat(ask(2, ACME, "fish", MODEL).statusCode()).isEqualTo(200);
    town.admin(2, "DELETE", "/prefixes/fish", null, 200);
    town.start(0); // its file still has it
    awaitStatus(0, 404);
    assertThat(Files.readString(folder.resolve("prefixes-node-1.json"))).contains("kind to fish");

    town.stop(0);
    Files.writeString(folder.resolve("prefixes-node-0.json"), "penstock-prefixes 1 mar");
    assertThatThrownBy(() -> town.start(0))
        .hasMessageContaining("the file of prefixes, " + folder.resolve("prefixes-node-0.json"))
        .hasMessageContaining("is not as this node wrote it");
  }

  private void awaitStatus(int node, int status) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    HttpResponse<String> last = ask(node, ACME, "fish", MODEL);
    while (last.statusCode() != status) {
      assertThat(System.nanoTime()).as("%d %s", node, last.body()).isLessThan(end);
      last = ask(node, ACME, "fish", MODEL);
    }
  }
}
