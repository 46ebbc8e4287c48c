package io.penstock.batcher;

import io.penstock.inference.ReplicaId;
import java.util.Set;

/** Where a replica is free, for the time of one choice: each line is looked at once. */
final class Choice {
  /** Whether a replica would take a request with these needs and exclusions now. */
  interface Opening {
    boolean opens(int needs, Set<ReplicaId> excluded);
  }

  private final Opening opening;
  private long number;

  Choice(Opening opening) {
    this.opening = opening;
  }

  /** Replicas may have been taken or given back since the last choice. */
  void anew() {
    number++;
  }

  boolean opens(Line line) {
    if (line.opensAsOf != number) {
      line.opensAsOf = number;
      line.opens = opening.opens(line.key.needs(), line.key.excluded());
    }
    return line.opens;
  }
}
