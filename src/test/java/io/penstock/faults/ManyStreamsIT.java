package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.PenstockProcess;
import io.penstock.fake.Ports;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
 * One node with very many streams, for a long time: none is lost, and memory stays what it was. The
 * node is a process of its own with a heap of 512 MiB; this one has the clients and the engine.
 */
@Tag("soak")
@Timeout(value = 1, unit = TimeUnit.HOURS)
class ManyStreamsIT {
  private static final Logger LOG = LoggerFactory.getLogger(ManyStreamsIT.class);

  /** As many as the files allow that a process may have open here, two of them for a stream. */
  private static final int IDLE = Integer.getInteger("soak.idle", 9_700);

  private static final int STEADY = Integer.getInteger("soak.steady", 300);
  private static final Duration LONG = Duration.ofSeconds(Integer.getInteger("soak.seconds", 600));

  /** What a heap may differ by from one look to the next, by what JIT, meters and pools keep. */
  private static final double SLACK_MB = 24;

  @TempDir private Path folder;
  private final int port = Ports.free();
  private final int enginePort = Ports.consecutive(4);
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final HttpClient client =
      vertx.createHttpClient(
          new HttpClientOptions().setKeepAlive(false).setConnectTimeout(60_000),
          new PoolOptions().setHttp1MaxSize(20_000));
  private PacedEngine engine;
  private PenstockProcess broken;
  private PenstockProcess node;
  private NodeFigures figures;

  @BeforeEach
  void start() throws Exception {
    engine = new PacedEngine(enginePort);
    broken =
        PenstockProcess.start(
            Map.of(),
            "engine-sim",
            "--port",
            Integer.toString(enginePort + 1),
            "--replicas",
            "3",
            "--model",
            "sim-8b",
            "--max-num-seqs",
            "1000",
            "--fault",
            "reset",
            "--fault-after",
            "10",
            "--fault-rate",
            "0.01");
    JsonObject config =
        new JsonObject()
            .put(
                "node",
                new JsonObject()
                    .put("name", "soak")
                    .put("ports", new JsonObject().put("http", port).put("admin", Ports.free())))
            .put(
                "ingress",
                new JsonObject()
                    .put(
                        "deadlines",
                        new JsonObject().put("idle_ms", 600_000).put("total_ms", 3_600_000)))
            .put(
                "fleet",
                new JsonObject()
                    .put(
                        "pools",
                        new JsonArray()
                            .add(pool("paced", "river-8b", 1, enginePort))
                            .add(pool("sim", "sim-8b", 3, enginePort + 1))));
    Path file = Files.writeString(folder.resolve("node.json"), config.encodePrettily());
    node = PenstockProcess.startWith(List.of("-Xmx512m"), "run", file.toString()).awaitReady(port);
    figures = new NodeFigures(node, port);
  }

  private static JsonObject pool(String name, String model, int replicas, int firstPort) {
    JsonArray urls = new JsonArray();
    for (int i = 0; i < replicas; i++) {
      urls.add(new JsonObject().put("url", "http://127.0.0.1:" + (firstPort + i)));
    }
    return new JsonObject()
        .put("name", name)
        .put("model_id", model)
        .put("engine", "vllm")
        .put("max_concurrent", 20_000)
        .put("circuit_breaker", new JsonObject().put("slow_start_seconds", 0))
        .put("replicas", urls);
  }

  @AfterEach
  void stop() {
    node.close();
    broken.close();
    engine.close();
    vertx.close();
  }

  /** One stream and what has come of it; touched on the clients' event loop only. */
  private final class Stream {
    private final String prompt;
    private final StringBuilder text = new StringBuilder();
    private HttpClientRequest request;
    private HttpClientResponse response;
    private int frames;
    private long lastNanos;
    private boolean done;
    private String trouble = "";
    private Runnable ended = () -> {};

    Stream(String prompt) {
      this.prompt = prompt;
    }

    Stream then(Runnable what) {
      ended = what;
      return this;
    }

    Stream open(String model) {
      client
          .request(HttpMethod.POST, port, "127.0.0.1", "/v1/chat/completions")
          .compose(
              made -> {
                request = made;
                made.putHeader("content-type", "application/json");
                return made.send(
                    new JsonObject()
                        .put("model", model)
                        .put("stream", true)
                        .put("max_tokens", 100)
                        .put(
                            "messages",
                            new JsonArray()
                                .add(new JsonObject().put("role", "user").put("content", prompt)))
                        .encode());
              })
          .onSuccess(this::read)
          .onFailure(this::failed);
      return this;
    }

    private void read(HttpClientResponse head) {
      response = head;
      if (head.statusCode() != 200) {
        trouble = "status " + head.statusCode();
      }
      StringBuilder rest = new StringBuilder();
      head.handler(
          piece -> {
            rest.append(piece.toString(StandardCharsets.ISO_8859_1)); // pieces end anywhere
            for (int end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
              frame(utf8(rest.substring(0, end)));
              rest.delete(0, end + 2);
            }
          });
      head.exceptionHandler(this::failed);
      head.endHandler(end -> ended.run());
    }

    private static String utf8(String bytes) {
      return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private void frame(String frame) {
      if (frame.equals("data: [DONE]")) {
        done = true;
      } else if (frame.startsWith("data: {\"error\"")) {
        trouble = frame;
      } else if (frame.startsWith("data: {")) {
        long now = System.nanoTime();
        if (frames++ > 0 && prompt.startsWith("paced")) {
          gaps.add(now - lastNanos);
        }
        lastNanos = now;
        for (Object choice : new JsonObject(frame.substring(6)).getJsonArray("choices")) {
          text.append(((JsonObject) choice).getJsonObject("delta").getString("content", ""));
        }
      }
    }

    private void failed(Throwable cause) {
      trouble = cause.toString();
      ended.run();
    }

    /** Leaves in the middle. */
    void leave() {
      ended = () -> {};
      request.reset();
    }
  }

  /** Between two frames of a stream, in nanoseconds; a sample. */
  private static final class Gaps {
    private final long[] kept = new long[1 << 16];
    private int count;

    void add(long nanos) {
      kept[count++ & kept.length - 1] = nanos;
    }

    double p99Millis() {
      int n = Math.min(count, kept.length);
      long[] sorted = Arrays.copyOf(kept, n);
      Arrays.sort(sorted);
      return n == 0 ? 0 : sorted[(int) (n * 0.99)] / 1e6;
    }
  }

  private final Gaps gaps = new Gaps();

  private <T> T onLoop(Supplier<T> what) {
    CompletableFuture<T> got = new CompletableFuture<>();
    vertx.runOnContext(now -> got.complete(what.get()));
    return got.join();
  }

  private void allFree() {
    node.await(
        "all slots free",
        Duration.ofMinutes(2),
        () -> {
          try {
            return figures.metric("penstock_grants", "") == 0;
          } catch (IOException | InterruptedException e) {
            return false;
          }
        });
  }

  private static void pause(long millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  @Test
  void asManyIdleStreamsAsThereAreSockets() throws Exception {
    double before = figures.heapMb();
    double residentBefore = figures.residentMb();
    List<Stream> streams = new ArrayList<>();
    AtomicInteger over = new AtomicInteger();
    for (int i = 0; i < IDLE; i++) {
      Stream stream = new Stream("idle").then(over::incrementAndGet);
      streams.add(stream);
      vertx.runOnContext(now -> stream.open("river-8b"));
      if (i % 100 == 99) {
        int begun = i - 900;
        node.await(
            "the first frames",
            Duration.ofMinutes(2),
            () -> onLoop(() -> begun < 0 || streams.get(begun).frames > 0));
      }
    }
    node.await(
        "a frame of each",
        Duration.ofMinutes(5),
        () -> onLoop(() -> streams.stream().allMatch(each -> each.frames == 1)));
    assertThat(figures.metric("penstock_grants", "")).isEqualTo(IDLE);
    double with = figures.heapMb();
    double cpu = figures.cpuSeconds();
    pause(60_000);
    double idleCpu = figures.cpuSeconds() - cpu;
    double later = figures.heapMb();
    LOG.info(
        "{} idle streams: heap {} -> {} -> {} MB ({} kB a stream), resident {} -> {} MB; {} s of"
            + " CPU in a minute",
        IDLE,
        before,
        with,
        later,
        (with - before) * 1e3 / IDLE,
        residentBefore,
        figures.residentMb(),
        idleCpu);
    assertThat(later).isLessThan(with + SLACK_MB);
    engine.release();
    node.await("their ends", Duration.ofMinutes(5), () -> over.get() == IDLE);
    assertThat(onLoop(() -> streams.stream().filter(s -> !s.done || !s.trouble.isEmpty()).count()))
        .isZero();
    allFree();
    node.await(
        "memory as before (" + before + " MB)",
        Duration.ofMinutes(5), // connections to engines are kept for a while
        () -> {
          pause(5_000);
          return figures.heapMb() < before + SLACK_MB;
        });
    LOG.info("after them: heap {} MB, resident {} MB", figures.heapMb(), figures.residentMb());
  }

  /** Streams that follow each other; 1 % of clients leave and 1 % of engines' streams break. */
  private final class Client {
    private final int number;
    private final Random random;
    private final Map<String, String> texts;
    private int whole;
    private int left;
    private final List<String> wrong = new ArrayList<>();
    private boolean stopping;
    private boolean idle;

    Client(int number, Map<String, String> texts) {
      this.number = number;
      this.random = new Random(number);
      this.texts = texts;
    }

    void next() {
      if (stopping) {
        idle = true;
        return;
      }
      String prompt = "Tell me of river " + random.nextInt(20);
      Stream stream = new Stream(prompt);
      stream.then(() -> ended(stream)).open("sim-8b");
      if (random.nextInt(100) == 0) {
        vertx.setTimer(
            1 + random.nextInt(500),
            leaves -> {
              if (!stream.done && stream.request != null && stream.trouble.isEmpty()) {
                stream.leave();
                left++;
                next();
              }
            });
      }
    }

    private void ended(Stream stream) {
      String known = texts.putIfAbsent(stream.prompt, stream.text.toString());
      if (!stream.done || !stream.trouble.isEmpty()) {
        wrong.add(number + ": " + stream.trouble + " after " + stream.frames + " frames");
      } else if (known != null && !known.contentEquals(stream.text)) {
        int same = Arrays.mismatch(known.toCharArray(), stream.text.toString().toCharArray());
        wrong.add(
            number
                + ": another text for "
                + stream.prompt
                + " from character "
                + same
                + " on: '"
                + known.substring(Math.min(same, known.length()))
                + "' and '"
                + stream.text.substring(Math.min(same, stream.text.length()))
                + "'");
      } else {
        whole++;
      }
      next();
    }
  }

  @Test
  void nothingIsLostAndNothingGrowsInALongTime() throws Exception {
    Map<String, String> texts = new HashMap<>();
    List<Client> clients = new ArrayList<>();
    for (int i = 0; i < STEADY; i++) {
      Client each = new Client(i, texts);
      clients.add(each);
      vertx.runOnContext(now -> each.next());
    }
    long began = System.nanoTime();
    pause(LONG.toMillis() / 5);
    double early = figures.heapMb();
    while (System.nanoTime() - began < LONG.toNanos()) {
      pause(1_000);
      assertThat(node.isAlive()).as(node.output()).isTrue();
    }
    double late = figures.heapMb();
    onLoop(
        () -> {
          clients.forEach(each -> each.stopping = true);
          return 0;
        });
    node.await(
        "the last streams",
        Duration.ofMinutes(2),
        () -> onLoop(() -> clients.stream().allMatch(each -> each.idle)));
    int whole = onLoop(() -> clients.stream().mapToInt(each -> each.whole).sum());
    int left = onLoop(() -> clients.stream().mapToInt(each -> each.left).sum());
    List<String> wrong = onLoop(() -> clients.stream().flatMap(c -> c.wrong.stream()).toList());
    LOG.info(
        "{} whole, {} left, {} resumed in {} s; heap {} -> {} MB, resident {} MB",
        whole,
        left,
        figures.metric("penstock_resumes_total", "outcome=\"resumed\""),
        LONG.toSeconds(),
        early,
        late,
        figures.residentMb());
    // one of a hundred streams breaks, and so does one of a hundred that are resumed
    List<String> thrice = wrong.stream().filter(each -> each.contains("resumed twice")).toList();
    assertThat(wrong).isSubsetOf(thrice);
    assertThat(thrice).hasSizeLessThan(5 + whole / 100_000);
    assertThat(whole).isGreaterThan(STEADY);
    assertThat(left).isPositive();
    assertThat(figures.metric("penstock_resumes_total", "outcome=\"resumed\"")).isPositive();
    assertThat(late).isLessThan(early + SLACK_MB);
    allFree();
  }

  @Test
  void slowReadersCostNobodyElseAnything() throws Exception {
    List<Stream> steady = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      Stream stream = new Stream("paced 2400");
      steady.add(stream);
      vertx.runOnContext(now -> stream.open("river-8b"));
    }
    pause(20_000);
    double alone = onLoop(gaps::p99Millis);
    double before = figures.heapMb();
    List<Stream> slow = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      Stream stream = new Stream("flood 10000");
      slow.add(stream);
      vertx.runOnContext(now -> stream.open("river-8b"));
    }
    node.await(
        "floods",
        Duration.ofMinutes(2),
        () -> onLoop(() -> slow.stream().allMatch(each -> each.frames > 0)));
    onLoop(
        () -> {
          slow.forEach(each -> each.response.pause());
          vertx.setPeriodic(1_000, tick -> slow.forEach(each -> each.response.fetch(1)));
          return 0;
        });
    pause(30_000);
    double with = figures.heapMb();
    onLoop(
        () -> {
          gaps.count = 0;
          return 0;
        });
    pause(30_000);
    double beside = onLoop(gaps::p99Millis);
    double later = figures.heapMb();
    LOG.info(
        "200 slow readers: heap {} -> {} -> {} MB, resident {} MB; p99 between frames of others {}"
            + " -> {} ms",
        before,
        with,
        later,
        figures.residentMb(),
        alone,
        beside);
    assertThat(later).as("each holds less than a megabyte").isLessThan(before + 200);
    assertThat(later).as("and no more as time goes by").isLessThan(with + SLACK_MB);
    assertThat(onLoop(() -> steady.stream().allMatch(s -> s.trouble.isEmpty()))).isTrue();
    onLoop(
        () -> {
          slow.forEach(Stream::leave);
          return 0;
        });
    node.await(
        "the steady streams' ends",
        Duration.ofMinutes(5),
        () -> onLoop(() -> steady.stream().allMatch(each -> each.done)));
    for (Stream each : steady) {
      assertThat(each.frames).isEqualTo(2_401);
    }
    allFree();
  }
}
