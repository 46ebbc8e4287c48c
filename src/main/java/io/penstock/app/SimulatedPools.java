package io.penstock.app;

import io.penstock.config.NodeConfig;
import io.penstock.inference.Fleet;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimProfile;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts the engines of pools that ask for simulated ones, lists them, and stops those that no pool
 * asks for any more. Only for a node that is alone: in a cluster each node would have engines of
 * its own under the same names, and a slot granted by one node would mean another engine on the
 * next. For one caller at a time.
 */
final class SimulatedPools {
  private static final Logger log = LoggerFactory.getLogger(SimulatedPools.class);
  private static final String HOST = "127.0.0.1";

  /** Between two looks at whether an engine that is to be stopped is idle. */
  private static final long LOOK_MILLIS = 1_000;

  /** A running engine. */
  private record Engine(EngineSimulator of, int number) {
    String url() {
      return of.urls().get(number);
    }

    boolean isLike(SimConfig one) {
      return of.config().withReplicas(1).equals(one);
    }
  }

  private final Vertx vertx;
  private final String zone;
  private final Map<PoolName, Integer> everStarted = new HashMap<>();
  private Map<PoolName, List<Engine>> running = Map.of();

  /**
   * @param zone of the node, which is that of its engines
   */
  SimulatedPools(Vertx vertx, String zone) {
    this.vertx = vertx;
    this.zone = zone;
  }

  /** What is wrong with the pools that ask for simulated engines; empty when nothing is. */
  static Optional<String> mistake(NodeConfig config) {
    for (Pool pool : config.fleet().pools()) {
      if (pool.replicas() instanceof ReplicaSource.Simulated simulated) {
        if (config.cluster().isPresent()) {
          return Optional.of(
              "the replicas of pool "
                  + pool.name()
                  + ": simulated engines in a cluster (expected: a list, a DNS name or a file;"
                  + " start simulated engines with `penstock engine-sim` and list their URLs)");
        }
        try {
          simConfig(pool, simulated);
        } catch (IllegalArgumentException e) {
          return Optional.of("the replicas of pool " + pool.name() + ": " + e.getMessage());
        }
      }
    }
    return Optional.empty();
  }

  /**
   * Starts the engines that are lacking; none is stopped.
   *
   * @return completes with the fleet in which engines are listed; fails, with nothing started, when
   *     an engine can not be
   */
  Future<Fleet> list(Fleet fleet) {
    Map<PoolName, List<Engine>> wanted = new HashMap<>();
    List<Engine> started = new ArrayList<>();
    Future<Void> all = Future.succeededFuture();
    for (Pool pool : fleet.pools()) {
      if (pool.replicas() instanceof ReplicaSource.Simulated simulated) {
        SimConfig each = simConfig(pool, simulated);
        all =
            all.compose(before -> engines(pool.name(), each, simulated.count(), started))
                .onSuccess(engines -> wanted.put(pool.name(), engines))
                .mapEmpty();
      }
    }
    return all.map(x -> listed(fleet, wanted))
        .onSuccess(x -> running = together(running, wanted))
        .onFailure(e -> started.forEach(SimulatedPools::stop));
  }

  private static Map<PoolName, List<Engine>> together(
      Map<PoolName, List<Engine>> before, Map<PoolName, List<Engine>> wanted) {
    Map<PoolName, List<Engine>> all = new HashMap<>(before);
    wanted.forEach(
        (name, engines) -> {
          Set<Engine> both = new LinkedHashSet<>(engines);
          both.addAll(before.getOrDefault(name, List.of()));
          all.put(name, List.copyOf(both));
        });
    return all;
  }

  /** As many like {@code each} as are wanted, first of those that run. */
  private Future<List<Engine>> engines(
      PoolName pool, SimConfig each, int count, List<Engine> started) {
    List<Engine> engines = new ArrayList<>();
    running.getOrDefault(pool, List.of()).stream()
        .filter(engine -> engine.isLike(each))
        .limit(count)
        .forEach(engines::add);
    int lacking = count - engines.size();
    if (lacking == 0) {
      return Future.succeededFuture(engines);
    }
    int first = everStarted.getOrDefault(pool, 0);
    everStarted.put(pool, first + lacking);
    return EngineSimulator.start(vertx, each.withReplicas(lacking), first)
        .map(
            more -> {
              for (int i = 0; i < lacking; i++) {
                Engine engine = new Engine(more, i);
                engines.add(engine);
                started.add(engine);
              }
              return engines;
            });
  }

  private Fleet listed(Fleet fleet, Map<PoolName, List<Engine>> engines) {
    List<Pool> pools = new ArrayList<>();
    for (Pool pool : fleet.pools()) {
      List<Engine> own = engines.get(pool.name());
      pools.add(
          own == null
              ? pool
              : Configs.withReplicas(pool, new ReplicaSource.Listed(replicas(pool, own))));
    }
    return Configs.withPools(fleet, pools);
  }

  /** Stops the engines that the fleet does not list, each when it is idle. */
  void keepOnly(Fleet listed) {
    Map<PoolName, List<Engine>> kept = new HashMap<>();
    running.forEach(
        (name, engines) -> {
          List<String> urls = urls(listed, name);
          List<Engine> own = new ArrayList<>();
          for (Engine engine : engines) {
            if (urls.contains(engine.url())) {
              own.add(engine);
            } else {
              stopWhenIdle(engine);
            }
          }
          if (!own.isEmpty()) {
            kept.put(name, own);
          }
        });
    running = kept;
  }

  private static List<String> urls(Fleet listed, PoolName name) {
    return listed.pools().stream()
        .filter(pool -> pool.name().equals(name))
        .filter(pool -> pool.replicas() instanceof ReplicaSource.Listed)
        .flatMap(pool -> ((ReplicaSource.Listed) pool.replicas()).replicas().stream())
        .map(ReplicaSpec::url)
        .toList();
  }

  private void stopWhenIdle(Engine engine) {
    vertx.setTimer(
        LOOK_MILLIS,
        look ->
            engine
                .of()
                .stats(engine.number())
                .onSuccess(
                    stats -> {
                      if (stats.inFlight() == 0) {
                        stop(engine);
                      } else {
                        stopWhenIdle(engine);
                      }
                    }));
  }

  private static void stop(Engine engine) {
    engine
        .of()
        .stop(engine.number())
        .onFailure(e -> log.warn("the simulated engine at {} does not stop", engine.url(), e));
  }

  private static SimConfig simConfig(Pool pool, ReplicaSource.Simulated simulated) {
    return SimConfig.of(SimProfile.of(simulated.profile()))
        .withHost(HOST)
        .withModel(pool.nameForEngine().value());
  }

  private List<ReplicaSpec> replicas(Pool pool, List<Engine> engines) {
    List<ReplicaSpec> replicas = new ArrayList<>();
    for (Engine engine : engines) {
      replicas.add(
          new ReplicaSpec(
              new ReplicaId(pool.name() + "-" + replicas.size()),
              engine.url(),
              1,
              pool.maxConcurrent(),
              pool.capabilities(),
              zone));
    }
    return replicas;
  }
}
