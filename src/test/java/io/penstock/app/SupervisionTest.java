package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.Bus;
import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import io.penstock.fake.Ports;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Role;
import io.penstock.message.HealthReport;
import io.penstock.message.Message;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.penstock.telemetry.LogFormat;
import io.penstock.telemetry.Readiness;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole nodes in this JVM under load, over real sockets, some of whose rooms fail: they get a
 * message that throws when it is read.
 */
@Timeout(900)
class SupervisionTest {
  private static final String MODEL = "river-8b";
  private static final PoolName POOL = new PoolName("rivers");
  private static final int REPLICAS = 2;
  private static final int MAX_CONCURRENT = 3;
  private static final int CLIENTS = 12;
  private static final int TOKENS = 8;

  /** Of a stream that is still there when all are, and is left then: a minute and more. */
  private static final int HOLDING_TOKENS = 20_000;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final List<Node> nodes = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicInteger whole = new AtomicInteger();
  private final ConcurrentLinkedQueue<String> broken = new ConcurrentLinkedQueue<>();

  @TempDir private Path folder;

  @SuppressWarnings("NullAway.Init")
  private EngineSimulator engines;

  @BeforeEach
  void startEngines() {
    engines =
        await(
            EngineSimulator.start(
                vertx,
                SimConfig.instant()
                    .withModel(MODEL)
                    .withReplicas(REPLICAS)
                    .withProfile(SimProfile.of("instant").withFixedStep(5_000))));
  }

  @AfterEach
  void close() {
    stop.set(true);
    threads.shutdownNow();
    nodes.forEach(node -> await(node.close()));
    await(vertx.close());
  }

  /** What the node says of itself. */
  private static List<Readiness.Alarm> alarms(Node node) {
    return node.readiness().alarms().stream()
        .filter(alarm -> alarm.kind().equals(Readiness.NODE))
        .toList();
  }

  @Test
  void roomsThatFailOnALoneNodeCostNoRequest() throws Exception {
    Node node = start(1).get(0);
    load();

    sendTo(node, Room.INGRESS, new RenewAnswer(POOL, 0, unreadable(SupervisionTest::fail)));
    until(() -> metric(node, "penstock_verticle_exceptions_total{role=\"ingress\"}") == 1);
    poison(node, Room.ROUTER);
    until(() -> restarts(node, "router") == 1);
    poison(node, Room.PROBER);
    until(() -> restarts(node, "health-prober") == 1);
    poison(node, Room.BATCHER);
    until(() -> restarts(node, "batcher") == 1);
    moreAreServed();
    assertThat(node.readiness().ready()).as("it never gave a role up").isTrue();

    // It is given up for a second, and for longer if nobody has seen that.
    AtomicInteger poisoned = new AtomicInteger(1);
    until(
        () -> {
          if (node.readiness().ready()) {
            poison(node, Room.BATCHER);
            poisoned.incrementAndGet();
          }
          return alarms(node).toString().contains("on purpose")
              && get(node, "/health/ready").contains("no node that this one hears of");
        });
    until(() -> restarts(node, "batcher") >= 2 && node.readiness().ready());
    assertThat(alarms(node)).isEmpty();
    moreAreServed();

    endAndCheck();
    assertThat(metric(node, "penstock_replica_changes_total{pool=\"rivers\",to=\"unhealthy\"}"))
        .as("no replica has flapped")
        .isZero();
    assertThat(metric(node, "penstock_verticle_exceptions_total{role=\"batcher\"}"))
        .as("one may have been hit twice before it was ended, or have been gone")
        .isBetween(restarts(node, "batcher"), poisoned.doubleValue());
    assertThat(metric(node, "penstock_verticle_up{role=\"batcher\"}")).isEqualTo(1);
  }

  @Test
  void aBatcherThatKeepsFailingLeavesItsPoolsToAnotherNode() throws Exception {
    List<Node> both = start(2);
    until(() -> both.stream().allMatch(n -> n.view().with(Role.BATCHER).size() == 2));
    NodeId first = both.get(0).view().ownerOf(POOL).orElseThrow();
    Node owner = id(both.get(0)).equals(first) ? both.get(0) : both.get(1);
    Node other = owner == both.get(0) ? both.get(1) : both.get(0);
    load();

    AtomicBoolean healed = new AtomicBoolean();
    long poisoner =
        vertx.setPeriodic(
            20,
            tick -> {
              if (!healed.get()) {
                poison(owner, Room.BATCHER);
              }
            });
    until(() -> other.view().ownerOf(POOL).equals(Optional.of(id(other))));
    until(() -> owner.view().ownerOf(POOL).equals(Optional.of(id(other))));
    until(() -> alarms(owner).size() == 1 && saysThatItsBatcherIsGone(owner));
    moreAreServed();
    until(() -> restarts(owner, "batcher") >= 2);

    healed.set(true);
    vertx.cancelTimer(poisoner);
    until(() -> alarms(owner).isEmpty());
    until(() -> other.view().ownerOf(POOL).equals(Optional.of(first)));
    moreAreServed();

    endAndCheck();
    assertThat(restarts(other, "batcher")).isZero();
  }

  @Test
  void aBatcherWhoseEventLoopHangsLeavesItsPoolsToAnotherNode() throws Exception {
    List<Node> both = start(2);
    until(() -> both.stream().allMatch(n -> n.view().with(Role.BATCHER).size() == 2));
    NodeId first = both.get(0).view().ownerOf(POOL).orElseThrow();
    Node owner = id(both.get(0)).equals(first) ? both.get(0) : both.get(1);
    Node other = owner == both.get(0) ? both.get(1) : both.get(0);
    load();

    AtomicBoolean woken = new AtomicBoolean();
    send(
        owner,
        Room.BATCHER,
        () -> {
          while (!woken.get() && !stop.get()) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
          }
        });
    until(() -> other.view().ownerOf(POOL).equals(Optional.of(id(other))));
    until(() -> !owner.readiness().ready());
    assertThat(owner.readiness().conditions().get("event-loops")).contains("has not turned for");
    int before = whole.get();
    until(() -> whole.get() > before + 3 * CLIENTS);

    woken.set(true);
    until(() -> owner.readiness().ready() && alarms(owner).isEmpty());
    until(() -> other.view().ownerOf(POOL).equals(Optional.of(first)));
    moreAreServed();
    endAndCheck();
    assertThat(restarts(owner, "batcher")).as("it has lost nothing").isZero();
  }

  /** And that it is ready all the same, since another node has one. */
  private boolean saysThatItsBatcherIsGone(Node node) {
    JsonObject told = new JsonObject(get(node, "/health/ready"));
    return told.getString("status").equals("ready")
        && told.encode().contains("\"alarm\":\"node\",\"subject\":\"batcher\"");
  }

  /** A message that fails whoever reads it. */
  private static void poison(Node node, Room room) {
    send(node, room, SupervisionTest::fail);
  }

  private static void fail() {
    throw new IllegalStateException("on purpose");
  }

  /** A message that does so when it is read. */
  private static void send(Node node, Room room, Runnable what) {
    sendTo(node, room, new HealthReport(new NodeId("nobody"), 1, unreadable(what), false));
  }

  private static void sendTo(Node node, Room room, Message message) {
    Bus bus = node.cluster().bus();
    bus.send(new Station(bus.self(), room, 0), message);
  }

  private static <T> List<T> unreadable(Runnable what) {
    return new AbstractList<>() {
      @Override
      public T get(int index) {
        throw new NoSuchElementException();
      }

      @Override
      public Iterator<T> iterator() {
        what.run();
        return Collections.emptyIterator();
      }

      @Override
      public int size() {
        return 1;
      }
    };
  }

  private static NodeId id(Node node) {
    return node.cluster().bus().self();
  }

  // --- load ---

  private void load() {
    for (int i = 0; i < CLIENTS; i++) {
      Node node = nodes.get(i % nodes.size());
      threads.execute(
          () -> {
            while (!stop.get()) {
              ask(node);
            }
          });
    }
    moreAreServed();
  }

  private void ask(Node node) {
    try {
      HttpResponse<String> answer = http.send(chat(node), HttpResponse.BodyHandlers.ofString());
      long frames = answer.body().lines().filter(line -> line.contains("\"content\":")).count();
      if (answer.statusCode() == 200
          && answer.body().endsWith("data: [DONE]\n\n")
          && frames >= TOKENS) {
        whole.incrementAndGet();
      } else {
        broken.add(answer.statusCode() + " " + answer.body());
      }
    } catch (IOException e) {
      broken.add(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Some requests begin and end from here on. */
  private void moreAreServed() {
    int before = whole.get();
    until(() -> whole.get() > before + 3 * CLIENTS || !broken.isEmpty());
    assertThat(broken).isEmpty();
  }

  private void endAndCheck() throws Exception {
    stop.set(true);
    threads.shutdown();
    assertThat(threads.awaitTermination(180, TimeUnit.SECONDS)).isTrue();
    assertThat(broken).isEmpty();
    everySlotCanBeHadAndNoMore();
    until(() -> nodes.stream().mapToDouble(n -> metric(n, "penstock_grants{")).sum() == 0);
  }

  /** None was lost on the way, and none was made. */
  private void everySlotCanBeHadAndNoMore() {
    List<CompletableFuture<?>> asked = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      Node node = nodes.get(i % nodes.size());
      asked.add(http.sendAsync(chat(node, HOLDING_TOKENS), HttpResponse.BodyHandlers.discarding()));
    }
    for (int i = 0; i < REPLICAS; i++) {
      int replica = i;
      until(() -> await(engines.stats(replica)).inFlight() == MAX_CONCURRENT);
    }
    for (int i = 0; i < REPLICAS; i++) {
      assertThat(await(engines.stats(i)).peakInFlight())
          .as("most at a time on replica %s", i)
          .isEqualTo(MAX_CONCURRENT);
    }
    asked.forEach(each -> each.cancel(true)); // an engine may hear of the next one first
  }

  private static HttpRequest chat(Node node) {
    return chat(node, TOKENS);
  }

  private static HttpRequest chat(Node node, int tokens) {
    return HttpRequest.newBuilder(uri(node, "/v1/chat/completions"))
        .header("content-type", "application/json")
        .POST(
            HttpRequest.BodyPublishers.ofString(
                new JsonObject()
                    .put("model", MODEL)
                    .put("stream", true)
                    .put("max_tokens", tokens)
                    .put("ignore_eos", true)
                    .put(
                        "messages",
                        List.of(new JsonObject().put("role", "user").put("content", "Hello")))
                    .encode()))
        .build();
  }

  // --- nodes ---

  private double restarts(Node node, String role) {
    return metric(node, "penstock_verticle_restarts_total{role=\"" + role + "\"}");
  }

  /** The sum of the lines that begin so. */
  private double metric(Node node, String prefix) {
    return get(node, "/metrics")
        .lines()
        .filter(line -> line.startsWith(prefix))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private String get(Node node, String path) {
    try {
      return http.send(
              HttpRequest.newBuilder(uri(node, path)).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static URI uri(Node node, String path) {
    return URI.create("http://127.0.0.1:" + node.config().ingress().port() + path);
  }

  private List<Node> start(int count) throws IOException {
    List<Integer> ports = IntStream.range(0, 2 * count).mapToObj(i -> Ports.free()).toList();
    JsonArray members = new JsonArray();
    for (int i = 0; i < count; i++) {
      members.add("127.0.0.1:" + ports.get(i));
    }
    List<Future<Node>> starting = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      JsonObject its = new JsonObject().put("http", 0);
      JsonObject config =
          new JsonObject()
              .put(
                  "node",
                  new JsonObject().put("name", "n" + i).put("event_loops", 2).put("ports", its))
              .put("ingress", new JsonObject().put("drain_seconds", 0))
              .put("fleet", fleet());
      if (count > 1) {
        its.put("cluster", ports.get(i)).put("bus", ports.get(count + i));
        config.put(
            "cluster",
            new JsonObject()
                .put("name", "supervision-" + ports.get(0))
                .put("host", "127.0.0.1")
                .put(
                    "join",
                    new JsonObject().put("static", new JsonObject().put("members", members))));
      }
      starting.add(
          Node.start(
              load(config, i),
              new NodeSetup(
                  "test", LogFormat.JSON, OutputStream.nullOutputStream(), Clock.system())));
    }
    starting.forEach(each -> nodes.add(await(each)));
    until(() -> nodes.stream().allMatch(node -> node.readiness().ready()));
    return nodes;
  }

  private NodeConfig load(JsonObject config, int number) throws IOException {
    Path file = Files.writeString(folder.resolve("node-" + number + ".json"), config.encode());
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
  }

  private JsonObject fleet() {
    JsonArray replicas = new JsonArray();
    engines.urls().forEach(url -> replicas.add(new JsonObject().put("url", url)));
    return new JsonObject()
        .put(
            "pools",
            new JsonArray()
                .add(
                    new JsonObject()
                        .put("name", POOL.value())
                        .put("model_id", MODEL)
                        .put("engine", "vllm")
                        .put("max_concurrent", MAX_CONCURRENT)
                        .put("health", new JsonObject().put("signal_interval_ms", 10_000))
                        .put("replicas", replicas)));
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(180);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("within 180 s").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  private static <T> T await(Future<T> future) {
    try {
      return future.await(180, TimeUnit.SECONDS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError("not within 180 s", e);
    }
  }
}
