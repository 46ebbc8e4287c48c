package io.penstock.batcher;

import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What each zone of a pool carries, where the pool spreads over zones, for the strategies to go by
 * among replicas that are equally good. A request that has failed in one zone is offered the
 * replicas of the others first: a zone that fails as a whole would else cost all its attempts.
 */
final class Zones {
  private final ZoneLoad none = new ZoneLoad("");
  private final Map<String, ZoneLoad> byName = new HashMap<>();
  private long choices;

  /** What is known to be in no zone. */
  ZoneLoad none() {
    return none;
  }

  /** Those that have a name; none where the pool is not to spread over zones. Read only. */
  Collection<ZoneLoad> all() {
    return Collections.unmodifiableCollection(byName.values());
  }

  /** What carries a replica's zone. */
  ZoneLoad of(ReplicaSpec spec, Pool pool) {
    boolean counts = pool.failover().spreadAcrossZones() && !spec.zone().isEmpty();
    return counts ? byName.computeIfAbsent(spec.zone(), ZoneLoad::new) : none;
  }

  void dropEmpty() {
    byName.values().removeIf(zone -> zone.replicas() == 0);
  }

  void noSlots() {
    none.noSlots();
    byName.values().forEach(ZoneLoad::noSlots);
  }

  /** Leaves those outside of the zones of {@code tried}, where there are any. */
  void keepAway(List<Replica> tried, List<Replica> from) {
    long choice = ++choices;
    for (Replica each : tried) {
      if (each.zoneLoad() != none) {
        each.zoneLoad().avoidedIn = choice;
      }
    }
    boolean hasOthers = false;
    for (Replica each : from) {
      hasOthers |= each.zoneLoad().avoidedIn != choice;
    }
    if (hasOthers) {
      from.removeIf(each -> each.zoneLoad().avoidedIn == choice);
    }
  }
}
