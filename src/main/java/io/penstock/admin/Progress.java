package io.penstock.admin;

import io.penstock.inference.ReplicaId;
import io.penstock.inference.Role;
import io.penstock.message.NodeReport;
import io.penstock.message.PoolReport;
import io.penstock.message.ReplicaReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How far a drain is.
 *
 * @param target {@code replica llama-a}
 * @param live requests that still run there
 * @param waiting requests that were accepted and wait for a slot
 * @param drained draining, with nothing left, by the word of whoever carries the order out
 * @param note why nothing better can be said; empty when there is no reason
 */
record Progress(
    String target, boolean draining, int live, int waiting, boolean drained, String note) {

  /**
   * Of a replica.
   *
   * @param ordered whether its drain has been ordered
   * @return empty when no pool has it and no order names it
   */
  static Optional<Progress> ofReplica(ReplicaId id, boolean ordered, List<PoolLook> pools) {
    List<ReplicaReport> found = new ArrayList<>();
    for (PoolLook pool : pools) {
      pool.report()
          .ifPresent(
              report ->
                  report.replicas().stream()
                      .filter(each -> each.replica().equals(id))
                      .forEach(found::add));
    }
    String silent = silent(pools);
    if (found.isEmpty() && !ordered) {
      return Optional.empty();
    }
    int live = found.stream().mapToInt(ReplicaReport::live).sum();
    boolean heard = found.stream().allMatch(ReplicaReport::draining);
    boolean drained = ordered && heard && live == 0 && silent.isEmpty();
    String note = found.isEmpty() && silent.isEmpty() ? "no pool has this replica now" : silent;
    return Optional.of(new Progress("replica " + id, ordered, live, 0, drained, note));
  }

  /** Of a pool. */
  static Progress ofPool(PoolLook pool, boolean ordered) {
    Optional<PoolReport> report = pool.report();
    int live = report.map(PoolReport::liveSum).orElse(0);
    int waiting = report.map(PoolReport::waitingSum).orElse(0);
    boolean heard = report.map(PoolReport::draining).orElse(false);
    return new Progress(
        "pool " + pool.pool().name(),
        ordered,
        live,
        waiting,
        ordered && heard && live == 0 && waiting == 0,
        pool.why());
  }

  /** Of a node. */
  static Progress ofNode(String label, NodeReport report) {
    List<String> kept =
        report.roles().stream()
            .filter(role -> role != Role.INGRESS)
            .map(Role::label)
            .sorted()
            .toList();
    String note =
        report.draining() && !kept.isEmpty()
            ? "it goes on as " + String.join(", ", kept) + ", which no other node is"
            : "";
    return new Progress(
        "node " + label,
        report.draining(),
        report.live(),
        0,
        report.draining() && report.live() == 0,
        note);
  }

  /** Which pools said nothing; empty when all did. */
  static String silent(List<PoolLook> pools) {
    List<String> names =
        pools.stream()
            .filter(pool -> pool.report().isEmpty())
            .map(pool -> "pool " + pool.pool().name() + ": " + pool.why())
            .toList();
    return String.join("; ", names);
  }
}
