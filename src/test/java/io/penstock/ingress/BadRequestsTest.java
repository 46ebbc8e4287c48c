package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Capability;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Each row of {@code bad-requests.json}: what a client sends, and exactly what it is told. */
class BadRequestsTest {
  private static final Vertx VERTX = Vertx.vertx();
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @SuppressWarnings("NullAway.Init") // by start
  private static Gateway gateway;

  @SuppressWarnings("NullAway.Init") // by start
  private static ScriptedEngine engine;

  @BeforeAll
  static void start() {
    engine = new ScriptedEngine(VERTX);
    Gateway.Setup setup = new Gateway.Setup();
    setup.capabilities = Set.of(Capability.TOOLS, Capability.EMBEDDINGS);
    gateway = new Gateway(engine.url(), setup);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    VERTX.close().await();
  }

  @TestFactory
  Stream<DynamicTest> isToldWhatIsWrong() {
    JsonArray rows = new JsonArray(read("bad-requests.json"));
    assertThat(rows.size()).isGreaterThanOrEqualTo(60);
    return rows.stream()
        .map(JsonObject.class::cast)
        .map(row -> DynamicTest.dynamicTest(row.getString("name"), () -> check(row)));
  }

  private static void check(JsonObject row) throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port + row.getString("path")))
            .method(
                row.getString("method"),
                HttpRequest.BodyPublishers.ofString(row.getString("body")));
    for (Map.Entry<String, Object> header : row.getJsonObject("headers")) {
      request.header(header.getKey(), (String) header.getValue());
    }
    HttpResponse<String> answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    JsonObject told =
        new JsonObject()
            .put("status", answer.statusCode())
            .put("error", new JsonObject(answer.body()).getJsonObject("error"));

    assertThat(told.encodePrettily()).isEqualTo(row.getJsonObject("told").encodePrettily());
    assertThat(answer.headers().firstValue("content-type")).contains("application/json");
    assertThat(answer.headers().firstValue("x-request-id")).isPresent();
    assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
    assertThat(engine.requests).isEmpty();
  }

  private static String read(String resource) {
    try (InputStream in =
        Objects.requireNonNull(BadRequestsTest.class.getResourceAsStream(resource), resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
