package io.penstock.batcher;

import io.penstock.message.Admit;
import java.util.List;

/**
 * Least live grants over what each takes at a time now, compared as exact fractions. Equal loads go
 * to the zone that carries least of what it takes, then to the heavier weight, then to whoever has
 * waited longest for a grant, so that an idle pool rotates instead of burning its first replica.
 */
final class LeastLoaded implements Strategy {
  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    Replica best = candidates.get(0);
    for (int i = 1; i < candidates.size(); i++) {
      if (compare(candidates.get(i), best) < 0) {
        best = candidates.get(i);
      }
    }
    return best;
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    return Explanation.byLoad("the least loaded", candidates);
  }

  /** Negative when {@code a} is to be preferred. */
  static int compare(Replica a, Replica b) {
    int byLoad = Long.compare((long) a.load() * b.limit(), (long) b.load() * a.limit());
    if (byLoad != 0) {
      return byLoad;
    }
    int byZone = ZoneLoad.compare(a.zoneLoad(), b.zoneLoad());
    if (byZone != 0) {
      return byZone;
    }
    int byWeight = Double.compare(b.weight(), a.weight());
    return byWeight != 0 ? byWeight : Long.compare(a.lastGrant, b.lastGrant);
  }
}
