package io.penstock.app;

import static io.penstock.app.Town.MODEL;
import static io.penstock.app.Town.OTHER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.sun.management.OperatingSystemMXBean;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.lang.management.ManagementFactory;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Keys and tenants of whole nodes: configuration, admin API, and what clients see of both. */
@Timeout(600)
class KeysTest {
  private static final String SECRET = "sk-of-the-configuration";
  private static final String TENANTS =
      "{'list': [{'id': 'acme', 'models': ['"
          + MODEL
          + "', '"
          + OTHER
          + "-latest'], 'max_priority': 'default', 'keys': [{'secret': '"
          + SECRET
          + "'}]}, {'id': 'far', 'residency': ['mars'], 'keys': [{'secret':"
          + " 'sk-of-somebody-far-away'}]}]}";

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

  private static JsonObject error(HttpResponse<String> answer, int status) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return new JsonObject(answer.body()).getJsonObject("error");
  }

  private static void refused(HttpResponse<String> answer, String message) {
    JsonObject error = error(answer, 401);
    assertThat(error.getString("type")).isEqualTo("authentication_error");
    assertThat(error.getString("code")).isEqualTo("invalid_api_key");
    assertThat(error.getString("message")).isEqualTo(message);
    assertThat(answer.headers().firstValue("www-authenticate")).contains("Bearer");
    assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
  }

  @Test
  void whoShowsNoKeyOrAnotherIsToldSo() throws Exception {
    Town town = start(1);
    String none = "no API key was sent (expected: 'authorization: Bearer KEY' or 'x-api-key: KEY')";
    refused(town.chat(0, null, MODEL, 5), none);
    refused(town.get(0, null, "/v1/models"), none);
    refused(town.chat(0, "sk-guess", MODEL, 5), "the API key that was sent is not known here");
    assertThat(town.get(0, null, "/health/ready").statusCode()).isEqualTo(200);
    assertThat(town.get(0, null, "/metrics").body())
        .contains(
            "penstock_requests_total{code=\"invalid_api_key\",operation=\"chat\",status=\"401\"} 2.0");

    assertThat(town.chat(0, SECRET, MODEL, 5).statusCode()).isEqualTo(200);
    HttpResponse<String> byHeader =
        town.http()
            .send(
                town.request(0, null, "/v1/models").header("x-api-key", SECRET).build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(byHeader.statusCode()).isEqualTo(200);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!town.access.toString(StandardCharsets.UTF_8).contains("\"tenant\":\"acme\"")) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
    assertThat(town.access.toString(StandardCharsets.UTF_8)).doesNotContain(SECRET);
  }

  @Test
  void aTenantSeesAndUsesOnlyHisModels() throws Exception {
    Town town = start(1);
    JsonArray rows = new JsonObject(town.get(0, SECRET, "/v1/models").body()).getJsonArray("data");
    assertThat(rows.stream().map(row -> ((JsonObject) row).getString("id")))
        .containsExactly(MODEL, OTHER + "-latest");

    assertThat(town.chat(0, SECRET, OTHER + "-latest", 5).statusCode()).isEqualTo(200);
    JsonObject forbidden = error(town.chat(0, SECRET, OTHER, 5), 403);
    assertThat(forbidden.getString("type")).isEqualTo("permission_error");
    assertThat(forbidden.getString("code")).isEqualTo("model_not_allowed");
    assertThat(forbidden.getString("message"))
        .isEqualTo(
            "Tenant 'acme' may not use the model '"
                + OTHER
                + "'. Available models: "
                + MODEL
                + ", "
                + OTHER
                + "-latest.");
    assertThat(error(town.chat(0, SECRET, "nonsense", 5), 404).getString("message"))
        .endsWith("Available models: " + MODEL + ", " + OTHER + "-latest.");
    assertThat(error(town.get(0, SECRET, "/v1/models/nonsense"), 404).getString("code"))
        .isEqualTo("model_not_found");
    assertThat(error(town.chat(0, "sk-of-somebody-far-away", MODEL, 5), 403).getString("message"))
        .isEqualTo(
            "requests of tenant 'far' may not be served in the region 'local' (expected: one of"
                + " mars)");
  }

  /** Whichever way it is asked for, and by whichever of its names. */
  @Test
  void aForbiddenModelHasTheSameAnswerEverywhere() throws Exception {
    Town town = start(1);
    for (String forbidden : List.of(OTHER, MODEL + "-latest")) {
      List<JsonObject> answers = new ArrayList<>();
      for (String path : List.of("/v1/chat/completions", "/v1/completions", "/v1/embeddings")) {
        for (boolean byHeader : List.of(true, false)) {
          HttpRequest.Builder request = town.request(0, SECRET, path);
          if (byHeader) {
            request.header("x-model-id", forbidden);
          }
          String body =
              new JsonObject()
                  .put("model", byHeader ? MODEL : forbidden)
                  .put("prompt", "x")
                  .put("input", "x")
                  .put("messages", List.of(new JsonObject().put("role", "user").put("content", "")))
                  .encode();
          HttpResponse<String> answer =
              town.http()
                  .send(
                      request.POST(HttpRequest.BodyPublishers.ofString(body)).build(),
                      HttpResponse.BodyHandlers.ofString());
          answers.add(error(answer, 403));
        }
      }
      answers.add(error(town.get(0, SECRET, "/v1/models/" + forbidden), 403));
      assertThat(answers).hasSize(7).containsOnly(answers.get(0));
      assertThat(answers.get(0).getString("code")).isEqualTo("model_not_allowed");
      assertThat(answers.get(0).getString("message")).contains("may not use", forbidden);
      assertThat(town.get(0, SECRET, "/v1/models").body())
          .doesNotContain("\"id\":\"" + forbidden + "\"");
    }
  }

  @Test
  void aClassAboveTheTenantsIsLowered() throws Exception {
    Town town = start(1);
    HttpResponse<String> answer =
        town.http()
            .send(
                town.request(0, SECRET, "/v1/chat/completions")
                    .header("x-penstock-priority", "interactive")
                    .POST(
                        HttpRequest.BodyPublishers.ofString(
                            "{\"model\":\""
                                + MODEL
                                + "\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":3}"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    String metrics = town.get(0, null, "/metrics").body();
    assertThat(metrics)
        .containsPattern("penstock_queue_wait_seconds_count\\{[^}]*\"default\"[^}]*} 1");
    assertThat(metrics)
        .doesNotContainPattern("penstock_queue_wait_seconds_count\\{[^}]*\"interactive\"[^}]*} 1");
  }

  @Test
  void keysAreMadeShownOnceRotatedAndRevoked() throws Exception {
    Town town = start(1);
    town.admin(0, "PUT", "/tenants/guest", "{'weight': 2, 'limits': {'max_concurrent': 9}}", 200);
    JsonObject key = town.admin(0, "POST", "/keys", "{'tenant': 'guest', 'name': 'ci'}", 201);
    String secret = key.getString("secret");
    String id = key.getString("id");
    assertThat(secret).matches("ps-[A-Za-z0-9_-]{43}");
    assertThat(town.chat(0, secret, OTHER, 5).statusCode()).isEqualTo(200);
    HttpResponse<String> listed = town.order(0, "GET", "/keys?tenant=guest", null);
    assertThat(listed.body()).contains(id).doesNotContain(secret).doesNotContain("sha256");
    assertThat(Files.readString(town.keyFile(0))).contains(id).doesNotContain(secret);

    JsonObject next =
        town.admin(0, "POST", "/keys/" + id + "/rotate", "{'overlap_seconds': 3600}", 201);
    assertThat(town.chat(0, next.getString("secret"), MODEL, 5).statusCode()).isEqualTo(200);
    assertThat(town.chat(0, secret, MODEL, 5).statusCode()).isEqualTo(200);

    assertThat(town.admin(0, "DELETE", "/keys/" + id, null, 200).getString("state"))
        .isEqualTo("revoked");
    refused(town.chat(0, secret, MODEL, 5), "the API key '" + id + "' has been revoked");
    assertThat(town.chat(0, next.getString("secret"), MODEL, 5).statusCode()).isEqualTo(200);
    town.admin(0, "DELETE", "/tenants/guest", null, 200);
    String over = "the API key '" + next.getString("id") + "' has been revoked";
    refused(town.chat(0, next.getString("secret"), MODEL, 5), over);

    town.admin(0, "PUT", "/tenants/guest", "{}", 200);
    refused(town.chat(0, next.getString("secret"), MODEL, 5), over);
    assertThat(town.admin(0, "GET", "/keys/" + next.getString("id"), null, 200).getString("state"))
        .isEqualTo("revoked");
    JsonObject another = town.admin(0, "POST", "/keys", "{'tenant': 'guest'}", 201);
    assertThat(town.chat(0, another.getString("secret"), MODEL, 5).statusCode()).isEqualTo(200);
    town.stop(0);
    town.start(0);
    refused(town.chat(0, next.getString("secret"), MODEL, 5), over);
    assertThat(town.chat(0, another.getString("secret"), MODEL, 5).statusCode()).isEqualTo(200);
  }

  /** Who has done what, and with which result, and no secret. */
  @Test
  void eachOrderLeavesALine() throws Exception {
    Town town = start(1);
    Logger audit = (Logger) LoggerFactory.getLogger("penstock.audit");
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    audit.addAppender(lines);
    try {
      town.admin(0, "PUT", "/tenants/guest", "{'weight': 2}", 200);
      JsonObject key = town.admin(0, "POST", "/keys", "{'tenant': 'guest', 'name': 'ci'}", 201);
      String id = key.getString("id");
      JsonObject next = town.admin(0, "POST", "/keys/" + id + "/rotate", "{}", 201);
      town.admin(0, "DELETE", "/keys/" + next.getString("id"), null, 200);
      town.admin(0, "DELETE", "/keys/key-0", null, 404);
      town.admin(0, "POST", "/keys", "{'tenant': 'guest', 'name': ' ci'}", 400);
      town.admin(0, "DELETE", "/tenants/guest", null, 200);
      town.admin(0, "GET", "/keys", null, 200);

      List<String> found =
          List.copyOf(lines.list).stream().map(each -> each.getKeyValuePairs().toString()).toList();
      String by = "[who=\"loopback\", client=\"127.0.0.1\", action=\"";
      assertThat(found).hasSize(7);
      assertThat(found.get(0))
          .startsWith(by + "tenant.put\", target=\"guest\", result=\"done\", change=\"{")
          .contains("\"weight\":2.0");
      assertThat(found.get(1))
          .startsWith(by + "key.create\", target=\"" + id + "\", result=\"done\"")
          .contains("\"name\":\"ci\"");
      assertThat(found.get(2))
          .startsWith(by + "key.rotate\", target=\"" + id + "\", result=\"done\"")
          .contains(next.getString("id"));
      assertThat(found.get(3)).startsWith(by + "key.revoke").contains("\"state\":\"revoked\"");
      assertThat(found.get(4))
          .isEqualTo(by + "key.revoke\", target=\"key-0\", result=\"unknown_target\"]");
      assertThat(found.get(5))
          .isEqualTo(by + "key.create\", target=\"\", result=\"invalid_value\"]");
      assertThat(found.get(6)).startsWith(by + "tenant.remove");
      assertThat(found.toString())
          .doesNotContain(key.getString("secret"))
          .doesNotContain(next.getString("secret"));
    } finally {
      audit.detachAppender(lines);
    }
  }

  /** A folder that takes no file is told, and what is ordered holds. */
  @Test
  void whatTheDiskDoesNotTakeHoldsAndIsAnAlarm() throws Exception {
    Town town = start(1);
    Path blocked = Path.of(town.keyFile(0) + ".next");
    Files.createDirectories(blocked.resolve("in the way"));
    JsonObject key = town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201);
    assertThat(key.getString("warning"))
        .startsWith("all nodes go by it now, but it could not be written to " + town.keyFile(0));
    assertThat(town.chat(0, key.getString("secret"), MODEL, 5).statusCode()).isEqualTo(200);
    JsonObject gone = town.admin(0, "DELETE", "/keys/" + key.getString("id"), null, 200);
    assertThat(gone.getString("warning")).isNotEmpty();
    HttpResponse<String> ready = town.get(0, null, "/health/ready");
    assertThat(ready.statusCode()).isEqualTo(200);
    assertThat(ready.body()).contains("keys_unwritten", town.keyFile(0).toString());

    Files.delete(blocked.resolve("in the way"));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (town.get(0, null, "/health/ready").body().contains("keys_unwritten")) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
    assertThat(Files.readString(town.keyFile(0))).contains(key.getString("id"));
  }

  @Test
  void whatAnOperatorGetsWrongIsNamed() throws Exception {
    Town town = start(1);
    wrong(
        "POST",
        "/keys",
        "{'tenant': 'nobody'}",
        400,
        "there is no tenant 'nobody' (expected: one of acme, far)");
    wrong("POST", "/keys", "{}", 400, "tenant: missing (expected: the id of a tenant)");
    wrong("POST", "/keys", "[", 400, "the body is no JSON (expected: an object)");
    wrong(
        "POST",
        "/keys",
        "{'tenant': 'acme', 'limits': {'requests_per_minute': 0}}",
        400,
        "limits.requests_per_minute: 0 (expected: integer from 1 to 1000000000000)");
    String name =
        " (expected: a text of at most 200 characters, none of them a control character, without"
            + " blanks at its ends)";
    wrong("POST", "/keys", "{'tenant': 'acme', 'name': 'ci '}", 400, "name: 'ci '" + name);
    wrong("PUT", "/tenants/guest", "{'name': 'a\\u0007b'}", 400, "name: 'a\u0007b'" + name);
    wrong(
        "PUT",
        "/tenants/guest",
        "{'name': '" + "x".repeat(201) + "'}",
        400,
        "name: '" + "x".repeat(79) + "…" + name);
    wrong(
        "POST",
        "/keys",
        "{'tenant': 'acme', 'colour': 'red'}",
        400,
        "colour: unknown field (expected: one of tenant, name, expires_seconds, limits)");
    wrong(
        "PUT",
        "/tenants/guest",
        "{'weight': -1}",
        400,
        "weight: -1 (expected: number from 0.001 to 1000.0)");
    wrong(
        "PUT",
        "/tenants/guest",
        "{'models': ['x']}",
        400,
        "models[0]: 'x' (expected: a model or an alias of the fleet: lake-70b, lake-70b-latest,"
            + " river-8b, river-8b-latest)");
    wrong(
        "PUT", "/tenants/a%20b", "{}", 400, "id: 'a%20b' (expected: 1 to 64 of A-Z a-z 0-9 . _ -)");
    wrong(
        "PUT",
        "/tenants/acme",
        "{}",
        409,
        "tenant 'acme' is of the nodes' configuration (expected: one that is not; change"
            + " tenants.list there and reload)");
    wrong(
        "DELETE",
        "/tenants/guest",
        null,
        404,
        "there is no tenant 'guest' (expected: one of acme, far)");
    wrong(
        "DELETE",
        "/keys/key-0",
        null,
        404,
        "there is no key 'key-0' (expected: an id that GET /admin/v1/keys lists)");
    wrong(
        "POST",
        "/keys/key-0/rotate",
        "{'overlap_seconds': -1}",
        400,
        "overlap_seconds: -1 (expected: integer from 0 to 315360000)");
    wrong("PATCH", "/keys", null, 405, "PATCH /admin/v1/keys (expected: GET or POST)");
    wrong(
        "GET", "/keys/key-0/rotate", null, 405, "GET /admin/v1/keys/key-0/rotate (expected: POST)");
    assertThat(town.admin(0, "GET", "/tenants", null, 200).getJsonArray("tenants")).hasSize(2);
  }

  private void wrong(String method, String path, @Nullable String body, int status, String message)
      throws Exception {
    Town town = Objects.requireNonNull(this.town);
    assertThat(error(town.order(0, method, path, body), status).getString("message"))
        .isEqualTo(message);
  }

  @Test
  void keysAreKnownEverywhereAndOutliveTheWholeCluster() throws Exception {
    Town town = start(3);
    town.admin(0, "PUT", "/tenants/guest", "{}", 200);
    JsonObject key = town.admin(1, "POST", "/keys", "{'tenant': 'acme'}", 201);
    JsonObject gone = town.admin(2, "POST", "/keys", "{'tenant': 'acme'}", 201);
    awaitStatus(2, key.getString("secret"), 200);
    awaitStatus(0, gone.getString("secret"), 200);
    long fastest = revokedEverywhereAfter(gone);
    for (int i = 0; i < 8 && fastest >= TimeUnit.SECONDS.toNanos(1); i++) {
      JsonObject next = town.admin(2, "POST", "/keys", "{'tenant': 'acme'}", 201);
      awaitStatus(0, next.getString("secret"), 200);
      fastest = Math.min(fastest, revokedEverywhereAfter(next)); // a machine may stand still
    }
    assertThat(fastest).isLessThan(TimeUnit.SECONDS.toNanos(1));

    for (int node = 0; node < 3; node++) {
      town.stop(node);
    }
    town.start(2);
    assertThat(town.chat(2, key.getString("secret"), MODEL, 5).statusCode()).isEqualTo(200);
    assertThat(town.chat(2, gone.getString("secret"), MODEL, 5).statusCode()).isEqualTo(401);
    town.admin(2, "DELETE", "/keys/" + key.getString("id"), null, 200);
    town.start(0); // its file still has the key
    awaitStatus(0, key.getString("secret"), 401);
    assertThat(town.admin(0, "GET", "/tenants/guest", null, 200).getString("from"))
        .isEqualTo("admin");
  }

  private long revokedEverywhereAfter(JsonObject key) throws Exception {
    long began = System.nanoTime();
    Objects.requireNonNull(town).admin(0, "DELETE", "/keys/" + key.getString("id"), null, 200);
    for (int node = 0; node < 3; node++) {
      awaitStatus(node, key.getString("secret"), 401);
    }
    return System.nanoTime() - began;
  }

  /** What one more costs does not grow with how many there are. */
  @Test
  void tenThousandKeysAreMadeOneByOne() throws Exception {
    Town town = start(1);
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    List<String> secrets = new ArrayList<>();
    for (int thousand = 0; thousand < 10; thousand++) {
      long cpu = system.getProcessCpuTime();
      long began = System.nanoTime();
      Deque<CompletableFuture<HttpResponse<String>>> open = new ArrayDeque<>();
      for (int i = 0; i < 1_000; i++) {
        if (open.size() == 32) {
          secrets.add(secret(open.remove()));
        }
        open.add(town.orderAsync(0, "POST", "/keys", "{'tenant': 'acme'}"));
      }
      while (!open.isEmpty()) {
        secrets.add(secret(open.remove()));
      }
      System.out.printf(
          "keys %d to %d: %.2f s of CPU, of this test's client too, in %.2f s%n",
          1_000 * thousand + 1,
          1_000 * (thousand + 1),
          (system.getProcessCpuTime() - cpu) / 1e9,
          (System.nanoTime() - began) / 1e9);
    }
    assertThat(new HashSet<>(secrets)).hasSize(10_000);
    assertThat(town.admin(0, "GET", "/keys?tenant=acme", null, 200).getJsonArray("keys"))
        .hasSize(10_001);
    town.stop(0);
    town.start(0);
    for (int i = 0; i < 10_000; i += 999) {
      assertThat(town.chat(0, secrets.get(i), MODEL, 2).statusCode()).isEqualTo(200);
    }
  }

  private static String secret(CompletableFuture<HttpResponse<String>> made) throws Exception {
    HttpResponse<String> answer = made.get(120, TimeUnit.SECONDS);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    return new JsonObject(answer.body()).getString("secret");
  }

  private void awaitStatus(int node, String key, int status) throws Exception {
    Town town = Objects.requireNonNull(this.town);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    HttpResponse<String> last = town.chat(node, key, MODEL, 2);
    while (last.statusCode() != status) {
      assertThat(System.nanoTime()).as("%d %s", node, last.body()).isLessThan(end);
      last = town.chat(node, key, MODEL, 2);
    }
  }

  @Test
  void aNodeWhoseFileIsNotAsItWasWrittenDoesNotStart() throws Exception {
    Town town = start(1);
    town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201);
    town.stop(0);
    String text = Files.readString(town.keyFile(0));
    Files.writeString(town.keyFile(0), text.substring(0, text.length() - 10));

    assertThatThrownBy(() -> town.start(0))
        .hasMessageContaining("the file of keys, " + town.keyFile(0))
        .hasMessageContaining("is not as this node wrote it");
  }
}
