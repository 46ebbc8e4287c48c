package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.DONE;
import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.json;
import static io.penstock.ingress.ScriptedEngine.lastChunk;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.CascadePolicy;
import io.penstock.inference.ModelName;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;

/** A gateway before scripted engines of three tiers and one that judges, over real sockets. */
abstract class TieredGateway {
  static final String NO = "I'm sorry, but I can't help with that.";
  static final String YES = "Rivers rise in the mountains.";
  static final String BETTER = "The Rhine rises at Lake Toma.";
  static final String ASK =
      "\"messages\":[{\"role\":\"user\",\"content\":\"Where do rivers rise?\"}]}";
  static final String WHOLE = "{\"model\":\"auto\"," + ASK;
  static final String STREAM = "{\"model\":\"auto\",\"stream\":true," + ASK;
  static final String COUNTED =
      "{\"model\":\"auto\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," + ASK;

  static final long HELD_MAX = 1 << 20;

  final Vertx vertx = Vertx.vertx();
  final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  final ScriptedEngine fast = new ScriptedEngine(vertx);
  final ScriptedEngine standard = new ScriptedEngine(vertx);
  final ScriptedEngine quality = new ScriptedEngine(vertx);
  final ScriptedEngine judge = new ScriptedEngine(vertx);
  final List<JsonObject> judged = new CopyOnWriteArrayList<>();
  final AtomicInteger judgesLeft = new AtomicInteger();
  final Gateway.Setup setup = new Gateway.Setup();

  @SuppressWarnings("NullAway.Init") // by start
  Gateway gateway;

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  void start(Optional<CascadePolicy> cascade) {
    setup.fleet =
        Optional.of(
            TieredFleet.of(
                List.of(
                    List.of(fast.url()),
                    List.of(standard.url()),
                    List.of(quality.url()),
                    List.of(judge.url())),
                cascade));
    gateway = new Gateway(List.of(), setup);
    fast.answer(says(YES, 10, 3));
    standard.answer(says(BETTER, 20, 5));
    quality.answer(says("Ask a geographer.", 30, 7));
  }

  static CascadePolicy policy(boolean accepts) {
    return new CascadePolicy(
        2, 4_096, HELD_MAX, -1.5, accepts, true, Optional.empty(), Optional.empty());
  }

  static CascadePolicy withHook(boolean accepts, String url, int millis) {
    return new CascadePolicy(
        2,
        4_096,
        HELD_MAX,
        0,
        accepts,
        true,
        Optional.of(new CascadePolicy.Hook(url, Duration.ofMillis(millis))),
        Optional.empty());
  }

  static CascadePolicy withModel(boolean accepts, int millis) {
    return new CascadePolicy(
        2,
        4_096,
        HELD_MAX,
        0,
        accepts,
        true,
        Optional.empty(),
        Optional.of(
            new CascadePolicy.Llm(
                new ModelName("model-judge"),
                "Q: {prompt} A: {answer} ?",
                Duration.ofMillis(millis))));
  }

  /** Streams it a word a frame, or says it whole, as it is asked to. */
  static ScriptedEngine.Script says(String text, int prompt, int completion) {
    return (socket, request) -> {
      String usage =
          "\"usage\":{\"prompt_tokens\":"
              + prompt
              + ",\"completion_tokens\":"
              + completion
              + ",\"total_tokens\":"
              + (prompt + completion)
              + "}";
      if (!request.contains("\"stream\":true")) {
        socket.write(
            json(
                "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                    + quoted(text)
                    + "},\"finish_reason\":\"stop\"}],"
                    + usage
                    + "}"));
        return;
      }
      socket.write(STREAM_HEAD);
      for (String word : text.split("(?= )", -1)) {
        socket.write(chunk(frame(word)));
      }
      socket.write(
          chunk(
              "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},"
                  + "\"finish_reason\":\"stop\"}]}\n\n",
              "data: {\"id\":\"x\",\"choices\":[]," + usage + "}\n\n",
              DONE));
      socket.write(lastChunk());
    };
  }

  static String quoted(String text) {
    return new JsonArray().add(text).encode().replaceAll("^\\[|]$", "");
  }

  static String frame(String text) {
    return "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
        + quoted(text)
        + "},\"finish_reason\":null}]}\n\n";
  }

  HttpResponse<String> post(String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port + "/v1/chat/completions"))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  static String textOf(String stream) {
    StringBuilder text = new StringBuilder();
    for (String line : stream.lines().toList()) {
      if (line.startsWith("data: {")) {
        JsonObject object = new JsonObject(line.substring(6));
        for (Object each : object.getJsonArray("choices", new JsonArray())) {
          text.append(((JsonObject) each).getJsonObject("delta").getString("content", ""));
        }
      }
    }
    return text.toString();
  }

  static void await(BooleanSupplier condition, String what) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  JsonObject accessLine() {
    await(() -> gateway.accessLog().contains("\n"), "an access line");
    return new JsonObject(gateway.accessLog().lines().findFirst().orElseThrow());
  }

  void freed() {
    await(() -> gateway.metric("penstock_grants", "") == 0, "all slots free");
  }

  String hook(Consumer<HttpServerRequest> answer) {
    HttpServer server =
        vertx
            .createHttpServer()
            .requestHandler(
                request -> {
                  request.response().closeHandler(gone -> judgesLeft.incrementAndGet());
                  request.bodyHandler(
                      body -> {
                        judged.add(body.toJsonObject());
                        answer.accept(request);
                      });
                })
            .listen(0, "127.0.0.1")
            .await();
    return "http://127.0.0.1:" + server.actualPort() + "/judge";
  }

  NetSocket send(String body) {
    NetSocket socket = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    socket.write(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: "
            + body.length()
            + "\r\n\r\n"
            + body);
    return socket;
  }
}
