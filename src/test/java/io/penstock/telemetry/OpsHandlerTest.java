package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.junit5.VertxExtension;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(VertxExtension.class)
class OpsHandlerTest {
  private final Metrics metrics = new Metrics("1.2.3");
  private final Readiness readiness = new Readiness();
  private final AtomicLong nowMillis = new AtomicLong();
  private final LoopWatch loops =
      new LoopWatch(
          new Clock() {
            @Override
            public long epochMillis() {
              return nowMillis.get();
            }

            @Override
            public long nanos() {
              return TimeUnit.MILLISECONDS.toNanos(nowMillis.get());
            }
          },
          metrics.registry(),
          readiness,
          new LoopWatch.Limits(LoopWatch.BLOCKED, LoopWatch.GIVEN_UP, LoopWatch.DEAD));
  private HttpClient client;
  private int port;

  @BeforeEach
  void serve(Vertx vertx) throws Exception {
    Router router = Router.router(vertx);
    new OpsHandler(metrics, readiness, loops).mount(router);
    client = vertx.createHttpClient();
    port =
        await(vertx.createHttpServer().requestHandler(router).listen(0, "127.0.0.1")).actualPort();
  }

  @AfterEach
  void closeMetrics() {
    loops.close();
    metrics.close();
  }

  @Test
  void liveWhileItAnswers() throws Exception {
    readiness.unmet("cluster", "not joined");

    Answer answer = get("/health/live", "");

    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.json()).isEqualTo(new JsonObject().put("status", "live"));
  }

  @Test
  void notLiveWhenAnotherLoopHangsForLong() throws Exception {
    LoopWatch.Loop other = loops.add(3, Thread.currentThread());
    nowMillis.addAndGet(LoopWatch.DEAD.toMillis() - 1);
    assertThat(get("/health/live", "").status).isEqualTo(200);
    nowMillis.addAndGet(1);

    Answer answer = get("/health/live", "");

    assertThat(answer.status).isEqualTo(503);
    assertThat(answer.json())
        .isEqualTo(
            new JsonObject()
                .put("status", "hangs")
                .put(
                    "reasons",
                    new JsonArray()
                        .add(reason("event-loops", "an event loop has not turned for 30000 ms"))));
    other.beat();
    assertThat(get("/health/live", "").status).isEqualTo(200);
  }

  @Test
  void whatIsWrongWithTheNodeAloneDoesNotMakeItUnready() throws Exception {
    readiness.alarm("batcher", "it keeps failing: bug");
    readiness.alarm("router", "its event loop hangs");
    readiness.alarm("router", "");

    Answer answer = get("/health/ready", "");

    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.json())
        .isEqualTo(
            new JsonObject()
                .put("status", "ready")
                .put("reasons", new JsonArray())
                .put(
                    "alarms",
                    new JsonArray()
                        .add(
                            new JsonObject()
                                .put("alarm", "node")
                                .put("subject", "batcher")
                                .put("detail", "it keeps failing: bug"))));
  }

  @Test
  void notReadyWithTheReasons() throws Exception {
    readiness.met("verticles");
    readiness.unmet("router", "no node with the role router");
    readiness.unmet("batcher", "no node with the role batcher");

    Answer answer = get("/health/ready", "");

    assertThat(answer.status).isEqualTo(503);
    assertThat(answer.json())
        .isEqualTo(
            new JsonObject()
                .put("status", "not_ready")
                .put(
                    "reasons",
                    new JsonArray()
                        .add(reason("batcher", "no node with the role batcher"))
                        .add(reason("router", "no node with the role router")))
                .put("alarms", new JsonArray()));
  }

  @Test
  void readyWhenEverythingIsMet() throws Exception {
    readiness.unmet("router", "no node with the role router");
    readiness.met("router");

    Answer answer = get("/health/ready", "");

    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.json())
        .isEqualTo(
            new JsonObject()
                .put("status", "ready")
                .put("reasons", new JsonArray())
                .put("alarms", new JsonArray()));
    assertThat(answer.contentType).isEqualTo("application/json");
  }

  @Test
  void alarmsAreToldAndDoNotMakeItUnready() throws Exception {
    readiness.met("router");
    readiness.alarms("b", List.of(new Readiness.Alarm("b", "pool y", "1 of 2")));
    readiness.alarms("a", List.of(new Readiness.Alarm("a", "node n", "differs")));
    readiness.alarms("b", List.of(new Readiness.Alarm("b", "pool x", "0 of 2")));

    Answer answer = get("/health/ready", "");

    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.json().getJsonArray("alarms"))
        .isEqualTo(
            new JsonArray()
                .add(
                    new JsonObject()
                        .put("alarm", "a")
                        .put("subject", "node n")
                        .put("detail", "differs"))
                .add(
                    new JsonObject()
                        .put("alarm", "b")
                        .put("subject", "pool x")
                        .put("detail", "0 of 2")));
    readiness.alarms("a", List.of());
    readiness.alarms("b", List.of());
    assertThat(get("/health/ready", "").json().getJsonArray("alarms")).isEmpty();
  }

  @Test
  void drainingIsFinal() throws Exception {
    readiness.met("router");
    readiness.drain();
    readiness.met("batcher");

    Answer answer = get("/health/ready", "");

    assertThat(answer.status).isEqualTo(503);
    assertThat(answer.json())
        .isEqualTo(
            new JsonObject()
                .put("status", "draining")
                .put(
                    "reasons",
                    new JsonArray().add(reason("draining", "this node is being drained")))
                .put("alarms", new JsonArray()));
  }

  @Test
  void metricsAsPrometheusReadsThem() throws Exception {
    metrics.registry().counter(Names.CANCELLED, "phase", "queued").increment();

    Answer answer = get("/metrics", "text/plain");

    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.contentType).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
    assertThat(answer.body)
        .contains("penstock_cancelled_total{phase=\"queued\"} 1.0\n")
        .contains("penstock_build_info{version=\"1.2.3\"} 1\n")
        .contains("# TYPE jvm_memory_used_bytes gauge\n");
  }

  @Test
  void metricsAsOpenMetricsWhenAsked() throws Exception {
    Answer answer =
        get(
            "/metrics",
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5");

    assertThat(answer.contentType)
        .isEqualTo("application/openmetrics-text; version=1.0.0; charset=utf-8");
    assertThat(answer.body).endsWith("# EOF\n");
  }

  private static JsonObject reason(String condition, String detail) {
    return new JsonObject().put("condition", condition).put("detail", detail);
  }

  private Answer get(String path, String accept) throws Exception {
    RequestOptions options =
        new RequestOptions()
            .setMethod(HttpMethod.GET)
            .setHost("127.0.0.1")
            .setPort(port)
            .setURI(path)
            .putHeader("accept", accept);
    // The body is asked for on the event loop, before it can have gone by.
    return await(
        client.request(options).compose(request -> request.send().compose(OpsHandlerTest::read)));
  }

  private static Future<Answer> read(HttpClientResponse response) {
    return response
        .body()
        .map(
            body ->
                new Answer(
                    response.statusCode(), response.getHeader("content-type"), body.toString()));
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private record Answer(int status, String contentType, String body) {
    JsonObject json() {
      return new JsonObject(Buffer.buffer(body));
    }
  }
}
