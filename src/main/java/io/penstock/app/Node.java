package io.penstock.app;

import io.penstock.admin.AdminConfig;
import io.penstock.admin.FleetHealth;
import io.penstock.admin.NodeControl;
import io.penstock.bus.ClusterException;
import io.penstock.bus.ClusterNode;
import io.penstock.bus.View;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Role;
import io.penstock.telemetry.AccessLog;
import io.penstock.telemetry.LoopWatch;
import io.penstock.telemetry.Metrics;
import io.penstock.telemetry.Names;
import io.penstock.telemetry.OpsHandler;
import io.penstock.telemetry.Readiness;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.transport.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running node: everything that its configuration asks for, started in the order in which the
 * parts need each other, and taken down in the order in which clients notice least. Methods may be
 * called from any thread.
 */
public final class Node {
  private static final int PORT_TRIES = 3;

  private static final Logger log = LoggerFactory.getLogger(Node.class);

  /** Messages that were on their way to this node when it gave a role up are still answered. */
  private static final Duration GRACE = Duration.ofMillis(500);

  /** How often Vert.x tells of a thread that is blocked, each time with its stack trace. */
  private static final Duration VERTX_CHECK = Duration.ofSeconds(10);

  private final ClusterNode cluster;
  private final Telemetry telemetry;
  private final Roles parts;
  private final NodeDrain drain;
  private final Reloads reloads;

  private Node(
      ClusterNode cluster, Telemetry telemetry, Roles parts, NodeDrain drain, Reloads reloads) {
    this.cluster = cluster;
    this.telemetry = telemetry;
    this.parts = parts;
    this.drain = drain;
    this.reloads = reloads;
  }

  /** The parts that no event loop owns. */
  record Telemetry(Metrics metrics, AccessLog accessLog, Readiness readiness, LoopWatch loops) {
    OpsHandler ops() {
      return new OpsHandler(metrics, readiness, loops);
    }

    void close() {
      loops.close();
      accessLog.close();
      metrics.close();
    }
  }

  /** What carries requests. */
  interface Drainable {
    /** Takes no new work; completes when the last of the old has ended. Idempotent. */
    Future<Void> drain();

    /** Takes new work again; what {@link #drain} has returned fails. */
    Future<Void> resume();

    /** How many requests it carries. */
    Future<Integer> live();
  }

  /**
   * Starts a node. Not to be called on an event loop: it opens ports and may ask the DNS.
   *
   * @return completes when the node has announced its roles and can be reached; fails with a {@link
   *     NodeException}, and then nothing is left running
   */
  public static Future<Node> start(NodeConfig config, NodeSetup setup) {
    return start(config, setup, PORT_TRIES);
  }

  /**
   * Any free port is one that was free a moment ago. Where another has taken it since, another one
   * is chosen.
   *
   * @param tries so many in all
   */
  private static Future<Node> start(NodeConfig config, NodeSetup setup, int tries) {
    Promise<Node> last = Promise.promise();
    startOnce(config, setup)
        .onSuccess(last::complete)
        .onFailure(
            e -> {
              if (tries > 1 && choosesPort(config) && isPortTaken(e)) {
                start(config, setup, tries - 1).onComplete(last);
              } else {
                last.fail(e);
              }
            });
    return last.future();
  }

  private static boolean choosesPort(NodeConfig config) {
    return config.ingress().port() == 0 || config.admin().filter(a -> a.port() == 0).isPresent();
  }

  private static boolean isPortTaken(Throwable failure) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      if (each instanceof IOException
          && String.valueOf(each.getMessage()).contains("Address already in use")) {
        return true;
      }
    }
    return false;
  }

  private static Future<Node> startOnce(NodeConfig config, NodeSetup setup) {
    try {
      SimulatedPools.mistake(config)
          .ifPresent(
              mistake -> {
                throw new NodeException(mistake);
              });
      int port = HttpPort.free(config.ingress().host(), config.ingress().port());
      Optional<AdminConfig> admin =
          config
              .admin()
              .map(
                  a ->
                      new AdminConfig(
                          a.host(), HttpPort.free("admin", a.host(), a.port()), a.key()));
      return start(
          config, Configs.withPorts(config, port, admin), setup, telemetry(config.roles(), setup));
    } catch (NodeException e) {
      return Future.failedFuture(e);
    }
  }

  private static Telemetry telemetry(Set<Role> roles, NodeSetup setup) {
    Metrics metrics = new Metrics(setup.version());
    Readiness readiness = new Readiness();
    ReadinessRules.starting(roles, readiness);
    metrics.registry().gauge(Names.READY, readiness, r -> r.state().ready() ? 1 : 0);
    return new Telemetry(
        metrics,
        new AccessLog(setup.accessFormat(), setup.accessOut(), metrics.registry()),
        readiness,
        new LoopWatch(setup.clock(), metrics.registry(), readiness));
  }

  /**
   * @param given as the file says
   * @param config with the ports that were taken
   */
  private static Future<Node> start(
      NodeConfig given, NodeConfig config, NodeSetup setup, Telemetry telemetry) {
    // No chain of futures: theirs belong to event loops, which are gone once the cluster is closed
    // after a failure, and would never tell.
    Promise<Node> started = Promise.promise();
    Consumer<Throwable> fail =
        e -> {
          telemetry.close();
          started.fail(inWords(e));
        };
    ClusterNode.start(
            builder(),
            options(config),
            config.cluster(),
            new ClusterNode.Identity(config.name(), config.zone(), config.fleet().hash()),
            setup.clock(),
            telemetry.metrics().registry())
        .onFailure(fail::accept)
        .onSuccess(
            cluster ->
                startRoles(given, config, setup, telemetry, cluster)
                    .onSuccess(started::complete)
                    .onFailure(e -> cluster.close().onComplete(closed -> fail.accept(e))));
    return started.future();
  }

  private static Future<Node> startRoles(
      NodeConfig given,
      NodeConfig config,
      NodeSetup setup,
      Telemetry telemetry,
      ClusterNode cluster) {
    Vertx vertx = cluster.vertx();
    Set<Role> roles = config.roles();
    SimulatedPools simulated = new SimulatedPools(vertx, config.zone());
    return simulated
        .list(config.fleet())
        .compose(
            fleet -> {
              NodeConfig listed = Configs.withFleet(config, fleet);
              Settings settings = Settings.of(vertx, listed);
              Roles parts =
                  new Roles(listed, settings, cluster, telemetry, setup.clock(), loops(config));
              Reloads reloads =
                  new Reloads(
                      cluster,
                      settings,
                      simulated,
                      setup.file(),
                      given,
                      listed,
                      telemetry.metrics().registry());
              return parts
                  .deploy()
                  .compose(
                      x -> {
                        NodeDrain drain =
                            new NodeDrain(
                                cluster, telemetry.readiness(), parts::held, parts.lanes());
                        Node node = new Node(cluster, telemetry, parts, drain, reloads);
                        return parts
                            .admin(node.new Control(), heard(telemetry, setup.clock()))
                            .compose(up -> cluster.announce(parts::held, parts.lanes().size()))
                            .map(node);
                      });
            })
        .onSuccess(
            node -> {
              telemetry.readiness().met(ReadinessRules.VERTICLES);
              cluster.directory().onChange(node::onView);
              log.info(
                  "node {} is up with {} on {} event loops ({})",
                  config.name(),
                  roles.stream().sorted().toList(),
                  loops(config),
                  vertx.isNativeTransportEnabled() ? "epoll" : "nio");
            });
  }

  private static FleetHealth.Listener heard(Telemetry telemetry, Clock clock) {
    long upSince = clock.millis();
    return fleet -> {
      boolean waited = ReadinessRules.isWaiting(telemetry.readiness());
      ReadinessRules.apply(fleet, clock.millis() - upSince, telemetry.readiness());
      boolean waits = ReadinessRules.isWaiting(telemetry.readiness());
      if (waited && !waits && !fleet.anyHealthy()) {
        log.warn(
            "no replica of any pool has become healthy within {} s; this node is ready all the"
                + " same, and refuses what it can not serve",
            ReadinessRules.PATIENCE_MILLIS / 1_000);
      }
      return waits;
    };
  }

  private void onView(View view) {
    ReadinessRules.apply(view, config().roles(), telemetry.readiness());
    ReadinessRules.missing(view, telemetry.readiness());
    ReadinessRules.compareFleets(view, cluster.bus().self(), telemetry.readiness());
  }

  /** The configuration that runs: with the port that was taken and simulated engines listed. */
  public NodeConfig config() {
    return reloads.running();
  }

  /**
   * Reads the node's file again and goes by it, unless there is a mistake in it; the log tells what
   * came of it.
   */
  public Future<NodeControl.Reload> reload() {
    return reloads.reload();
  }

  /** The cluster's nodes as this one sees them. */
  public View view() {
    return cluster.directory().view();
  }

  /** What it runs on, for those in this room. */
  ClusterNode cluster() {
    return cluster;
  }

  /** Whether it should be sent requests. */
  public Readiness.State readiness() {
    return telemetry.readiness().state();
  }

  /**
   * Leaves without a client noticing: not ready, no new work, what others can do is theirs, live
   * requests finish within {@code ingress.drain}, then the node leaves the cluster and everything
   * is closed.
   *
   * @return completes when nothing runs any more; true when every live request had ended by itself
   */
  public Future<Boolean> drain() {
    Duration within = config().ingress().drain();
    log.info("leaving within {} s", within.toSeconds());
    return drain
        .leave()
        .compose(handed -> finish(handed.isEmpty() ? Duration.ZERO : GRACE, within))
        .compose(finished -> close().map(finished));
  }

  /**
   * Completes when the node has lost its membership without having left: it should {@link #drain}
   * and end, since the others take it for dead.
   */
  public Future<Void> lost() {
    return cluster.lost();
  }

  /** Completes when all lanes are empty and the grace has passed, or the time for it is over. */
  private Future<Boolean> finish(Duration grace, Duration within) {
    Future<?> ended = drain.finished();
    Future<?> graced =
        grace.isZero()
            ? Future.succeededFuture()
            : cluster.vertx().timer(grace.toMillis(), TimeUnit.MILLISECONDS);
    return Future.all(ended, graced)
        .timeout(Math.max(1, within.toMillis()), TimeUnit.MILLISECONDS)
        .map(true)
        .recover(
            e -> {
              if (e instanceof TimeoutException) {
                log.warn(
                    "requests are still live after {} s of draining; they are cut off now",
                    within.toSeconds());
                return Future.succeededFuture(false);
              }
              return Future.failedFuture(e);
            });
  }

  /** Leaves the cluster and closes everything at once; live requests are cut off. */
  public Future<Void> close() {
    parts.stop();
    return cluster
        .close()
        .onComplete(
            closed -> {
              log.info("node {} has left", config().name());
              telemetry.close();
            });
  }

  /** What the admin API may have this node do. */
  private final class Control implements NodeControl {
    @Override
    public Future<Void> drain() {
      return drain.begin().mapEmpty();
    }

    @Override
    public Future<Void> resume() {
      return drain.end();
    }

    @Override
    public Future<Standing> standing() {
      return drain.standing();
    }

    @Override
    public Future<Reload> reload() {
      return reloads.reload();
    }
  }

  private static VertxBuilder builder() {
    VertxBuilder builder = Vertx.builder();
    Transport transport = Transport.nativeTransport();
    return transport != null && transport.available() ? builder.withTransport(transport) : builder;
  }

  private static VertxOptions options(NodeConfig config) {
    return new VertxOptions()
        .setEventLoopPoolSize(loops(config))
        // The loops have a watch of their own; this is for the threads that it does not see.
        .setMaxEventLoopExecuteTime(LoopWatch.DEAD.toSeconds())
        .setMaxEventLoopExecuteTimeUnit(TimeUnit.SECONDS)
        .setWarningExceptionTime(1)
        .setBlockedThreadCheckInterval(VERTX_CHECK.toMillis())
        .setFileSystemOptions(
            new FileSystemOptions()
                .setFileCachingEnabled(false)
                .setClassPathResolvingEnabled(false));
  }

  private static int loops(NodeConfig config) {
    return config.eventLoops() > 0
        ? config.eventLoops()
        : Runtime.getRuntime().availableProcessors();
  }

  private static NodeException inWords(Throwable e) {
    if (e instanceof NodeException node) {
      return node;
    }
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return e instanceof ClusterException
        ? new NodeException(message, e)
        : new NodeException("the node can not start: " + message, e);
  }
}
