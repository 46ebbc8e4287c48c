package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.DONE;
import static io.penstock.ingress.ScriptedEngine.FINISH;
import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.frame;
import static io.penstock.ingress.ScriptedEngine.json;
import static io.penstock.ingress.ScriptedEngine.lastChunk;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Fleet;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An ingress whose file changes while it carries requests, and nodes that go by different files for
 * a while, over real sockets.
 */
@Timeout(300)
class RulesChangeTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String WHOLE =
      "{\"model\":\"river\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";
  private static final String STREAM =
      "{\"model\":\"river\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";

  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Gateway.Setup setup = new Gateway.Setup();
  private ScriptedEngine engine;
  private Gateway gateway;

  @BeforeEach
  void start() {
    engine = new ScriptedEngine(vertx);
    gateway = new Gateway(engine.url(), setup);
  }

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  private CompletableFuture<HttpResponse<String>> send(String body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port + PATH))
            .header("content-type", "application/json")
            .timeout(Duration.ofSeconds(120))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(120, TimeUnit.SECONDS);
  }

  private void config() throws Exception {
    get(gateway.config.become(gateway.config(setup)));
  }

  private Fleet fleet(String pool) {
    return Gateway.fleet(pool, List.of(engine.url()), setup);
  }

  /** Long enough that a request which is not served is surely asking again. */
  private static void letItWait() {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2 * Itinerary.ASK_AGAIN_MILLIS));
  }

  private static void serves(CompletableFuture<HttpResponse<String>> asked, String pool)
      throws Exception {
    HttpResponse<String> answer = get(asked);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-penstock-pool")).contains(pool);
  }

  /** Two frames with a pause between them. */
  private static void haltingly(NetSocket socket, Vertx vertx) {
    socket.write(STREAM_HEAD);
    socket.write(chunk(frame("a")));
    vertx.setTimer(
        5_000,
        later -> {
          socket.write(chunk(frame("b"), FINISH, DONE));
          socket.write(lastChunk());
        });
  }

  @Test
  void aRequestKeepsTheDeadlinesThatItBeganWith() throws Exception {
    CompletableFuture<String> first = new CompletableFuture<>();
    engine.answer(
        (socket, request) -> {
          haltingly(socket, vertx);
          first.complete(request);
        });
    CompletableFuture<HttpResponse<String>> before = send(STREAM);
    get(first);
    setup.deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(3),
            Duration.ofSeconds(20),
            Duration.ofMillis(300),
            Duration.ofSeconds(60));
    config();
    HttpResponse<String> after = get(send(STREAM, "x-penstock-resume", "off"));

    assertThat(get(before).body()).endsWith(DONE);
    assertThat(after.body()).contains("idle_timeout").doesNotContain("[DONE]");
  }

  /** Its queue of connections that nobody accepts is full, so that Linux answers no more. */
  @Test
  void connectionsAreWaitedForAsLongAsTheFileSaysNow() throws Exception {
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      List<Socket> waiting = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Socket socket = new Socket();
        waiting.add(socket);
        try {
          socket.connect(full.getLocalSocketAddress(), 200);
        } catch (SocketTimeoutException isFull) {
          break;
        }
      }
      Fleet next =
          Gateway.fleet("rivers", List.of("http://127.0.0.1:" + full.getLocalPort()), setup);
      get(gateway.fleetOfOwner.become(next));
      setup.deadlines =
          new IngressConfig.Deadlines(
              Duration.ofMillis(250),
              Duration.ofSeconds(20),
              Duration.ofSeconds(20),
              Duration.ofSeconds(60));
      config();
      HttpResponse<String> answer = get(send(WHOLE));
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(502);
      assertThat(answer.body()).contains("connect_timeout").contains("250 ms");
      for (Socket each : waiting) {
        each.close();
      }
    }
  }

  @Test
  void attemptsAreAsManyAsTheFileSaysNow() throws Exception {
    engine.answer((socket, request) -> socket.write(json(500, "{\"error\":\"x\"}")));
    HttpResponse<String> answer = get(send(WHOLE));
    assertThat(answer.headers().firstValue("x-should-retry"))
        .as("one replica: no attempt is left to be made")
        .isEmpty();
    setup.retries = new IngressConfig.Retries(1, 20, 10, Duration.ofMillis(50));
    config();
    assertThat(get(send(WHOLE)).headers().firstValue("x-should-retry")).contains("false");
  }

  @Test
  void pagesMayCallWhereTheFileSaysSoNow() throws Exception {
    String[] page = {"origin", "https://chat.example"};
    assertThat(get(send(WHOLE, page)).headers().firstValue("access-control-allow-origin"))
        .isEmpty();
    setup.cors = Optional.of(new IngressConfig.Cors(List.of("https://chat.example"), false));
    config();
    assertThat(get(send(WHOLE, page)).headers().firstValue("access-control-allow-origin"))
        .contains("https://chat.example");
    setup.cors = Optional.of(new IngressConfig.Cors(List.of("https://other.example"), false));
    config();
    assertThat(get(send(WHOLE, page)).statusCode()).isEqualTo(403);
  }

  @Test
  void enginesAreAddressedByTheNewDefinition() throws Exception {
    get(send(WHOLE));
    setup.engineModel = "engine/river-9b";
    Fleet next = fleet("rivers");
    get(gateway.fleetOfIngress.become(next));
    get(gateway.fleetOfRouter.become(next));
    get(gateway.fleetOfOwner.become(next));
    get(send(WHOLE));
    assertThat(engine.requests.get(0)).contains("\"engine/river-8b\"");
    assertThat(engine.requests.get(1)).contains("\"engine/river-9b\"");
  }

  @Test
  void aPoolThatItsOwnerDoesNotKnowYetIsWaitedFor() throws Exception {
    get(gateway.fleetOfIngress.become(fleet("lakes")));
    get(gateway.fleetOfRouter.become(fleet("lakes")));
    CompletableFuture<HttpResponse<String>> asked = send(WHOLE);
    letItWait();
    assertThat(asked).isNotDone();
    get(gateway.fleetOfOwner.become(fleet("lakes")));
    serves(asked, "lakes");
  }

  @Test
  void aPoolThatIsGoneAtItsOwnerIsReplacedOnceTheRouterKnows() throws Exception {
    get(gateway.fleetOfOwner.become(fleet("lakes")));
    CompletableFuture<HttpResponse<String>> asked = send(WHOLE);
    letItWait();
    assertThat(asked).isNotDone();
    get(gateway.fleetOfIngress.become(fleet("lakes")));
    get(gateway.fleetOfRouter.become(fleet("lakes")));
    serves(asked, "lakes");
  }

  @Test
  void aPoolThatThisNodeDoesNotKnowYetIsWaitedFor() throws Exception {
    get(gateway.fleetOfOwner.become(fleet("lakes")));
    get(gateway.fleetOfRouter.become(fleet("lakes")));
    CompletableFuture<HttpResponse<String>> asked = send(WHOLE);
    letItWait();
    assertThat(asked).isNotDone();
    get(gateway.fleetOfIngress.become(fleet("lakes")));
    serves(asked, "lakes");
  }

  @Test
  void aPoolThatIsNotKnownIsPassedOverWhereAnotherServesTheModel() throws Exception {
    setup.secondPool = List.of(engine.url());
    Fleet both = fleet("rivers");
    get(gateway.fleetOfIngress.become(both));
    get(gateway.fleetOfRouter.become(both));
    get(
        gateway.fleetOfOwner.become(
            new Fleet(both.pools().subList(1, 2), true, Optional.empty(), "hash")));
    long begun = System.nanoTime();
    serves(send(WHOLE), "lakes");
    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun))
        .as("without waiting until all know it")
        .isLessThan(Itinerary.AGREE_MILLIS);
  }

  @Test
  void aModelThatIsGoneIsToldToWhoWaitsForIt() throws Exception {
    setup.maxConcurrent = 1;
    get(gateway.fleetOfOwner.become(fleet("rivers")));
    CompletableFuture<NetSocket> held = new CompletableFuture<>();
    engine.answer((socket, request) -> held.complete(socket));
    CompletableFuture<HttpResponse<String>> first = send(WHOLE);
    NetSocket socket = get(held);
    CompletableFuture<HttpResponse<String>> waits = send(WHOLE);
    while (gateway.metric("llm_request_queue_depth", "") < 1) {
      LockSupport.parkNanos(1_000_000);
    }
    Fleet none = new Fleet(List.of(), true, Optional.empty(), "none");
    get(gateway.fleetOfIngress.become(none));
    get(gateway.fleetOfRouter.become(none));
    get(gateway.fleetOfOwner.become(none));
    HttpResponse<String> told = get(waits);
    assertThat(told.statusCode()).as(told.body()).isEqualTo(404);
    assertThat(new JsonObject(told.body()).getJsonObject("error").getString("code"))
        .isEqualTo("model_not_found");
    socket.write(json("{\"choices\":[]}"));
    assertThat(get(first).statusCode()).as("what runs ends whole").isEqualTo(200);
  }
}
