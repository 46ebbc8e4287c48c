package io.penstock.batcher;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The waiting requests of one priority class: first come first served, retries before all others,
 * and nobody held up by a request in front that the free replica can not serve.
 *
 * <p>One list with a scan for the first that fits would cost a walk over thousands whenever the
 * requests in front need a replica that is full. So requests that the same replicas can serve share
 * a {@link Lane}, and only the lanes' heads are looked at, oldest first. There are few lanes: one
 * for each mix of capabilities, and some more while replicas fail.
 */
final class ClassQueue {
  private final Map<Lane.Key, Lane> lanes = new HashMap<>();
  private final TreeMap<Long, Lane> byHead = new TreeMap<>();
  private int size;

  int size() {
    return size;
  }

  /**
   * Appends; ranks of one lane only grow.
   *
   * @param reach what the request may hope for now
   */
  void add(Waiting waiting, Lane.Key key, Reach reach) {
    Lane lane = lanes.get(key);
    if (lane == null) {
      lane = new Lane(key);
      lane.reach = reach;
      lane.reachSinceMillis = waiting.arrivedMillis;
      lanes.put(key, lane);
    }
    lane.append(waiting);
    if (lane.head() == waiting) {
      byHead.put(waiting.rank, lane);
    }
    size++;
  }

  void remove(Waiting waiting) {
    Lane lane = waiting.lane;
    if (lane == null) {
      throw new IllegalStateException(
          "request " + waiting.admit.id() + ": in no lane (expected: waiting)");
    }
    boolean wasHead = lane.head() == waiting;
    lane.unlink(waiting);
    size--;
    if (wasHead) {
      byHead.remove(waiting.rank);
      Waiting head = lane.head();
      if (head == null) {
        lanes.remove(lane.key);
      } else {
        byHead.put(head.rank, lane);
      }
    }
  }

  /** The first that a replica would take now; null when none can be served. */
  @Nullable Waiting firstServable(Roster roster) {
    for (Lane lane : byHead.values()) {
      if (roster.opens(lane.key.needs(), lane.key.excluded())) {
        return lane.head();
      }
    }
    return null;
  }

  /** Looks again at what each lane may hope for. */
  void review(Roster roster, long nowMillis) {
    for (Lane lane : lanes.values()) {
      Reach reach = roster.reach(lane.key.needs(), lane.key.excluded());
      if (reach != lane.reach) {
        lane.reach = reach;
        lane.reachSinceMillis = nowMillis;
      }
    }
  }

  /** Those that no replica will serve, or that have hoped for one for {@code graceMillis}. */
  List<Waiting> hopeless(long graceMillis, long nowMillis) {
    List<Waiting> found = List.of();
    for (Lane lane : lanes.values()) {
      if (lane.reach == Reach.SERVED) {
        continue;
      }
      for (Waiting each = lane.head(); each != null; each = each.after) {
        long since = Math.max(each.arrivedMillis, lane.reachSinceMillis);
        if (lane.reach == Reach.HOPED_FOR && since + graceMillis > nowMillis) {
          break;
        }
        found = found.isEmpty() ? new ArrayList<>() : found;
        found.add(each);
      }
    }
    return found;
  }
}
