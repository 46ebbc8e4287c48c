package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The live grants of one pool: by request, by holder, and in order of expiry. */
final class Ledger {
  /**
   * A live grant.
   *
   * @param callerId the request's id as its client knows it; empty where it was adopted
   * @param attempt of the Admit that it was given to
   * @param charge what its tenant was charged; null where it was adopted
   * @param errand what the pool's strategy expected of it; null where it learns nothing of it
   * @param ordinal of the grant in the pool, given or adopted; grows
   * @param sinceMillis when it was given, or adopted
   */
  record Live(
      Station holder,
      String callerId,
      Priority priority,
      int attempt,
      Grant grant,
      @Nullable Charge charge,
      @Nullable Errand errand,
      long ordinal,
      long sinceMillis,
      long expiresMillis) {
    Live granted(Grant now) {
      return new Live(
          holder,
          callerId,
          priority,
          attempt,
          now,
          charge,
          errand,
          ordinal,
          sinceMillis,
          expiresMillis);
    }

    /** As it is to a request that shares its call. */
    Live of(Gathering.Along along) {
      return new Live(
          holder,
          along.callerId(),
          along.priority(),
          attempt,
          grant,
          along.charge(),
          errand,
          ordinal,
          sinceMillis,
          expiresMillis);
    }

    Live renewed(Station by, long untilMillis) {
      return new Live(
          by,
          callerId,
          priority,
          attempt,
          grant,
          charge,
          errand,
          ordinal,
          sinceMillis,
          untilMillis);
    }

    RequestId id() {
      return grant.id();
    }

    Lease lease() {
      return new Lease(grant.id(), grant.replica());
    }
  }

  /** In order of expiry: a renewed lease moves to the end, and all live equally long. */
  private final Map<RequestId, Live> byId = new LinkedHashMap<>();

  private final Map<Station, Set<RequestId>> byHolder = new HashMap<>();

  @Nullable Live find(RequestId id) {
    return byId.get(id);
  }

  /** The oldest that its client knows by this id; null when there is none. O(n). */
  @Nullable Live findByCaller(String callerId) {
    for (Live each : byId.values()) {
      if (each.callerId().equals(callerId)) {
        return each;
      }
    }
    return null;
  }

  /** Writes in at the end; the request must not be there. */
  void add(Live live) {
    if (byId.putIfAbsent(live.id(), live) != null) {
      throw new IllegalStateException("grant of " + live.id() + " (expected: none live)");
    }
    byHolder.computeIfAbsent(live.holder(), holder -> new LinkedHashSet<>()).add(live.id());
  }

  /** Strikes out; null when it was not there. */
  @Nullable Live remove(RequestId id) {
    Live live = byId.remove(id);
    if (live != null) {
      Set<RequestId> others = byHolder.get(live.holder());
      if (others != null && others.remove(id) && others.isEmpty()) {
        byHolder.remove(live.holder());
      }
    }
    return live;
  }

  /** Writes another grant in the place of the one that the same holder has. */
  void tellAnew(Live live, Grant grant) {
    byId.replace(live.id(), live.granted(grant));
  }

  /** What expires first; null when nothing lives. */
  @Nullable Live oldest() {
    return byId.isEmpty() ? null : byId.values().iterator().next();
  }

  /** A copy of what this station holds, oldest grant or renewal first. */
  List<Live> of(Station holder) {
    List<Live> lives = new ArrayList<>();
    for (RequestId id : byHolder.getOrDefault(holder, Set.of())) {
      Live live = byId.get(id);
      if (live != null) {
        lives.add(live);
      }
    }
    return lives;
  }

  /** A copy of what the stations of these nodes hold. */
  List<Live> of(Set<NodeId> nodes) {
    List<Live> lives = new ArrayList<>();
    for (Station holder : byHolder.keySet()) {
      if (nodes.contains(holder.node())) {
        lives.addAll(of(holder));
      }
    }
    return lives;
  }

  int size() {
    return byId.size();
  }
}
