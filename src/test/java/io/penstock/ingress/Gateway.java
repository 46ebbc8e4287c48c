package io.penstock.ingress;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.adapter.judge.HttpQualityHook;
import io.penstock.batcher.BatcherVerticle;
import io.penstock.batcher.Legacy;
import io.penstock.bus.ClusterNode;
import io.penstock.fake.FakeSetting;
import io.penstock.fake.Pools;
import io.penstock.fake.Ports;
import io.penstock.inference.BatchPolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.EngineKind;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ResumeMode;
import io.penstock.inference.Role;
import io.penstock.prefix.Prefixes;
import io.penstock.router.RouterVerticle;
import io.penstock.telemetry.AccessLog;
import io.penstock.telemetry.LogFormat;
import io.penstock.telemetry.LoopWatch;
import io.penstock.telemetry.Metrics;
import io.penstock.telemetry.OpsHandler;
import io.penstock.telemetry.Readiness;
import io.penstock.telemetry.RequestMeters;
import io.penstock.tenancy.Doors;
import io.penstock.tiers.QualityHook;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** A node of ingress, router and batcher in this JVM, in front of one replica or several. */
final class Gateway implements AutoCloseable {
  static final int MAX_BODY_BYTES = 1 << 20;

  final int port = Ports.free();
  final Metrics metrics = new Metrics("test");
  private final Readiness readiness = new Readiness();
  private final LoopWatch loops = new LoopWatch(Clock.system(), metrics.registry(), readiness);
  final ByteArrayOutputStream accessLines = new ByteArrayOutputStream();
  final ClusterNode node;
  final IngressVerticle ingress;
  final FakeSetting<IngressConfig> config;
  final FakeSetting<Fleet> fleetOfIngress;
  final FakeSetting<Fleet> fleetOfRouter;
  final FakeSetting<Fleet> fleetOfOwner;
  private final AccessLog log;

  /** What tests differ in. */
  static final class Setup {
    int maxConcurrent = 100;
    EngineKind engine = EngineKind.VLLM;
    QueueLimits queue = QueueLimits.DEFAULT;
    IngressConfig.Deadlines deadlines =
        new IngressConfig.Deadlines(
            Duration.ofSeconds(2),
            Duration.ofSeconds(20),
            Duration.ofSeconds(20),
            Duration.ofSeconds(60));
    Duration pingAfter = Duration.ofSeconds(10);
    Optional<IngressConfig.Cors> cors = Optional.empty();
    Optional<IngressConfig.Tls> tls = Optional.empty();
    Set<Capability> capabilities = Set.of();
    String ingressPool = "rivers";

    int contextTokens = 8_192;

    /** Replicas of a second pool of the same model; none for no such pool. */
    List<String> secondPool = List.of();

    IngressConfig.Retries retries = IngressConfig.Retries.DEFAULT;
    ResumeMode resume = ResumeMode.AUTO;
    Doors doors = Doors.unlocked();
    Prefixes prefixes = Prefixes.none();
    String engineModel = "engine/river-8b";
    BatchPolicy batching = BatchPolicy.DEFAULT;

    /** Judges outside. */
    Function<Vertx, QualityHook> hooks = HttpQualityHook.onEachLoop(new SimpleMeterRegistry());

    /** Another fleet than that of the pool "rivers". */
    Optional<Fleet> fleet = Optional.empty();
  }

  Gateway(String engineUrl, Setup setup) {
    this(List.of(engineUrl), setup);
  }

  Gateway(List<String> engineUrls, Setup setup) {
    Clock clock = Clock.system();
    Fleet fleet = fleet("rivers", engineUrls, setup);
    config = new FakeSetting<>(config(setup));
    fleetOfIngress = new FakeSetting<>(fleet(setup.ingressPool, engineUrls, setup));
    fleetOfRouter = new FakeSetting<>(fleet);
    fleetOfOwner = new FakeSetting<>(fleet);
    node =
        ClusterNode.start(
                Vertx.builder(),
                new VertxOptions().setEventLoopPoolSize(2),
                Optional.empty(),
                new ClusterNode.Identity("test", "", "hash"),
                clock,
                metrics.registry())
            .await();
    log = new AccessLog(LogFormat.JSON, accessLines, metrics.registry());
    ingress =
        new IngressVerticle(
            "test",
            node.bus(),
            node.directory(),
            setup.doors,
            setup.prefixes,
            setup.hooks,
            config,
            fleetOfIngress,
            0,
            1,
            clock,
            new RequestMeters(metrics.registry(), fleet),
            log,
            new OpsHandler(metrics, readiness, loops));
    Vertx vertx = node.vertx();
    vertx.deployVerticle(new RouterVerticle(node.bus(), node.drains(), fleetOfRouter)).await();
    vertx
        .deployVerticle(
            new BatcherVerticle(
                node.bus(),
                node.directory(),
                node.drains(),
                fleetOfOwner,
                Duration.ofMillis(200),
                clock,
                metrics.registry(),
                new Legacy()))
        .await();
    vertx.deployVerticle(ingress).await();
    node.announce(Set.of(Role.INGRESS, Role.ROUTER, Role.BATCHER), 1).await();
  }

  /** What the ingress is told by its file. */
  IngressConfig config(Setup setup) {
    return new IngressConfig(
        "127.0.0.1",
        port,
        MAX_BODY_BYTES,
        setup.deadlines,
        setup.retries,
        setup.pingAfter,
        Duration.ofSeconds(5),
        setup.tls,
        setup.cors);
  }

  static Fleet fleet(String name, List<String> engineUrls, Setup setup) {
    if (setup.fleet.isPresent()) {
      return setup.fleet.get();
    }
    List<Pool> pools = new ArrayList<>();
    pools.add(pool(name, "rivers", engineUrls, setup));
    if (!setup.secondPool.isEmpty()) {
      pools.add(pool("lakes", "lakes", setup.secondPool, setup));
    }
    return new Fleet(pools, true, Optional.empty(), "hash");
  }

  private static Pool pool(String name, String prefix, List<String> urls, Setup setup) {
    List<ReplicaSpec> replicas = new ArrayList<>();
    for (String url : urls) {
      replicas.add(
          new ReplicaSpec(
              new ReplicaId(prefix + "-" + replicas.size()),
              url,
              1,
              setup.maxConcurrent,
              Set.of(),
              ""));
    }
    return Pools.of(name, "river-8b")
        .aliases(List.of(new ModelName("river")))
        .engine(setup.engine)
        .engineModel(setup.engineModel)
        .engineApiKey(Optional.of("engine-key"))
        .replicas(replicas)
        .maxConcurrent(setup.maxConcurrent)
        .capabilities(setup.capabilities)
        .contextTokens(setup.contextTokens)
        .queue(setup.queue)
        .resume(setup.resume)
        .batching(setup.batching)
        .make();
  }

  /** The sum of a metric over the series whose labels contain a text. */
  double metric(String name, String labels) {
    return metrics
        .scrape("")
        .body()
        .toString()
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .filter(line -> line.contains(labels))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** The access lines so far. */
  String accessLog() {
    return accessLines.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    node.close().await();
    log.close();
    loops.close();
    metrics.close();
  }
}
