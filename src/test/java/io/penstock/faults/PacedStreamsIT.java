package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.PenstockProcess;
import io.penstock.fake.Ports;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One event loop full of streams that all run at a model's pace, 20 frames a second each, with a
 * heap of 512 MiB: where the core has more to do than it can, streams become slower, and none is
 * lost. How much it carries is logged, since it depends on the machine.
 */
@Tag("soak")
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class PacedStreamsIT {
  private static final Logger LOG = LoggerFactory.getLogger(PacedStreamsIT.class);

  private static final int STREAMS = Integer.getInteger("soak.paced", 4_000);
  private static final int SECONDS = Integer.getInteger("soak.paced.seconds", 60);
  private static final int FRAMES = 20 * SECONDS;

  @TempDir private Path folder;
  private final int port = Ports.free();
  private final int enginePort = Ports.free();
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final HttpClient client =
      vertx.createHttpClient(
          new HttpClientOptions().setKeepAlive(false).setConnectTimeout(60_000),
          new PoolOptions().setHttp1MaxSize(20_000));
  private PacedEngine engine;
  private PenstockProcess node;
  private NodeFigures figures;

  private final List<NumberedFrames> streams = new ArrayList<>(); // on the clients' loop
  private int over;

  @BeforeEach
  void start() throws Exception {
    engine = new PacedEngine(enginePort);
    JsonObject config =
        new JsonObject()
            .put("node", new JsonObject().put("ports", new JsonObject().put("http", port)))
            .put(
                "ingress",
                new JsonObject()
                    .put(
                        "deadlines",
                        new JsonObject().put("idle_ms", 600_000).put("total_ms", 1_800_000)))
            .put(
                "fleet",
                new JsonObject()
                    .put(
                        "pools",
                        new JsonArray()
                            .add(
                                new JsonObject()
                                    .put("name", "paced")
                                    .put("model_id", "river-8b")
                                    .put("engine", "vllm")
                                    .put("max_concurrent", STREAMS)
                                    .put(
                                        "replicas",
                                        new JsonArray()
                                            .add(
                                                new JsonObject()
                                                    .put(
                                                        "url",
                                                        "http://127.0.0.1:" + enginePort))))));
    Path file = Files.writeString(folder.resolve("node.json"), config.encodePrettily());
    node =
        PenstockProcess.startWith(
                List.of("-Xmx512m", "-XX:ActiveProcessorCount=1", "-XX:+ExitOnOutOfMemoryError"),
                "run",
                file.toString())
            .awaitReady(port);
    figures = new NodeFigures(node, port);
  }

  @AfterEach
  void stop() {
    node.close();
    engine.close();
    vertx.close();
  }

  private void open() {
    NumberedFrames frames = new NumberedFrames();
    streams.add(frames);
    client
        .request(HttpMethod.POST, port, "127.0.0.1", "/v1/chat/completions")
        .compose(
            request ->
                request
                    .putHeader("content-type", "application/json")
                    .send(
                        "{\"model\":\"river-8b\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                            + "\"content\":\"paced "
                            + FRAMES
                            + "\"}]}"))
        .onSuccess(answer -> read(answer, frames))
        .onFailure(cause -> lost(frames, cause));
  }

  private void read(HttpClientResponse answer, NumberedFrames frames) {
    if (answer.statusCode() != 200) {
      frames.wrong("status " + answer.statusCode());
    }
    answer.handler(piece -> frames.feed(piece.getBytes()));
    answer.exceptionHandler(cause -> lost(frames, cause));
    answer.endHandler(end -> over++);
  }

  private void lost(NumberedFrames frames, Throwable cause) {
    frames.wrong(cause.toString());
    over++;
  }

  private <T> T onLoop(Supplier<T> what) {
    CompletableFuture<T> got = new CompletableFuture<>();
    vertx.runOnContext(now -> got.complete(what.get()));
    return got.join();
  }

  private long framesSoFar() {
    return onLoop(() -> streams.stream().mapToLong(NumberedFrames::count).sum());
  }

  @Test
  void allEndWholeHoweverFullTheCoreIs() throws Exception {
    double before = figures.heapMb();
    for (int opened = 0; opened < STREAMS; ) {
      int batch = Math.min(100, STREAMS - opened);
      onLoop(
          () -> {
            for (int i = 0; i < batch; i++) {
              open();
            }
            return batch;
          });
      opened += batch;
      int all = opened;
      node.await(
          "first frames of " + all,
          Duration.ofMinutes(5),
          () -> onLoop(() -> streams.stream().allMatch(s -> s.count() > 0 || isOver(s))));
    }
    double cpu = figures.cpuSeconds();
    long frames = framesSoFar();
    long began = System.nanoTime();
    LockSupport.parkNanos(Duration.ofSeconds(Math.max(1, SECONDS / 3)).toNanos());
    double seconds = (System.nanoTime() - began) / 1e9;
    frames = framesSoFar() - frames;
    cpu = figures.cpuSeconds() - cpu;
    LOG.info(
        "{} streams of 20 frames a second: {} frames/s of {}, {} of a core, {} us CPU a frame;"
            + " heap before {} MB, resident {} MB",
        STREAMS,
        Math.round(frames / seconds),
        20 * STREAMS,
        String.format("%.2f", cpu / seconds),
        String.format("%.1f", cpu / frames * 1e6),
        Math.round(before),
        Math.round(figures.residentMb()));
    node.await("their ends", Duration.ofMinutes(20), () -> onLoop(() -> over) == STREAMS);
    assertThat(onLoop(() -> streams.stream().filter(s -> !s.isWhole(FRAMES)).toList()))
        .extracting(s -> s.count() + " frames; " + s.trouble())
        .isEmpty();
    assertThat(frames).isPositive();
    LOG.info("after them: heap {} MB, resident {} MB", figures.heapMb(), figures.residentMb());
  }

  private static boolean isOver(NumberedFrames stream) {
    return !stream.trouble().isEmpty();
  }
}
