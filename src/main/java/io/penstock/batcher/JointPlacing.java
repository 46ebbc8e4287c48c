package io.penstock.batcher;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Sends requests of one session that have waited, and whose turn comes within a few milliseconds,
 * to one replica while it has slots: an engine that batches by itself computes what their prompts
 * have in common once. Pure.
 *
 * <p>To be asked only while more requests wait than slots are free: then every one of them is taken
 * at once anyway, and it costs no balance to choose which request takes which. The window runs from
 * the first of a burst and is not prolonged by the others, so that a session that never pauses is
 * placed anew by the pool's strategy every few milliseconds.
 */
final class JointPlacing {
  /** How long others follow the first. */
  static final long WINDOW_MILLIS = 5;

  /** Sessions that are remembered; the oldest is forgotten beyond. */
  static final int SESSIONS_MAX = 1_024;

  private record Place(Replica replica, long sinceMillis) {}

  /** By session, in the order of their beginning. */
  private final Map<Long, Place> places = new LinkedHashMap<>();

  /** Leaves of the replicas that would take a request the one that its burst went to, if any. */
  void follow(long session, List<Replica> candidates, long nowMillis) {
    Place place = places.get(session);
    if (place != null
        && nowMillis - place.sinceMillis() < WINDOW_MILLIS
        && candidates.contains(place.replica())) {
      candidates.clear();
      candidates.add(place.replica());
    }
  }

  /** A request that has waited was placed. */
  void placed(long session, Replica replica, long nowMillis) {
    for (Iterator<Place> each = places.values().iterator(); each.hasNext(); ) {
      if (nowMillis - each.next().sinceMillis() < WINDOW_MILLIS && places.size() < SESSIONS_MAX) {
        break;
      }
      each.remove();
    }
    Place before = places.get(session);
    if (before == null) {
      places.put(session, new Place(replica, nowMillis));
    } else if (before.replica() != replica) { // it is full; the next ones follow this one
      places.put(session, new Place(replica, before.sinceMillis()));
    }
  }

  /** How many sessions are remembered. */
  int sessions() {
    return places.size();
  }
}
