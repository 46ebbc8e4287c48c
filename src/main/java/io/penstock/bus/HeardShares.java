package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.message.HealthReport;
import java.util.HashSet;
import java.util.Set;

/**
 * Of which probers a room has heard the whole share. Before it has, a change of one replica is no
 * news to it: it would take a pool of which it knows nothing else for one that has only this
 * replica. Belongs to one loop.
 */
public final class HeardShares {
  /** Lives of probers that are remembered; beyond it all are heard anew. */
  static final int MAX = 1_024;

  private final Set<NodeId> heard = new HashSet<>();

  /** Whether a report is to be taken in. */
  public boolean isOfUse(HealthReport report) {
    if (report.partial()) {
      return heard.contains(report.prober());
    }
    if (heard.size() == MAX && !heard.contains(report.prober())) {
      heard.clear();
    }
    heard.add(report.prober());
    return true;
  }
}
