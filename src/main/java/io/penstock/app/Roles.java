package io.penstock.app;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.adapter.discovery.Discovery;
import io.penstock.adapter.engine.HttpEngineProbes;
import io.penstock.adapter.guard.GuardMeters;
import io.penstock.adapter.judge.HttpQualityHook;
import io.penstock.adapter.jwks.HttpJwks;
import io.penstock.adapter.kvevents.ZmqCacheEvents;
import io.penstock.adapter.redis.RedisLimits;
import io.penstock.adapter.redis.RedisMarks;
import io.penstock.admin.AdminConfig;
import io.penstock.admin.AdminVerticle;
import io.penstock.admin.FleetHealth;
import io.penstock.admin.NodeControl;
import io.penstock.batcher.BatcherVerticle;
import io.penstock.batcher.Legacy;
import io.penstock.bus.Bus;
import io.penstock.bus.ClusterConfig;
import io.penstock.bus.ClusterNode;
import io.penstock.bus.Directory;
import io.penstock.bus.MarkForm;
import io.penstock.bus.MarkStore;
import io.penstock.bus.Setting;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Role;
import io.penstock.ingress.IngressVerticle;
import io.penstock.message.Mark;
import io.penstock.prefix.PrefixVerticle;
import io.penstock.prober.EngineProbes;
import io.penstock.prober.ProberVerticle;
import io.penstock.router.RouterVerticle;
import io.penstock.telemetry.EventLoopLag;
import io.penstock.telemetry.RequestMeters;
import io.penstock.tenancy.LimitsVerticle;
import io.penstock.tenancy.TenancyVerticle;
import io.penstock.time.Clock;
import io.vertx.core.Deployable;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The verticles of one node, deployed so that what a request needs is there before the request, and
 * kept running by a {@link Supervisor}.
 */
final class Roles implements Supervisor.Posts {
  private static final Logger log = LoggerFactory.getLogger(Roles.class);

  /** Only this node's own loops answer, at once; the bound is for a loop that hangs. */
  private static final Duration CENSUS_ALONE = Duration.ofSeconds(5);

  private final NodeConfig config;
  private final Settings settings;
  private final ClusterNode cluster;
  private final Node.Telemetry telemetry;
  private final Clock clock;
  private final int loops;
  private final List<Node.Drainable> lanes = new ArrayList<>();
  private final Supervisor supervisor;
  private final GuardMeters guards; // of what each event loop asks for itself
  private final TenancyVerticle tenancy;
  private final PrefixVerticle prefixes;

  Roles(
      NodeConfig config,
      Settings settings,
      ClusterNode cluster,
      Node.Telemetry telemetry,
      Clock clock,
      int loops) {
    this.config = config;
    this.settings = settings;
    this.cluster = cluster;
    this.telemetry = telemetry;
    this.clock = clock;
    this.loops = loops;
    this.guards = new GuardMeters(telemetry.metrics().registry());
    this.supervisor = new Supervisor(cluster.vertx(), clock, telemetry.metrics().registry(), this);
    this.tenancy =
        new TenancyVerticle(
            cluster.vertx(),
            cluster.bus(),
            cluster.directory(),
            settings.tenants(),
            config.region(),
            new HttpJwks(cluster.vertx(), telemetry.metrics().registry()),
            store(
                config.tenants().keyFile(),
                config.tenants().keyRedisUrl(),
                TenancyVerticle.FORM,
                cluster.vertx(),
                telemetry.metrics().registry()),
            config.tenants().redisUrl().map(url -> vertx -> new RedisLimits(vertx, url, guards)),
            clock,
            telemetry.metrics().registry(),
            why -> ReadinessRules.keysUnwritten(why, telemetry.readiness()));
    this.prefixes =
        new PrefixVerticle(
            cluster.vertx(),
            cluster.bus(),
            cluster.directory(),
            store(
                config.prefixes().file(),
                config.prefixes().redisUrl(),
                PrefixVerticle.FORM,
                cluster.vertx(),
                telemetry.metrics().registry()),
            clock,
            telemetry.metrics().registry(),
            why -> ReadinessRules.prefixesUnwritten(why, telemetry.readiness()));
    telemetry.loops().onChange(supervisor);
  }

  private static <M extends Mark> Optional<MarkStore<M>> store(
      Optional<Path> file,
      Optional<String> redis,
      MarkForm<M> form,
      Vertx vertx,
      MeterRegistry meters) {
    if (redis.isPresent()) {
      return Optional.of(new RedisMarks<>(vertx, redis.get(), form, meters));
    }
    return file.map(path -> MarkStore.file(vertx, path, form));
  }

  /** Completes when all verticles are up. */
  Future<?> deploy() {
    Future<?> deployed =
        onEachLoop(loop -> new EventLoopLag(registry(), clock, telemetry.loops(), loop));
    deployed = deployed.compose(before -> tenancy.load()).compose(loaded -> one(() -> tenancy));
    deployed = deployed.compose(before -> prefixes.load()).compose(loaded -> one(() -> prefixes));
    for (Role role : List.of(Role.HEALTH_PROBER, Role.BATCHER, Role.ROUTER, Role.INGRESS)) {
      if (config.roles().contains(role)) {
        deployed = deployed.compose(before -> deploy(role));
      }
    }
    return config.roles().contains(Role.INGRESS)
        ? deployed
        : deployed.compose(before -> one(() -> new OpsVerticle(config.ingress(), telemetry.ops())));
  }

  /** Completes when the node can be asked by the admin API, and serves one if it is to. */
  Future<?> admin(NodeControl control, FleetHealth.Listener listener) {
    Optional<Setting<AdminConfig>> admin = settings.admin().map(live -> live);
    return supervisor.keep(
        "admin",
        nth ->
            new AdminVerticle(
                bus(),
                directory(),
                cluster.drains(),
                tenancy,
                prefixes,
                settings.fleet(),
                admin,
                control,
                listener,
                clock));
  }

  /** What carries requests; empty without the role {@code ingress}. */
  List<Node.Drainable> lanes() {
    return List.copyOf(lanes);
  }

  /** The roles that this node can do now: all of them, but for those whose verticles are down. */
  Set<Role> held() {
    Set<Role> held = EnumSet.noneOf(Role.class);
    held.addAll(config.roles());
    held.removeAll(supervisor.vacant());
    return Set.copyOf(held);
  }

  /** Nothing is started afresh from now on. */
  void stop() {
    supervisor.stop();
  }

  @Override
  public void vacant(String name, Optional<Role> role, String why) {
    telemetry.readiness().alarm(name, why);
    role.ifPresent(
        each -> {
          log.warn("the role {} is given up: others may take it", each);
          cluster.withdraw(Set.of(each));
        });
  }

  @Override
  public void filled(String name, Optional<Role> role) {
    telemetry.readiness().alarm(name, "");
    role.ifPresent(
        each -> {
          log.info("the role {} is taken up again", each);
          cluster.take(each);
        });
  }

  private Future<?> deploy(Role role) {
    return switch (role) {
      case HEALTH_PROBER -> prober();
      case BATCHER -> batcher();
      case ROUTER -> router();
      case INGRESS -> ingress();
    };
  }

  private Future<?> prober() {
    EngineProbes probes = new HttpEngineProbes(cluster.vertx());
    return supervisor.keep(
        Role.HEALTH_PROBER,
        nth ->
            new ProberVerticle(
                bus(),
                directory(),
                settings.fleet(),
                probes,
                new ZmqCacheEvents(cluster.vertx(), clock),
                new Discovery(cluster.vertx(), registry()),
                clock,
                registry(),
                nth > 0));
  }

  private Future<?> batcher() {
    Duration census = config.cluster().map(ClusterConfig::census).orElse(CENSUS_ALONE);
    Legacy legacy = new Legacy();
    return supervisor.keep(
        Role.BATCHER,
        nth ->
            new BatcherVerticle(
                bus(),
                directory(),
                cluster.drains(),
                settings.fleet(),
                census,
                clock,
                registry(),
                legacy),
        cluster::besideTheBus);
  }

  private Future<?> router() {
    return supervisor.keep(
        Role.ROUTER, nth -> new RouterVerticle(bus(), cluster.drains(), settings.fleet()));
  }

  private Future<?> ingress() {
    RequestMeters meters = new RequestMeters(registry(), settings.fleet().now());
    return supervisor
        .keep("limits", nth -> new LimitsVerticle(bus(), directory(), clock))
        .compose(kept -> ingress(meters));
  }

  private Future<?> ingress(RequestMeters meters) {
    return onEachLoop(
        lane -> {
          IngressVerticle verticle =
              new IngressVerticle(
                  config.name(),
                  bus(),
                  directory(),
                  tenancy,
                  prefixes,
                  vertx -> new HttpQualityHook(vertx, guards),
                  settings.ingress(),
                  settings.fleet(),
                  lane,
                  loops,
                  clock,
                  meters,
                  telemetry.accessLog(),
                  telemetry.ops());
          lanes.add(new Lane(verticle));
          return supervisor.watched(Role.INGRESS, verticle);
        });
  }

  private record Lane(IngressVerticle verticle) implements Node.Drainable {
    @Override
    public Future<Void> drain() {
      return verticle.drain();
    }

    @Override
    public Future<Void> resume() {
      return verticle.resume();
    }

    @Override
    public Future<Integer> live() {
      return verticle.liveRequests();
    }
  }

  private Bus bus() {
    return cluster.bus();
  }

  private Directory directory() {
    return cluster.directory();
  }

  private MeterRegistry registry() {
    return telemetry.metrics().registry();
  }

  private Future<?> one(Supplier<Deployable> verticle) {
    return cluster.vertx().deployVerticle(verticle, new DeploymentOptions());
  }

  /** As many instances as event loops; Vert.x hands the loops out in turn, so each gets one. */
  private Future<?> onEachLoop(IntFunction<Deployable> verticle) {
    AtomicInteger ordinal = new AtomicInteger();
    return cluster
        .vertx()
        .deployVerticle(
            () -> verticle.apply(ordinal.getAndIncrement()),
            new DeploymentOptions().setInstances(loops));
  }
}
