package io.penstock.app;

import io.penstock.config.NodeConfig;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts the engines of pools that ask for simulated ones, and lists them. Only for a node that is
 * alone: in a cluster each node would have engines of its own under the same names, and a slot
 * granted by one node would mean another engine on the next.
 */
final class SimulatedPools {
  private static final String HOST = "127.0.0.1";

  private SimulatedPools() {}

  /**
   * Looks before anything is started.
   *
   * @throws NodeException when the node is in a cluster, or a profile is not known
   */
  static void check(NodeConfig config) {
    for (Pool pool : config.fleet().pools()) {
      if (pool.replicas() instanceof ReplicaSource.Simulated simulated) {
        if (config.cluster().isPresent()) {
          throw new NodeException(
              "the replicas of pool "
                  + pool.name()
                  + ": simulated engines in a cluster (expected: a list, a DNS name or a file;"
                  + " start simulated engines with `penstock engine-sim` and list their URLs)");
        }
        simConfig(pool, simulated);
      }
    }
  }

  /** Completes with the configuration in which started engines are listed. */
  static Future<NodeConfig> start(Vertx vertx, NodeConfig config) {
    Future<List<Pool>> listed = Future.succeededFuture(new ArrayList<>());
    for (Pool pool : config.fleet().pools()) {
      listed =
          listed.compose(
              before ->
                  start(vertx, pool, config.zone())
                      .map(
                          started -> {
                            before.add(started);
                            return before;
                          }));
    }
    return listed.map(pools -> Configs.withPools(config, pools));
  }

  private static Future<Pool> start(Vertx vertx, Pool pool, String zone) {
    if (!(pool.replicas() instanceof ReplicaSource.Simulated simulated)) {
      return Future.succeededFuture(pool);
    }
    return EngineSimulator.start(vertx, simConfig(pool, simulated))
        .map(
            engines ->
                Configs.withReplicas(
                    pool, new ReplicaSource.Listed(replicas(pool, zone, engines.urls()))));
  }

  private static SimConfig simConfig(Pool pool, ReplicaSource.Simulated simulated) {
    try {
      return SimConfig.of(SimProfile.of(simulated.profile()))
          .withHost(HOST)
          .withModel(pool.nameForEngine().value())
          .withReplicas(simulated.count());
    } catch (IllegalArgumentException e) {
      throw new NodeException("the replicas of pool " + pool.name() + ": " + e.getMessage(), e);
    }
  }

  private static List<ReplicaSpec> replicas(Pool pool, String zone, List<String> urls) {
    List<ReplicaSpec> replicas = new ArrayList<>();
    for (String url : urls) {
      replicas.add(
          new ReplicaSpec(
              new ReplicaId(pool.name() + "-" + replicas.size()),
              url,
              1,
              pool.maxConcurrent(),
              pool.capabilities(),
              zone));
    }
    return replicas;
  }
}
