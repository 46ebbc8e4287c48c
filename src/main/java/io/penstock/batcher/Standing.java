package io.penstock.batcher;

import io.penstock.inference.ReplicaId;
import java.util.ArrayList;
import java.util.List;

/**
 * How a pool stands at one moment, by its owner.
 *
 * @param healthy replicas that are healthy by the probers and have nothing held against them,
 *     standbys and the reserve among them
 * @param minHealthy fewer are an alarm
 * @param belowMin whether it is
 * @param degraded whether a replica is kept in use only because no better one is left
 */
record Standing(
    List<OfReplica> replicas, int healthy, int minHealthy, boolean belowMin, boolean degraded) {
  Standing {
    replicas = List.copyOf(replicas);
  }

  static Standing of(Roster roster, int minHealthy, boolean belowMin) {
    List<OfReplica> replicas = new ArrayList<>();
    for (Replica each : roster.all()) {
      replicas.add(
          new OfReplica(
              each.id(),
              each.usable(),
              why(each),
              each.conduct().breaker().state(),
              each.use() == Replica.Use.TRIED ? Math.min(1, each.limit()) : each.limit(),
              each.duty()));
    }
    return new Standing(replicas, roster.healthy(), minHealthy, belowMin, roster.degraded());
  }

  private static String why(Replica replica) {
    if (!replica.isInList()) {
      return "has left its pool's list; what runs on it may end";
    }
    if (replica.draining()) {
      return "is being drained";
    }
    String barred = replica.conduct().why(replica.bar());
    return switch (replica.use()) {
      case OUT -> unhealthy(replica, barred);
      case TRIED -> barred;
      case PASSIVE ->
          "is held back as " + replica.duty().label() + " by its pool's failover policy";
      case WORKING -> less(replica, barred);
    };
  }

  private static String unhealthy(Replica replica, String barred) {
    if (replica.reported == null) {
      return barred.isEmpty() ? "no prober has reported on it yet" : barred;
    }
    return switch (replica.reported) {
      case STARTING -> "has not answered a health check yet";
      case UNHEALTHY -> "fails its health checks";
      case HEALTHY -> barred;
      case REMOVED -> "has left its pool's list";
    };
  }

  private static String less(Replica replica, String barred) {
    if (replica.kept()) {
      return barred + "; it is kept in use since no better one is left";
    }
    if (replica.paused()) {
      return "has asked to be left alone for a while (429 or 503)";
    }
    return replica.limit() < replica.maxConcurrent()
        ? "gets less than its full share for now (429 or 503, slow, back for a short time, or the"
            + " cluster is split)"
        : "";
  }

  /**
   * One replica.
   *
   * @param usable whether it gets ordinary work
   * @param why it gets none, or less than it could; empty when it gets its full share
   * @param limit most requests that it gets at a time now
   */
  record OfReplica(
      ReplicaId id, boolean usable, String why, Breaker.State breaker, int limit, Duty duty) {}
}
