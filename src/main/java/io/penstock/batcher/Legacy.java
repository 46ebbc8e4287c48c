package io.penstock.batcher;

import io.penstock.inference.RequestId;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What a batcher leaves to the one that is started afresh in its place.
 *
 * <ul>
 *   <li>Requests at which it failed. The ingress asks for them again, as for all that wait. At the
 *       first failure a request may have been there by chance; one at which the next batcher fails
 *       too would bring down one after the other, on this node and on all that take over, until its
 *       deadline. So that one is refused.
 *   <li>The epochs that it may have taken: who comes after it within a millisecond needs a higher
 *       one.
 * </ul>
 *
 * <p>Touched by one batcher at a time.
 */
public final class Legacy {
  /** Most requests of them; beyond it the oldest are forgotten. */
  static final int MAX = 64;

  private final Set<RequestId> ids = new LinkedHashSet<>();
  private long epochSeed;

  /** A start for epochs: the time, or above all starts before. */
  long epochSeed(long epochMillis) {
    epochSeed = Math.max(epochMillis, epochSeed + 1);
    return epochSeed;
  }

  /** A batcher has failed at this request; says whether one had before. */
  boolean failedAt(RequestId id) {
    boolean again = !ids.add(id);
    if (ids.size() > MAX) {
      Iterator<RequestId> oldest = ids.iterator();
      oldest.next();
      oldest.remove();
    }
    return again;
  }
}
