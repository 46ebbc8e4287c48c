package io.penstock.sim;

import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Simulated engines behind real sockets, several in one process.
 *
 * <p>Each speaks OpenAI's API on a port of its own, and besides {@code GET /sim/stats} and {@code
 * /sim/faults} (GET what is armed, POST {@code {"kind":"reset","after":5,"rate":0.1,"count":3}} or
 * {@code {"clear":true}}, DELETE). Each is a verticle; the methods here may be called from any
 * thread.
 */
public final class EngineSimulator {
  private static final Logger LOG = LoggerFactory.getLogger(EngineSimulator.class);

  private final Vertx vertx;
  private final SimConfig config;
  private final List<Replica> replicas;
  private final List<Integer> ports;

  private EngineSimulator(Vertx vertx, SimConfig config, List<Replica> replicas) {
    this.vertx = vertx;
    this.config = config;
    this.replicas = List.copyOf(replicas);
    this.ports = replicas.stream().map(Replica::port).toList();
  }

  /** Opens all ports; fails, with none left open, when one can't be had. */
  public static Future<EngineSimulator> start(Vertx vertx, SimConfig config) {
    return start(vertx, config, Clock.system());
  }

  /**
   * Opens all ports of engines that come to others with an equal configuration.
   *
   * @param firstNumber how many there are; engines of different numbers differ in their ids
   */
  public static Future<EngineSimulator> start(Vertx vertx, SimConfig config, int firstNumber) {
    return start(vertx, config, Clock.system(), firstNumber);
  }

  static Future<EngineSimulator> start(Vertx vertx, SimConfig config, Clock clock) {
    return start(vertx, config, clock, 0);
  }

  private static Future<EngineSimulator> start(
      Vertx vertx, SimConfig config, Clock clock, int firstNumber) {
    List<Replica> replicas = new ArrayList<>();
    List<Future<String>> deployments = new ArrayList<>();
    for (int i = 0; i < config.replicas(); i++) {
      Replica replica = new Replica(config, firstNumber + i, clock);
      replicas.add(replica);
      int port = replica.port();
      deployments.add(
          vertx
              .deployVerticle(replica)
              .recover(e -> Future.failedFuture(cannotListen(config.host(), port, e))));
    }
    return Future.join(deployments)
        .map(all -> new EngineSimulator(vertx, config, replicas))
        .onSuccess(
            started ->
                LOG.info(
                    "{} simulated {} of {} on {}",
                    config.replicas(),
                    config.replicas() == 1 ? "replica" : "replicas",
                    config.model(),
                    started.ports))
        .recover(e -> undeploy(vertx, deployments).transform(closed -> Future.failedFuture(e)));
  }

  private static IllegalStateException cannotListen(String host, int port, Throwable cause) {
    return new IllegalStateException(
        "port: " + host + ":" + port + " can not be opened: " + cause.getMessage(), cause);
  }

  private static Future<?> undeploy(Vertx vertx, List<Future<String>> deployments) {
    return Future.join(
        deployments.stream()
            .filter(Future::succeeded)
            .map(each -> vertx.undeploy(each.result()))
            .toList());
  }

  /** What was started. */
  public SimConfig config() {
    return config;
  }

  /** The ports, in the order of the replicas; they stay the same over kill and revive. */
  public List<Integer> ports() {
    return ports;
  }

  /** The addresses, without a path: {@code http://127.0.0.1:9101}. */
  public List<String> urls() {
    return ports.stream().map(port -> "http://" + config.host() + ":" + port).toList();
  }

  /** What a replica saw so far. */
  public Future<SimStats> stats(int replica) {
    Replica one = replicas.get(replica);
    return one.call(() -> Future.succeededFuture(one.stats()));
  }

  /**
   * Arms a fault for requests to come, or brings a replica into its state.
   *
   * @param rate share of requests that it strikes, above 0 up to 1
   * @param count how often it strikes at most; 0 is without end
   */
  public Future<Void> arm(int replica, SimFault fault, double rate, long count) {
    Replica one = replicas.get(replica);
    return one.call(() -> one.arm(new FaultBook.Armed(fault, rate, count)));
  }

  /** Disarms all faults; a closed port stays closed. */
  public Future<Void> clearFaults(int replica) {
    Replica one = replicas.get(replica);
    return one.call(
        () -> {
          one.clearFaults();
          return Future.succeededFuture();
        });
  }

  /**
   * The next batches of a replica's events of its prefix cache are lost on the way; they can be had
   * by a replay.
   */
  public Future<Void> dropKvEvents(int replica, int batches) {
    Replica one = replicas.get(replica);
    return one.call(
        () -> {
          one.dropKvEvents(batches);
          return Future.succeededFuture();
        });
  }

  /** Forgets what a replica has cached; false, with nothing done, while requests run. */
  public Future<Boolean> resetPrefixCache(int replica) {
    Replica one = replicas.get(replica);
    return one.call(() -> Future.succeededFuture(one.resetPrefixCache()));
  }

  /** Resets every connection of a replica and closes its port, as kill -9 does. */
  public Future<Void> kill(int replica) {
    Replica one = replicas.get(replica);
    return one.call(one::kill);
  }

  /** Opens the port of a killed or refusing replica again. */
  public Future<Void> revive(int replica) {
    Replica one = replicas.get(replica);
    return one.call(one::revive);
  }

  /** Closes one replica for good; what it answers now breaks off. */
  public Future<Void> stop(int replica) {
    return vertx.undeploy(replicas.get(replica).deploymentID());
  }

  /** Closes everything. */
  public Future<Void> stop() {
    return Future.join(
            replicas.stream()
                .map(Replica::deploymentID)
                .filter(vertx.deploymentIDs()::contains)
                .map(vertx::undeploy)
                .toList())
        .mapEmpty();
  }
}
