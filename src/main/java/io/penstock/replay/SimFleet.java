package io.penstock.replay;

import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import io.penstock.sim.SimProfile;
import java.util.List;

/**
 * A fleet to be replayed.
 *
 * @param events in order of time
 */
record SimFleet(String name, List<OfPool> pools, List<Event> events) {
  SimFleet {
    pools = List.copyOf(pools);
    events = List.copyOf(events);
  }

  /** How many replicas all pools have. */
  int size() {
    return pools.stream().mapToInt(each -> each.replicas().size()).sum();
  }

  /** What all replicas cost; 0 where nobody says. */
  double usdPerHour() {
    return pools.stream()
        .flatMap(each -> each.replicas().stream())
        .mapToDouble(OfReplica::usdPerHour)
        .sum();
  }

  /**
   * One pool.
   *
   * @param pool as its owner knows it
   * @param share of the traffic, beside those of the other pools
   */
  record OfPool(Pool pool, double share, List<OfReplica> replicas) {
    OfPool {
      replicas = List.copyOf(replicas);
    }

    /** Longest prompt and answer together that every replica takes. */
    int contextTokens() {
      return replicas.stream()
          .mapToInt(each -> each.profile().maxModelLength())
          .min()
          .orElse(Integer.MAX_VALUE);
    }
  }

  /**
   * One replica.
   *
   * @param usdPerHour what it costs; 0 where nobody says
   */
  record OfReplica(ReplicaSpec spec, SimProfile profile, double usdPerHour) {}

  /**
   * Something that happens to a replica.
   *
   * @param replica its place among those of all pools
   * @param factor how many times as long its steps take from then on; for {@link What#SLOW}
   */
  record Event(long atNanos, int replica, What what, double factor) {}

  /** What may happen to a replica. */
  enum What {
    /** Its process dies, with all that it runs and has cached. */
    DOWN,
    /** It is there again, with an empty cache. */
    UP,
    /** Its speed changes. */
    SLOW
  }
}
