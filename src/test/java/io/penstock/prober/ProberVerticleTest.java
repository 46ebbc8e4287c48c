package io.penstock.prober;

import static io.penstock.inference.ReplicaState.HEALTHY;
import static io.penstock.inference.ReplicaState.REMOVED;
import static io.penstock.inference.ReplicaState.UNHEALTHY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.adapter.discovery.Discovery;
import io.penstock.adapter.engine.HttpEngineProbes;
import io.penstock.adapter.kvevents.ZmqCacheEvents;
import io.penstock.bus.View;
import io.penstock.fake.FakeBus;
import io.penstock.fake.FakeDirectory;
import io.penstock.fake.FakeSetting;
import io.penstock.inference.EngineKind;
import io.penstock.inference.Fleet;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.Role;
import io.penstock.message.AskHealth;
import io.penstock.message.Doubt;
import io.penstock.message.HealthReport;
import io.penstock.message.Message;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Whole probers with their real adapters, over real engines on real sockets and a fake bus. */
@Timeout(300)
class ProberVerticleTest {
  private static final NodeId A = new NodeId("a");
  private static final NodeId B = new NodeId("b");
  private static final HealthPolicy QUICK =
      new HealthPolicy(
          Duration.ofMillis(50),
          Duration.ofSeconds(20), // engines fail by what they say, not by how fast
          2,
          Duration.ofMillis(20),
          Duration.ofMillis(50));

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
  private final FakeBus bus = new FakeBus(new NodeId("test"));
  private final FakeDirectory directory = new FakeDirectory(FakeDirectory.of());
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final Map<Integer, Integer> statusOfPort = new ConcurrentHashMap<>();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  /** Of the prober that was started last. */
  private FakeSetting<Fleet> fleet = new FakeSetting<>(fleet());

  @TempDir Path folder;

  @BeforeEach
  void listen() {
    log.start();
    ((Logger) LoggerFactory.getLogger(ProberVerticle.class)).addAppender(log);
  }

  @AfterEach
  void close() {
    ((Logger) LoggerFactory.getLogger(ProberVerticle.class)).detachAppender(log);
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) {
    try {
      return future.await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("not within 60 s", e);
    }
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("within 60 s").isLessThan(deadline);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }

  /** An engine that answers with {@link #statusOfPort}; the port. */
  private int engine() {
    int port =
        await(
                vertx
                    .createHttpServer()
                    .requestHandler(
                        request -> {
                          int status =
                              statusOfPort.getOrDefault(request.localAddress().port(), 200);
                          String body =
                              request.path().equals("/metrics")
                                  ? "vllm:num_requests_waiting 4\nvllm:num_requests_running 2\n"
                                  : "";
                          request.response().setStatusCode(status).end(body);
                        })
                    .listen(0, "127.0.0.1"))
            .actualPort();
    statusOfPort.put(port, 200);
    return port;
  }

  @Test
  void aDoubtTakesADeadEngineOutLongBeforeItsNextCheck() {
    int port = engine();
    HealthPolicy slow =
        new HealthPolicy(
            Duration.ofMinutes(10),
            Duration.ofSeconds(5),
            3,
            Duration.ofMinutes(10),
            Duration.ofSeconds(1));
    prober(A, listed(Map.of("r", port)), slow);
    probers(A);
    until(() -> isTold(A, "r", HEALTHY));
    statusOfPort.put(port, 500);
    bus.publish(
        Room.PROBER, new Doubt(new PoolName("chat"), new ReplicaId("r"), "requests were reset"));
    until(() -> isTold(A, "r", UNHEALTHY));
    statusOfPort.put(port, 200);
    until(() -> isTold(A, "r", HEALTHY));
  }

  @Test
  void tellsWhoAsksAtOnce() {
    HealthPolicy rare =
        new HealthPolicy(
            Duration.ofMinutes(10),
            Duration.ofSeconds(5),
            3,
            Duration.ofMinutes(10),
            Duration.ofMinutes(10));
    prober(A, listed(Map.of("r", engine())), rare);
    probers(A);
    until(() -> isTold(A, "r", HEALTHY));
    long before = reports(Room.ROUTER).get(reports(Room.ROUTER).size() - 1).sequence();
    bus.publish(Room.PROBER, new AskHealth(B));
    until(() -> reports(Room.ROUTER).get(reports(Room.ROUTER).size() - 1).sequence() > before);
    assertThat(isTold(A, "r", HEALTHY)).isTrue();
  }

  private static ReplicaSource listed(Map<String, Integer> ports) {
    return new ReplicaSource.Listed(
        ports.entrySet().stream()
            .map(e -> Fleets.replica(e.getKey(), "http://127.0.0.1:" + e.getValue()))
            .toList());
  }

  private static Fleet fleet(Pool... pools) {
    return new Fleet(List.of(pools), false, Optional.empty(), "hash");
  }

  private String prober(NodeId self, ReplicaSource source) {
    return prober(self, source, QUICK);
  }

  private String prober(NodeId self, ReplicaSource source, HealthPolicy health) {
    fleet = new FakeSetting<>(fleet(Fleets.pool("chat", EngineKind.VLLM, source, health)));
    return await(
        vertx.deployVerticle(
            new ProberVerticle(
                bus.peer(self),
                directory,
                fleet,
                new HttpEngineProbes(vertx),
                new ZmqCacheEvents(vertx, Clock.system()),
                new Discovery(vertx, registry),
                Clock.system(),
                registry,
                false)));
  }

  /** From now on these nodes, and no others, probe. */
  private void probers(NodeId... probers) {
    directory.change(
        FakeDirectory.of(
            Arrays.stream(probers)
                .map(id -> FakeDirectory.node(id.value(), Role.HEALTH_PROBER))
                .toArray(View.Node[]::new)));
  }

  private List<HealthReport> reports(Room room) {
    return bus.published(room).stream().map(HealthReport.class::cast).toList();
  }

  /** Of what the last report speaks. */
  private Map<String, ReplicaStatus> told(NodeId by) {
    Map<String, ReplicaStatus> told = new HashMap<>();
    List<HealthReport> reports = reports(Room.BATCHER);
    for (int i = reports.size() - 1; i >= 0; i--) {
      if (reports.get(i).prober().equals(by)) {
        reports.get(i).replicas().forEach(r -> told.put(r.spec().id().value(), r));
        break;
      }
    }
    return told;
  }

  /** What was said of it last. */
  private ReplicaStatus status(NodeId by, String replica) {
    return last(by, replica).orElseThrow();
  }

  private Optional<ReplicaStatus> last(NodeId by, String replica) {
    return reports(Room.BATCHER).stream()
        .filter(report -> report.prober().equals(by))
        .flatMap(report -> report.replicas().stream())
        .filter(each -> each.spec().id().value().equals(replica))
        .reduce((before, after) -> after);
  }

  private boolean isTold(NodeId by, String replica, ReplicaState state) {
    return last(by, replica).filter(each -> each.state() == state).isPresent();
  }

  @Test
  void followsTheFleetAndItsLists() throws Exception {
    int first = engine();
    int second = engine();
    prober(A, listed(Map.of("r", first)));
    probers(A);
    until(() -> isTold(A, "r", HEALTHY));
    Path file = folder.resolve("s.json");
    Files.writeString(
        file, "[{\"url\": \"http://127.0.0.1:%d\", \"id\": \"s\"}]".formatted(second));

    Pool chat = fleet.now().pools().get(0);
    Pool more = Fleets.pool("more", EngineKind.VLLM, new ReplicaSource.Watched(file), QUICK);
    fleet.become(fleet(chat, more)).get(60, TimeUnit.SECONDS);
    until(() -> isTold(A, "s", HEALTHY));
    assertThat(isTold(A, "r", HEALTHY)).isTrue();

    fleet.become(fleet(more)).get(60, TimeUnit.SECONDS);
    until(() -> isTold(A, "r", ReplicaState.REMOVED));
    assertThat(gauge(Names.REPLICA_HEALTHY, "r")).isEmpty();
    assertThat(gauge(Names.REPLICA_HEALTHY, "s")).contains(1.0);

    fleet
        .become(fleet(Fleets.pool("more", EngineKind.SGLANG, more.replicas(), QUICK)))
        .get(60, TimeUnit.SECONDS);
    until(() -> reports(Room.BATCHER).size() > 0 && isTold(A, "s", HEALTHY));
    assertThat(gauge(Names.REPLICA_HEALTHY, "s")).as("the same meters").contains(1.0);

    fleet.become(fleet()).get(60, TimeUnit.SECONDS);
    until(() -> isTold(A, "s", ReplicaState.REMOVED));
    Files.writeString(file, "[{\"url\": \"http://127.0.0.1:%d\", \"id\": \"t\"}]".formatted(first));
    int before = reports(Room.BATCHER).size();
    until(() -> reports(Room.BATCHER).size() > before + 3); // one a second, as the file's looks
    assertThat(told(A)).doesNotContainKey("t");
  }

  private Optional<Double> gauge(String name, String replica) {
    return Optional.ofNullable(registry.find(name).tag("replica", replica).gauge())
        .map(Gauge::value);
  }

  @Test
  void tellsWhetherAnEngineCanGoOnWithAMessage() {
    SimConfig one = SimConfig.instant();
    EngineSimulator can = await(EngineSimulator.start(vertx, one));
    EngineSimulator canNot =
        await(EngineSimulator.start(vertx, one.withContinuation(SimConfig.Continuation.REFUSED)));
    prober(
        A,
        listed(
            Map.of("can", can.ports().get(0), "not", canNot.ports().get(0), "untold", engine())));
    probers(A);
    until(() -> isTold(A, "can", HEALTHY) && status(A, "can").continuesMessages().isPresent());
    until(() -> isTold(A, "not", HEALTHY) && status(A, "not").continuesMessages().isPresent());
    assertThat(status(A, "can").continuesMessages()).contains(true);
    assertThat(status(A, "not").continuesMessages()).contains(false);
    until(() -> isTold(A, "untold", HEALTHY) && status(A, "untold").checks() > 3);
    assertThat(status(A, "untold").continuesMessages()).isEmpty();
  }

  @Test
  void tellsEverybodyThatAnEngineIsHealthy() {
    ReplicaSource source = listed(Map.of("r", engine()));
    prober(A, source);
    probers(A);
    until(() -> isTold(A, "r", HEALTHY));
    List<Message> all = bus.published(Room.BATCHER);
    until(
        () ->
            bus.published(Room.ROUTER).containsAll(all)
                && bus.published(Room.PROBER).containsAll(all));
  }

  @Test
  void tellsTheSignalsWithTheirAge() {
    prober(A, listed(Map.of("r", engine())));
    probers(A);
    until(() -> isTold(A, "r", HEALTHY) && status(A, "r").signals().isPresent());
    assertThat(status(A, "r").signals().orElseThrow().waiting()).isEqualTo(4);
    assertThat(status(A, "r").signals().orElseThrow().ageMillis()).isGreaterThanOrEqualTo(0);
    until(() -> gauge(Names.REPLICA_WAITING, "r").equals(Optional.of(4.0)));
    assertThat(gauge(Names.REPLICA_RUNNING, "r")).hasValue(2.0);
  }

  @Test
  void reportsEveryIntervalWithGrowingNumbers() {
    prober(A, listed(Map.of("r", engine())));
    probers(A);
    until(() -> reports(Room.BATCHER).size() >= 6);
    List<Long> numbers = reports(Room.BATCHER).stream().map(HealthReport::sequence).toList();
    assertThat(numbers).startsWith(1L, 2L, 3L, 4L, 5L, 6L);
  }

  @Test
  void seesAnEngineFallAndComeBackAndLogsEachChangeOnceWithItsReason() {
    int port = engine();
    prober(A, listed(Map.of("r", port)));
    probers(A);
    until(() -> isTold(A, "r", HEALTHY));
    until(() -> gauge(Names.REPLICA_HEALTHY, "r").equals(Optional.of(1.0)));
    statusOfPort.put(port, 503);
    until(() -> isTold(A, "r", UNHEALTHY));
    assertThat(status(A, "r").lastError()).isEqualTo("503 Service Unavailable");
    assertThat(gauge(Names.REPLICA_HEALTHY, "r")).hasValue(0.0);
    statusOfPort.put(port, 200);
    until(() -> isTold(A, "r", HEALTHY));
    assertThat(log.list.stream().map(ILoggingEvent::getFormattedMessage))
        .filteredOn(line -> line.contains("->"))
        .containsExactly(
            "replica r of pool chat: starting -> healthy: first check that succeeded",
            "replica r of pool chat: healthy -> unhealthy: 2 checks in a row failed,"
                + " the last one: 503 Service Unavailable",
            "replica r of pool chat: unhealthy -> healthy: check succeeded");
    assertThat(registry.counter(Names.REPLICA_CHANGES, "pool", "chat", "to", "healthy").count())
        .isEqualTo(2);
    assertThat(
            registry
                .counter(Names.PROBES, "pool", "chat", "kind", "check", "outcome", "failed")
                .count())
        .isGreaterThanOrEqualTo(2);
  }

  private void write(Path file, int... ports) throws IOException {
    String text =
        Arrays.stream(ports)
            .mapToObj(p -> "{\"id\":\"r" + p + "\",\"url\":\"http://127.0.0.1:" + p + "\"}")
            .collect(Collectors.joining(",", "[", "]"));
    Path draft = folder.resolve("draft");
    Files.writeString(draft, text);
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void followsAListThatGrowsAndShrinksAndTakesItsMetersAway() throws IOException {
    int first = engine();
    int second = engine();
    Path file = folder.resolve("replicas.json");
    write(file, first);
    prober(A, new ReplicaSource.Watched(file));
    probers(A);
    until(() -> isTold(A, "r" + first, HEALTHY));
    write(file, first, second);
    until(() -> isTold(A, "r" + second, HEALTHY));
    assertThat(gauge(Names.REPLICA_HEALTHY, "r" + first)).isPresent();
    write(file, second);
    until(() -> isTold(A, "r" + first, REMOVED));
    assertThat(isTold(A, "r" + second, HEALTHY)).isTrue();
    for (String name :
        List.of(
            Names.REPLICA_HEALTHY,
            Names.REPLICA_WAITING,
            Names.REPLICA_RUNNING,
            Names.REPLICA_KV_CACHE_USAGE)) {
      assertThat(gauge(name, "r" + first)).isEmpty();
      assertThat(gauge(name, "r" + second)).isPresent();
    }
  }

  @Test
  void twoProbersShareTheReplicasAndTheSurvivorTakesAllWithoutAGap() {
    Map<String, Integer> ports = new HashMap<>();
    int port = engine();
    for (int i = 0; i < 12; i++) {
      ports.put("r" + i, port);
    }
    prober(A, listed(ports));
    String second = prober(B, listed(ports));
    probers(A);
    until(
        () -> told(A).size() == 12 && ports.keySet().stream().allMatch(r -> isTold(A, r, HEALTHY)));
    probers(A, B);
    until(
        () ->
            told(A).size() + told(B).size() == 12
                && !told(B).isEmpty()
                && told(B).keySet().stream().noneMatch(told(A)::containsKey));
    assertThat(told(A)).isNotEmpty();
    await(vertx.undeploy(second));
    probers(A);
    until(() -> told(A).size() == 12);
    assertThat(
            reports(Room.BATCHER).stream()
                .filter(r -> r.prober().equals(B))
                .flatMap(r -> r.replicas().stream())
                .map(ReplicaStatus::state))
        .containsOnly(HEALTHY);
  }

  @Test
  void survivesAnEngineThatIsNotThere() {
    Map<String, Integer> ports = new HashMap<>();
    ports.put("gone", 1);
    ports.put("here", engine());
    prober(A, listed(ports));
    probers(A);
    until(() -> isTold(A, "here", HEALTHY));
    until(
        () ->
            isTold(A, "gone", ReplicaState.STARTING)
                && status(A, "gone").lastError().equals("connection refused"));
  }

  @Test
  void leavesNothingBehind() {
    String id = prober(A, listed(Map.of("r", engine())));
    probers(A);
    until(() -> isTold(A, "r", HEALTHY));
    await(vertx.undeploy(id));
    int told = bus.published(Room.BATCHER).size();
    probers(A);
    await(vertx.timer(200, TimeUnit.MILLISECONDS));
    assertThat(bus.published(Room.BATCHER)).hasSize(told);
    assertThat(bus.consumers(Room.PROBER)).isZero();
    assertThat(gauge(Names.REPLICA_HEALTHY, "r")).isEmpty();
  }

  @Test
  void doesNotStartOnASourceThatCanNotBeFollowed() {
    assertThatThrownBy(() -> prober(A, new ReplicaSource.Simulated(1, "h100-8b")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("replicas of pool chat");
  }
}
