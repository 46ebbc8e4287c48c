package io.penstock.batcher;

import io.penstock.inference.Pool;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Chooses one of the replicas that may take a request now. Whoever asks has filtered them: all are
 * usable, have a free slot, are not excluded and can do what the request needs.
 *
 * <p>One that learns is told what becomes of its choices: {@link #granted} makes an {@link Errand}
 * of the grant, which comes back with each piece of news and, exactly once, with its end.
 */
interface Strategy {
  /**
   * The chosen one. What it remembers of the choice for the next one is not what it is made of, so
   * that {@link #explain} tells the same right after it.
   *
   * @param candidates never empty
   * @param roster the whole pool, for strategies that look at its load or shape
   */
  Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis);

  /** How the choice that has just been made came about; asked before {@link #granted}. */
  Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis);

  /** The replica has been granted; null where nothing is to be learned from it. */
  default @Nullable Errand granted(Replica replica, Admit admit, long nowMillis) {
    return null;
  }

  /** The first token of the answer is there. */
  default void firstToken(Errand errand, Roster roster, long firstTokenMillis, long nowMillis) {}

  /**
   * The grant is over.
   *
   * @param release how it went; null where that is not known
   */
  default void ended(Errand errand, Roster roster, @Nullable Release release, long nowMillis) {}

  /** The strategy of this name, with the default room for what caches hold. */
  static Strategy of(RoutingStrategy name, DoubleSupplier random) {
    return of(name, Pool.PREFIX_INDEX_BYTES, random);
  }

  /**
   * The strategy of this name, with a memory of its own.
   *
   * @param prefixIndexBytes most memory for what one replica's cache holds
   * @param random uniform in [0, 1)
   */
  static Strategy of(RoutingStrategy name, long prefixIndexBytes, DoubleSupplier random) {
    return switch (name) {
      case ROUND_ROBIN -> new RoundRobin();
      case LEAST_LOADED -> new LeastLoaded();
      case RANDOM -> new WeightedRandom(random);
      case HASH_BASED -> new BoundedHash();
      case CAPABILITY_BASED -> new LeastCapable();
      case POWER_OF_TWO -> new PowerOfTwo(random);
      case PREFIX_CACHE -> new PrefixAffinity(prefixIndexBytes);
      case PREDICTED_LATENCY -> new PredictedLatency(prefixIndexBytes);
    };
  }
}
