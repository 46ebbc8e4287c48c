package io.penstock.batcher;

import io.penstock.inference.RoutingStrategy;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Chooses one of the replicas that may take a request now. Whoever asks has filtered them: all are
 * usable, have a free slot, are not excluded and can do what the request needs.
 */
interface Strategy {
  /**
   * The chosen one.
   *
   * @param candidates never empty
   * @param roster the whole pool, for strategies that look at its load or shape
   * @param affinity hash of the request's session
   */
  Replica pick(List<Replica> candidates, Roster roster, long affinity);

  /**
   * The strategy of this name, with a memory of its own.
   *
   * @param random uniform in [0, 1)
   */
  static Strategy of(RoutingStrategy name, DoubleSupplier random) {
    return switch (name) {
      case ROUND_ROBIN -> new RoundRobin();
      case LEAST_LOADED -> new LeastLoaded();
      case RANDOM -> new WeightedRandom(random);
      case HASH_BASED -> new BoundedHash();
      case CAPABILITY_BASED -> new LeastCapable();
    };
  }
}
