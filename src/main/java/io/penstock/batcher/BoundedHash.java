package io.penstock.batcher;

import io.penstock.measure.HashRing;
import io.penstock.message.Admit;
import io.penstock.message.Term;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam: Consistent hashing with
 * bounded loads, 2016). A session goes to the first replica clockwise from its hash, unless that
 * carries more than {@link #BOUND} times its fair share of the live grants; then to the next. A hot
 * session so spills over to the same neighbours each time, whose caches it warms too.
 *
 * <p>The ring holds every replica of the pool, usable or not: one that fails is skipped, its
 * sessions go to its neighbours, all others stay, and it finds its own again when it is back. A
 * share is in proportion to weight. Where each candidate is over its bound, which happens when the
 * replicas below theirs have no free slot, the first clockwise is taken: a slot is never left idle
 * for affinity's sake.
 */
final class BoundedHash implements Strategy {
  /** Most load over the fair share. */
  static final double BOUND = 1.25;

  /** Points on the ring of a replica of weight 1. */
  static final int VIRTUAL_NODES = 160;

  private @Nullable HashRing<Replica> ring;
  private long ringOf;

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    HashRing<Replica> points = ringOf(roster);
    double weights = 0;
    long live = 1;
    for (Replica each : roster.all()) {
      if (each.usable()) {
        weights += each.weight();
        live += each.live();
      }
    }
    double perWeight = BOUND * live / weights;
    for (Replica each : candidates) {
      each.candidate = true;
    }
    @Nullable Replica within =
        points.firstFrom(
            admit.affinity(),
            each -> each.candidate && each.live() < Math.ceil(perWeight * each.weight()));
    @Nullable Replica picked =
        within != null ? within : points.firstFrom(admit.affinity(), each -> each.candidate);
    for (Replica each : candidates) {
      each.candidate = false;
    }
    return picked != null ? picked : candidates.get(0);
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    return Explanation.byLoad(
        "the first on the ring from the session's hash whose load is within its bound",
        candidates,
        new Term("session_hash_high", admit.affinity() >>> 32),
        new Term("session_hash_low", admit.affinity() & 0xffffffffL));
  }

  private HashRing<Replica> ringOf(Roster roster) {
    @Nullable HashRing<Replica> known = ring;
    if (known != null && ringOf == roster.structure()) {
      return known;
    }
    HashRing<Replica> built =
        HashRing.of(roster.all(), VIRTUAL_NODES, each -> each.id().value(), Replica::listedWeight);
    ring = built;
    ringOf = roster.structure();
    return built;
  }
}
