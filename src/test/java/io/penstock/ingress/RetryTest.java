package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.DONE;
import static io.penstock.ingress.ScriptedEngine.FINISH;
import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.frame;
import static io.penstock.ingress.ScriptedEngine.json;
import static io.penstock.ingress.ScriptedEngine.lastChunk;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients see of replicas that fail before anything of their answer was sent: nothing. */
class RetryTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String STREAM = "{\"model\":\"river\",\"stream\":true," + MESSAGES;
  private static final String WHOLE = "{\"model\":\"river\"," + MESSAGES;
  private static final String EMBED = "{\"model\":\"river\",\"input\":\"a river\"}";
  private static final String ANSWER =
      "{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ho\"}}],"
          + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}";
  private static final String VECTORS =
      "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5]}],"
          + "\"usage\":{\"prompt_tokens\":2,\"total_tokens\":2}}";
  private static final String ROLE =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Gateway.Setup setup = new Gateway.Setup();
  private final List<ScriptedEngine> engines = new ArrayList<>();
  private final AtomicInteger asked = new AtomicInteger();

  @SuppressWarnings("NullAway.Init") // by start
  private Gateway gateway;

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  /** Replicas of which the first {@code failing} that are asked, whichever they are, fail so. */
  private void start(int replicas, int failing, ScriptedEngine.Script failure) {
    for (int i = 0; i < replicas; i++) {
      ScriptedEngine engine = new ScriptedEngine(vertx);
      engine.answer(
          (socket, request) -> {
            if (asked.getAndIncrement() < failing) {
              failure.answer(socket, request);
            } else {
              succeed(socket, request);
            }
          });
      engines.add(engine);
    }
    gateway = new Gateway(engines.stream().map(ScriptedEngine::url).toList(), setup);
  }

  private static void succeed(NetSocket socket, String request) {
    if (request.startsWith("POST /v1/embeddings")) {
      socket.write(json(VECTORS));
    } else if (request.contains("\"stream\":true")) {
      socket.write(STREAM_HEAD);
      socket.write(chunk(ROLE, frame("a"), frame("b"), FINISH, DONE));
      socket.write(lastChunk());
    } else {
      socket.write(json(ANSWER));
    }
  }

  private HttpResponse<String> post(String path, String body) throws Exception {
    return http.sendAsync(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + path))
                .header("content-type", "application/json")
                .timeout(Duration.ofSeconds(120))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString())
        .get(120, TimeUnit.SECONDS);
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static JsonObject error(HttpResponse<String> answer) {
    return new JsonObject(answer.body()).getJsonObject("error");
  }

  private static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  private void nothingIsHeld() {
    await(() -> gateway.metric("penstock_grants", "") == 0);
    await(() -> gateway.metric("penstock_requests_in_flight", "") == 0);
  }

  /** Ways to fail before the first content, each with the outcome that it counts as. */
  private enum Way {
    RESET("transport") {
      @Override
      void fail(NetSocket socket) {
        socket.close();
      }
    },
    STATUS_408("fault") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json(408, "{}"));
      }
    },
    STATUS_429("back_pressure") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json(429, "{}"));
      }
    },
    STATUS_500("fault") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json(500, "{}"));
      }
    },
    STATUS_502("fault") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json(502, "<html>"));
      }
    },
    STATUS_503("back_pressure") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json(503, "{}"));
      }
    },
    STATUS_504("fault") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json(504, "{}"));
      }
    },
    MALFORMED("fault") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json("oops"));
      }
    },
    ERROR_OBJECT("fault") {
      @Override
      void fail(NetSocket socket) {
        socket.write(json("{\"error\":{\"message\":\"no memory\"}}"));
      }
    };

    final String outcome;

    Way(String outcome) {
      this.outcome = outcome;
    }

    abstract void fail(NetSocket socket);
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void aFailureThatTheClientDoesNotSee(Way way) throws Exception {
    // Two engines for each request: one whose connections fail gets no more, and a reused
    // connection
    // that is closed is no failure.
    start(6, 1, (socket, request) -> way.fail(socket));
    for (String body : new String[] {STREAM, WHOLE}) {
      asked.set(0);
      HttpResponse<String> answer = post(CHAT, body);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body())
          .isEqualTo(body.equals(WHOLE) ? ANSWER : ROLE + frame("a") + frame("b") + FINISH + DONE);
      assertThat(header(answer, "x-penstock-attempts")).isEqualTo("2");
      assertThat(asked.get()).isEqualTo(2);
    }
    asked.set(0);
    HttpResponse<String> embedded = post("/v1/embeddings", EMBED);
    assertThat(embedded.body()).isEqualTo(VECTORS);
    assertThat(header(embedded, "x-penstock-attempts")).isEqualTo("2");
    assertThat(gateway.metric("penstock_retries_total", "outcome=\"" + way.outcome + "\""))
        .isEqualTo(3);
    nothingIsHeld();
    await(() -> gateway.accessLog().lines().count() == 3);
    assertThat(gateway.accessLog().lines())
        .allMatch(line -> line.contains("\"outcome\":\"ok\"") && line.contains("\"attempts\":2"));
  }

  private enum StreamFault {
    ERROR_FRAME("data: {\"error\":{\"message\":\"no memory\"}}\n\n"),
    MALFORMED_FRAME("data: {oops\n\n"),
    ENDS_EARLY(""),
    ERROR_BEHIND_CONTENT_IN_ONE_PIECE(frame("lost") + "data: {\"error\":{\"message\":\"x\"}}\n\n");

    final String frames;

    StreamFault(String frames) {
      this.frames = frames;
    }
  }

  @ParameterizedTest
  @EnumSource(StreamFault.class)
  void aStreamThatFailsBeforeItsFirstContentIsSentAnew(StreamFault fault) throws Exception {
    start(
        2,
        1,
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(ROLE + fault.frames));
          socket.write(lastChunk());
        });
    HttpResponse<String> answer = post(CHAT, STREAM);
    assertThat(answer.body()).isEqualTo(ROLE + frame("a") + frame("b") + FINISH + DONE);
    assertThat(header(answer, "x-penstock-attempts")).isEqualTo("2");
    if (fault == StreamFault.ERROR_BEHIND_CONTENT_IN_ONE_PIECE) {
      assertThat(gateway.metric("penstock_wasted_tokens_total", "awaiting_first"))
          .as("a token of the attempt that was thrown away")
          .isEqualTo(1);
    }
    nothingIsHeld();
  }

  @Test
  void aReplicaThatRefusesConnectionsCostsAnAttempt() throws Exception {
    ScriptedEngine good = new ScriptedEngine(vertx);
    good.answer(RetryTest::succeed);
    gateway = new Gateway(List.of("http://127.0.0.1:1", good.url()), setup);
    for (int i = 0; i < 4; i++) {
      assertThat(post(CHAT, STREAM).body()).endsWith(DONE);
    }
    assertThat(good.requests).hasSize(4);
    assertThat(gateway.metric("penstock_retries_total", "outcome=\"transport\"")).isPositive();
  }

  @Test
  void aReplicaThatIsSilentCostsAnAttempt() throws Exception {
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(30),
            Duration.ofSeconds(4), // in which the other one answers
            Duration.ofSeconds(60),
            Duration.ofSeconds(120));
    start(2, 1, (socket, request) -> socket.write(STREAM_HEAD));
    HttpResponse<String> answer = post(CHAT, STREAM);
    assertThat(answer.body()).endsWith(DONE);
    assertThat(gateway.metric("penstock_retries_total", "outcome=\"timeout\"")).isEqualTo(1);
    await(() -> engines.stream().mapToInt(e -> e.closed.get()).sum() == 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 404, 409, 422})
  void whatTheNextReplicaWouldSayTooIsNotAsked(int status) throws Exception {
    start(2, 1, (socket, request) -> socket.write(json(status, "{\"detail\":\"no\"}")));
    HttpResponse<String> answer = post(CHAT, WHOLE);
    assertThat(answer.statusCode()).isEqualTo(status == 401 || status == 409 ? 502 : status);
    assertThat(header(answer, "x-penstock-attempts")).isEqualTo("1");
    assertThat(asked.get()).isEqualTo(1);
  }

  @Test
  void afterThreeAttemptsTheClientIsTold() throws Exception {
    start(
        4,
        9,
        (socket, request) -> socket.write(json(500, "{\"error\":{\"message\":\"no memory\"}}")));
    HttpResponse<String> answer = post(CHAT, STREAM);
    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(error(answer).getString("message"))
        .matches("replica rivers-\\d answered 500: no memory \\(attempt 3\\)");
    assertThat(header(answer, "x-should-retry")).as("three is enough").isEqualTo("false");
    assertThat(header(answer, "x-penstock-attempts")).isEqualTo("3");
    assertThat(asked.get()).isEqualTo(3);
    assertThat(engines.stream().filter(engine -> engine.requests.size() > 1))
        .as("no replica twice")
        .isEmpty();
    nothingIsHeld();
  }

  @Test
  void whenNobodyIsLeftTheLastReplicasWordsAreTold() throws Exception {
    start(
        2,
        9,
        (socket, request) ->
            socket.write("HTTP/1.1 503 X\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"));
    HttpResponse<String> answer = post(CHAT, WHOLE);
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(error(answer).getString("message"))
        .matches("replica rivers-\\d answered 503 \\(attempt 2\\)");
    assertThat(answer.headers().firstValueAsLong("retry-after").orElse(0)).isBetween(7L, 9L);
    assertThat(answer.headers().firstValueAsLong("retry-after-ms").orElse(0))
        .isBetween(7_000L, 8_400L);
    assertThat(header(answer, "x-should-retry")).as("it is known when").isEqualTo("true");
    nothingIsHeld();
  }

  @Test
  void theNextPoolOfThePlanIsTried() throws Exception {
    ScriptedEngine lake = new ScriptedEngine(vertx);
    lake.answer(RetryTest::succeed);
    setup.secondPool = List.of(lake.url());
    start(1, 9, (socket, request) -> socket.close());
    HttpResponse<String> answer = post(CHAT, STREAM);
    assertThat(answer.body()).endsWith(DONE);
    assertThat(header(answer, "x-penstock-pool")).isEqualTo("lakes");
    assertThat(header(answer, "x-penstock-replica")).isEqualTo("lakes-0");
    assertThat(header(answer, "x-penstock-attempts")).isEqualTo("2");
    nothingIsHeld();
  }

  @Test
  void aSpentBudgetStopsRetriesButNotThoseOfConnections() throws Exception {
    setup.retries = new IngressConfig.Retries(3, 0, 1, Duration.ofMillis(10));
    start(2, 1_000, (socket, request) -> socket.write(json(500, "{}")));
    assertThat(header(post(CHAT, WHOLE), "x-penstock-attempts")).isEqualTo("2");
    HttpResponse<String> second = post(CHAT, WHOLE);
    assertThat(second.statusCode()).isEqualTo(502);
    assertThat(header(second, "x-penstock-attempts")).isEqualTo("1");
    assertThat(header(second, "x-should-retry")).isEqualTo("false");
    assertThat(gateway.metric("penstock_retry_budget_exhausted_total", ""))
        .as("the second attempt of the first, the first of the second")
        .isEqualTo(2);
    engines.forEach(engine -> engine.answer((socket, request) -> socket.close()));
    assertThat(header(post(CHAT, WHOLE), "x-penstock-attempts")).isEqualTo("2");
  }

  @Test
  void retriesGoOnBehindPings() throws Exception {
    setup.pingAfter = Duration.ofMillis(200);
    start(
        3,
        2,
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(ROLE));
          vertx.setTimer(600, late -> socket.close());
        });
    HttpResponse<String> answer = post(CHAT, STREAM);
    assertThat(answer.body()).startsWith(": ping\n\n");
    assertThat(answer.body().replace(": ping\n\n", ""))
        .as("one role, whoever said it")
        .isEqualTo(ROLE + frame("a") + frame("b") + FINISH + DONE);
    assertThat(asked.get()).isEqualTo(3);
  }

  @Test
  void oneAttemptIsOneAttempt() throws Exception {
    setup.retries = new IngressConfig.Retries(1, 20, 10, Duration.ofMillis(50));
    start(2, 1, (socket, request) -> socket.close());
    assertThat(post(CHAT, WHOLE).statusCode()).isEqualTo(502);
    assertThat(asked.get()).isEqualTo(1);
  }

  @Test
  void theTotalDeadlineHoldsOverAllAttempts() throws Exception {
    setup.retries = new IngressConfig.Retries(10, 100, 100, Duration.ofMillis(200));
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ofMillis(700));
    start(9, 99, (socket, request) -> vertx.setTimer(150, late -> socket.close()));
    HttpResponse<String> answer = post(CHAT, WHOLE);
    assertThat(error(answer).getString("code")).isIn("deadline_exceeded", "bad_gateway");
    assertThat(asked.get()).as("of ten attempts").isLessThanOrEqualTo(4);
    nothingIsHeld();
  }

  @Test
  void aClientThatLeavesDuringTheBackoffIsForgotten() throws Exception {
    setup.retries = new IngressConfig.Retries(3, 20, 10, Duration.ofSeconds(10));
    start(2, 9, (socket, request) -> socket.write(json(500, "{}")));
    NetSocket client = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    client.write(
        "POST "
            + CHAT
            + " HTTP/1.1\r\nhost: x\r\ncontent-length: "
            + STREAM.length()
            + "\r\n\r\n"
            + STREAM);
    await(() -> gateway.metric("penstock_retries_total", "") == 1);
    client.close();
    await(() -> gateway.metric("penstock_cancelled_total", "phase=\"retrying\"") == 1);
    nothingIsHeld();
    assertThat(asked.get()).isEqualTo(1);
    await(() -> gateway.accessLog().contains("\"outcome\":\"cancelled\""));
  }
}
