package io.penstock.ingress;

import static io.penstock.ingress.ContinuingEngine.TEXT;
import static io.penstock.ingress.ContinuingEngine.WORDS;
import static io.penstock.ingress.ContinuingEngine.objects;
import static io.penstock.ingress.ContinuingEngine.textOf;
import static io.penstock.ingress.ScriptedEngine.DONE;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.json;
import static io.penstock.ingress.ScriptedEngine.lastChunk;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.EngineKind;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.ResumeMode;
import io.penstock.message.HealthReport;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams that break after their first content: another replica goes on, and nobody sees it. */
class ResumeTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String STREAM = "{\"model\":\"river\",\"stream\":true," + MESSAGES;
  private static final String COUNTED =
      "{\"model\":\"river\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
          + MESSAGES;
  private static final String PROMPT =
      "{\"model\":\"river\",\"stream\":true,\"max_tokens\":100,\"prompt\":\"hi\"}";

  private final Vertx vertx = Vertx.vertx();
  private final Gateway.Setup setup = new Gateway.Setup();
  private final List<ContinuingEngine> engines = new ArrayList<>();
  private final AtomicInteger streams = new AtomicInteger();

  @SuppressWarnings("NullAway.Init") // by start
  private Gateway gateway;

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  /** Replicas of which the first {@code failing} that stream, whichever, do so after some words. */
  private void start(int replicas, int failing, int afterWords, Break how) {
    for (int i = 0; i < replicas; i++) {
      ContinuingEngine engine = new ContinuingEngine(vertx);
      AtomicInteger mine = new AtomicInteger();
      engine.script(
          (socket, sent) -> {
            if (sent == 0) {
              mine.set(streams.incrementAndGet());
            }
            if (mine.get() > failing || sent < afterWords) {
              return true;
            }
            how.act(vertx, socket);
            return false;
          });
      engines.add(engine);
    }
    gateway = new Gateway(engines.stream().map(ContinuingEngine::url).toList(), setup);
  }

  /** What can happen to a stream; always later, so that what was written has arrived. */
  private enum Break {
    RESET {
      @Override
      void act(Vertx vertx, NetSocket socket) {
        later(vertx, socket::close);
      }
    },
    EOF {
      @Override
      void act(Vertx vertx, NetSocket socket) {
        later(vertx, () -> socket.write(lastChunk()));
      }
    },
    ERROR_FRAME {
      @Override
      void act(Vertx vertx, NetSocket socket) {
        later(
            vertx,
            () -> socket.write(chunk("data: {\"error\":{\"message\":\"no memory\"}}\n\n", DONE)));
      }
    },
    MALFORMED {
      @Override
      void act(Vertx vertx, NetSocket socket) {
        later(vertx, () -> socket.write(chunk("data: {oops\n\n")));
      }
    },
    SILENCE {
      @Override
      void act(Vertx vertx, NetSocket socket) {}
    };

    abstract void act(Vertx vertx, NetSocket socket);

    private static void later(Vertx vertx, Runnable task) {
      vertx.setTimer(30, due -> task.run());
    }
  }

  private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + path))
            .header("content-type", "application/json")
            .timeout(Duration.ofSeconds(120))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    // One connection for each: after an error frame the gateway closes it, perhaps in the moment in
    // which the next request would be sent on it.
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .build()
        .sendAsync(request.build(), HttpResponse.BodyHandlers.ofString())
        .get(120, TimeUnit.SECONDS);
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void nothingIsHeld() {
    await(() -> gateway.metric("penstock_grants", "") == 0);
    await(() -> gateway.metric("penstock_requests_in_flight", "") == 0);
  }

  private double resumes(String outcome) {
    return gateway.metric("penstock_resumes_total", "outcome=\"" + outcome + "\"");
  }

  /** Whole, in one piece as far as the client can tell. */
  private static void assertWhole(String events) {
    assertThat(events).endsWith(DONE).doesNotContain("\"error\"");
    assertThat(textOf(events)).isEqualTo(TEXT);
    List<JsonObject> frames = objects(events);
    assertThat(frames.stream().map(frame -> frame.getString("id")).distinct()).hasSize(1);
    assertThat(
            frames.stream()
                .filter(frame -> frame.containsKey("created"))
                .map(frame -> frame.getInteger("created"))
                .distinct())
        .hasSize(1);
    assertThat(events.split("\"role\"", -1).length - 1).as("roles").isLessThanOrEqualTo(1);
    assertThat(events.split("finish_reason\":\"stop\"", -1)).as("one finish reason").hasSize(2);
  }

  private static void assertTold(String events, String code) {
    assertThat(events).doesNotContain(DONE).endsWith("}}\n\n");
    List<JsonObject> frames = objects(events);
    JsonObject error = frames.get(frames.size() - 1).getJsonObject("error");
    assertThat(error.getString("code")).isEqualTo(code);
    assertThat(error.getString("message")).doesNotContain("127.0.0.1");
  }

  /** Wherever the stream breaks, even between white space and a finish reason. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void aResetAfterAnyFrameIsNotSeen(int words) throws Exception {
    start(2, 1, words, Break.RESET);
    HttpResponse<String> answer = post(CHAT, STREAM);
    assertWhole(answer.body());
    assertThat(answer.body()).doesNotContain("usage");
    assertThat(resumes("resumed")).isEqualTo(1);
    assertThat(gateway.metric("penstock_resume_gap_seconds_count", "rivers")).isEqualTo(1);
    nothingIsHeld();
    await(() -> gateway.accessLog().contains("\"outcome\":\"ok\""));
    assertThat(gateway.accessLog())
        .contains("\"attempts\":2,\"resumes\":1,")
        .as("white space at the cut is generated twice, and counted once")
        .contains("\"prompt_tokens\":5,\"completion_tokens\":12,");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 11})
  void completionsToo(int words) throws Exception {
    start(2, 1, words, Break.RESET);
    assertWhole(post(COMPLETIONS, PROMPT).body());
    assertThat(resumes("resumed")).isEqualTo(1);
    String second =
        engines.stream()
            .flatMap(engine -> engine.engine.requests.stream())
            .filter(request -> !request.contains("\"prompt\":\"hi\""))
            .findFirst()
            .orElseThrow();
    assertThat(second).contains("\"max_tokens\":" + (100 - words));
  }

  @ParameterizedTest
  @EnumSource(Break.class)
  void howeverItBreaks(Break how) throws Exception {
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ofSeconds(how == Break.SILENCE ? 4 : 60), // in which another one goes on
            Duration.ofSeconds(120));
    start(2, 1, 4, how);
    assertWhole(post(CHAT, STREAM).body());
    nothingIsHeld();
    await(() -> engines.stream().mapToInt(each -> each.engine.closed.get()).sum() >= 1);
  }

  @Test
  void usageIsThatOfOneRequest() throws Exception {
    start(3, 2, 3, Break.RESET);
    String events = post(CHAT, COUNTED).body();
    assertWhole(events);
    List<JsonObject> frames = objects(events);
    JsonObject usage = frames.get(frames.size() - 1).getJsonObject("usage");
    assertThat(usage.getInteger("prompt_tokens")).isEqualTo(5);
    assertThat(usage.getInteger("completion_tokens")).isEqualTo(WORDS.size());
    assertThat(usage.getInteger("total_tokens"))
        .isEqualTo(5 + usage.getInteger("completion_tokens"));
    assertThat(resumes("resumed")).isEqualTo(2);
    nothingIsHeld();
  }

  @Test
  void threeBreaksAreTooMany() throws Exception {
    start(4, 99, 3, Break.RESET);
    String events = post(CHAT, STREAM).body();
    assertTold(events, "upstream_truncated");
    assertThat(TEXT).startsWith(textOf(events));
    assertThat(events).contains("it had been resumed twice before");
    assertThat(streams.get()).isEqualTo(3);
    assertThat(resumes("resumed")).isEqualTo(2);
    assertThat(resumes("refused")).isEqualTo(1);
    nothingIsHeld();
  }

  @Test
  void aReplicaThatFailsBeforeItGoesOnIsFollowedByAnother() throws Exception {
    start(3, 1, 4, Break.RESET);
    engines.forEach(
        engine -> {
          ContinuingEngine.Script usual = (socket, sent) -> true;
          AtomicInteger mine = new AtomicInteger();
          engine.script(
              (socket, sent) -> {
                if (sent == 0) {
                  mine.set(streams.incrementAndGet());
                }
                if (mine.get() == 1 && sent == 4 || mine.get() == 2) {
                  vertx.setTimer(30, due -> socket.close());
                  return false;
                }
                return usual.goesOn(socket, sent);
              });
        });
    assertWhole(post(CHAT, STREAM).body());
    assertThat(streams.get()).isEqualTo(3);
    assertThat(resumes("failed")).isEqualTo(1);
    assertThat(resumes("resumed")).isEqualTo(1);
    nothingIsHeld();
  }

  @Test
  void whenNobodyElseIsThereTheClientIsTold() throws Exception {
    start(1, 1, 4, Break.RESET);
    String events = post(CHAT, STREAM).body();
    assertTold(events, "upstream_truncated");
    assertThat(textOf(events)).isEqualTo(String.join("", WORDS.subList(0, 4)));
    assertThat(events).contains("no other replica could go on");
    assertThat(resumes("failed")).isEqualTo(1);
    nothingIsHeld();
  }

  @Test
  void anEngineThatWillNotGoOnIsBelieved() throws Exception {
    start(2, 1, 4, Break.RESET);
    for (ContinuingEngine each : engines) {
      ContinuingEngine real = each;
      ScriptedEngine.Script usual = real.script();
      real.engine.answer(
          (socket, request) -> {
            if (request.contains("continue_final_message")) {
              socket.write(json(400, "{\"detail\":\"unknown field\"}"));
            } else {
              usual.answer(socket, request);
            }
          });
    }
    String events = post(CHAT, STREAM).body();
    assertTold(events, "upstream_truncated");
    assertThat(events).contains("would not go on with it: unknown field");
    nothingIsHeld();
    assertThat(resumes("failed")).isEqualTo(1);
    await(() -> gateway.accessLog().lines().count() == 1);
  }

  /** Word by word or at a cut within white space: the client never reads the beginning twice. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 6, 12})
  void anEngineThatBeginsAnewIsFoundOut(int words) throws Exception {
    start(2, 1, words, Break.RESET);
    engines.forEach(engine -> engine.continues = false);
    String events = post(CHAT, COUNTED).body();
    assertTold(events, "upstream_truncated");
    assertThat(events).contains("was asked to go on with it and began it anew");
    assertThat(textOf(events)).isEqualTo(String.join("", WORDS.subList(0, words)));
    assertThat(resumes("failed")).isEqualTo(1);
    assertThat(resumes("resumed")).isZero();
    nothingIsHeld();
    assertThat(gateway.metric("penstock_wasted_tokens_total", "phase=\"resuming\""))
        .as("what the second replica wrote")
        .isPositive();
    await(() -> gateway.accessLog().contains("\"completion_tokens\":" + words + ","));
    await(() -> engines.stream().mapToInt(each -> each.engine.closed.get()).sum() == 2);
  }

  /** What the prober has found out comes with the grant. */
  private void told(boolean... continuesMessages) {
    List<ReplicaStatus> statuses = new ArrayList<>();
    for (int i = 0; i < engines.size(); i++) {
      ReplicaSpec spec =
          new ReplicaSpec(
              new ReplicaId("rivers-" + i),
              engines.get(i).url(),
              1,
              setup.maxConcurrent,
              Set.of(),
              "");
      statuses.add(
          new ReplicaStatus(
              new PoolName("rivers"),
              spec,
              ReplicaState.HEALTHY,
              Optional.empty(),
              "",
              Optional.of(continuesMessages[i % continuesMessages.length]),
              1,
              Optional.empty()));
    }
    gateway
        .node
        .bus()
        .publish(
            Room.BATCHER,
            new HealthReport(gateway.node.bus().self(), 1, List.copyOf(statuses), false));
  }

  @Test
  void anEngineWhoseApiSaysThatItCanIsAsked() throws Exception {
    setup.engine = EngineKind.OPENAI;
    start(2, 99, 4, Break.RESET);
    String before = post(CHAT, STREAM).body();
    assertThat(before).contains("the engine can not continue a message");
    told(true);
    engines.forEach(engine -> engine.script((socket, sent) -> true));
    breakOnce(4);
    assertWhole(post(CHAT, STREAM).body());
    nothingIsHeld();
  }

  private void breakOnce(int words) {
    AtomicBoolean broken = new AtomicBoolean();
    engines.forEach(
        engine ->
            engine.script(
                (socket, sent) -> {
                  if (sent == words && broken.compareAndSet(false, true)) {
                    vertx.setTimer(30, due -> socket.close());
                    return false;
                  }
                  return true;
                }));
  }

  @Test
  void oneThatCanNotIsPassedOverForOneThatCan() throws Exception {
    start(4, 0, 4, Break.RESET);
    told(false, false, false, true);
    breakOnce(4);
    assertWhole(post(CHAT, STREAM).body());
    assertThat(resumes("resumed")).isEqualTo(1);
    assertThat(resumes("refused")).isZero();
    assertThat(engines.stream().mapToInt(each -> each.engine.requests.size()).sum()).isEqualTo(2);
    nothingIsHeld();
  }

  @Test
  void anEngineWhoseApiSaysThatItCanNotIsNotAsked() throws Exception {
    start(2, 0, 4, Break.RESET);
    told(false);
    breakOnce(4);
    String events = post(CHAT, STREAM).body();
    assertTold(events, "upstream_truncated");
    assertThat(events).contains("the engine can not continue a message");
    assertThat(engines.stream().mapToInt(each -> each.engine.requests.size()).sum()).isEqualTo(1);
    assertThat(gateway.metric("penstock_resumes_total", "reason=\"engine\"")).isEqualTo(1);
    nothingIsHeld();
  }

  @Test
  void aClientMayForbidIt() throws Exception {
    start(2, 1, 4, Break.RESET);
    String events = post(CHAT, STREAM, "x-penstock-resume", "off").body();
    assertTold(events, "upstream_truncated");
    assertThat(events).contains("it could not be resumed: the request said so");
    assertThat(streams.get()).isEqualTo(1);
    assertThat(gateway.metric("penstock_resumes_total", "reason=\"client_off\"")).isEqualTo(1);
    assertThat(post(CHAT, STREAM, "x-penstock-resume", "maybe").statusCode()).isEqualTo(400);
  }

  @Test
  void severalChoicesAreNotResumed() throws Exception {
    start(2, 1, 4, Break.RESET);
    String events = post(CHAT, STREAM.replace("\"stream\"", "\"n\":2,\"stream\"")).body();
    assertTold(events, "upstream_truncated");
    assertThat(streams.get()).isEqualTo(1);
  }

  @Test
  void aPoolMayForbidIt() throws Exception {
    setup.resume = ResumeMode.OFF;
    start(2, 1, 4, Break.RESET);
    assertTold(post(CHAT, STREAM).body(), "upstream_truncated");
    assertThat(streams.get()).isEqualTo(1);
  }

  @Test
  void anEngineThatIsNotKnownToContinueIsNotAsked() throws Exception {
    setup.engine = EngineKind.LLAMA_CPP;
    start(2, 1, 4, Break.RESET);
    String events = post(CHAT, STREAM).body();
    assertTold(events, "upstream_truncated");
    assertThat(events).contains("the engine can not continue a message");
    assertThat(streams.get()).isEqualTo(1);
    nothingIsHeld();
  }

  @Test
  void aTextThatIsWholeIsNotWrittenAgain() throws Exception {
    start(2, 1, WORDS.size() + 1, Break.RESET);
    String events = post(CHAT, STREAM).body();
    assertTold(events, "upstream_truncated");
    assertThat(textOf(events)).isEqualTo(TEXT);
    assertThat(streams.get()).isEqualTo(1);
  }

  @Test
  void aClientThatLeavesWhileItIsResumedIsForgotten() {
    start(2, 99, 0, Break.SILENCE);
    AtomicInteger asked = new AtomicInteger();
    engines.forEach(
        engine ->
            engine.script(
                (socket, sent) -> {
                  if (sent == 0 && asked.incrementAndGet() > 1) {
                    return false;
                  }
                  if (sent == 3) {
                    vertx.setTimer(30, due -> socket.close());
                    return false;
                  }
                  return true;
                }));
    NetSocket client = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    client.write(
        "POST "
            + CHAT
            + " HTTP/1.1\r\nhost: x\r\ncontent-length: "
            + STREAM.length()
            + "\r\n\r\n"
            + STREAM);
    await(() -> asked.get() == 2);
    client.close();
    await(() -> gateway.metric("penstock_cancelled_total", "phase=\"resuming\"") == 1);
    await(() -> engines.stream().mapToInt(each -> each.engine.closed.get()).sum() == 2);
    nothingIsHeld();
    assertThat(gateway.metric("penstock_wasted_tokens_total", "phase=\"resuming\""))
        .as("what the first replica had generated")
        .isEqualTo(3);
  }

  private NetSocket send() {
    NetSocket client = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    client.write(
        "POST "
            + CHAT
            + " HTTP/1.1\r\nhost: x\r\ncontent-length: "
            + STREAM.length()
            + "\r\n\r\n"
            + STREAM);
    return client;
  }

  /** Queued for another replica, which somebody else has: nobody is asked any more. */
  @Test
  void aClientThatLeavesWhileItQueuesToBeResumedIsForgotten() {
    setup.maxConcurrent = 1;
    start(2, 0, 0, Break.SILENCE);
    CompletableFuture<NetSocket> first = new CompletableFuture<>();
    engines.forEach(
        engine ->
            engine.script(
                (socket, sent) -> {
                  if (sent == 3) {
                    first.complete(socket);
                    return false;
                  }
                  return true;
                }));
    NetSocket leaves = send();
    await(first::isDone);
    NetSocket stays = send();
    await(() -> gateway.metric("penstock_grants", "") == 2);
    first.join().close();
    await(() -> gateway.metric("llm_request_queue_depth", "") == 1);
    leaves.close();
    await(() -> gateway.metric("penstock_cancelled_total", "phase=\"resuming\"") == 1);
    await(() -> gateway.metric("llm_request_queue_depth", "") == 0);
    assertThat(gateway.metric("penstock_grants", "")).as("the other's").isEqualTo(1);
    stays.close();
    nothingIsHeld();
    assertThat(engines.stream().mapToInt(each -> each.engine.requests.size()).sum()).isEqualTo(2);
    await(() -> gateway.accessLog().lines().count() == 2);
  }

  /** A listening socket that accepts nobody and whose backlog is full lets connections hang. */
  @Test
  void aClientThatLeavesWhileTheNextReplicaIsBeingConnectedIsForgotten() throws Exception {
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ofSeconds(120));
    List<Socket> backlog = new ArrayList<>();
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < 2; i++) {
        Socket filler = new Socket();
        filler.connect(
            new InetSocketAddress(silent.getInetAddress(), silent.getLocalPort()), 30_000);
        backlog.add(filler);
      }
      ContinuingEngine engine = new ContinuingEngine(vertx);
      engine.script(
          (socket, sent) -> {
            if (sent == 3) {
              vertx.setTimer(30, due -> socket.close());
            }
            return sent < 3;
          });
      engines.add(engine);
      gateway =
          new Gateway(List.of(engine.url(), "http://127.0.0.1:" + silent.getLocalPort()), setup);
      NetSocket client = send();
      await(() -> engine.engine.closed.get() == 1);
      await(() -> gateway.metric("penstock_grants", "replica=\"rivers-1\"") == 1);
      client.close();
      await(() -> gateway.metric("penstock_cancelled_total", "phase=\"resuming\"") == 1);
      nothingIsHeld();
      await(() -> gateway.accessLog().lines().count() == 1);
    } finally {
      for (Socket each : backlog) {
        each.close();
      }
    }
  }

  @Test
  void theTotalDeadlineGoesOn() throws Exception {
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ofSeconds(4)); // by which the stream has begun
    start(2, 1, 4, Break.RESET);
    AtomicInteger asked = new AtomicInteger();
    engines.forEach(
        engine ->
            engine.script(
                (socket, sent) -> {
                  boolean second = asked.get() > 0 && sent == 0;
                  if (sent == 4) {
                    asked.incrementAndGet();
                    vertx.setTimer(30, due -> socket.close());
                    return false;
                  }
                  return !second;
                }));
    assertTold(post(CHAT, STREAM).body(), "deadline_exceeded");
    await(() -> gateway.accessLog().contains("\"outcome\":\"deadline\""));
    nothingIsHeld();
  }
}
