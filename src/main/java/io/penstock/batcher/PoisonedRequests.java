package io.penstock.batcher;

import io.penstock.inference.RequestId;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Requests at which a batcher has failed: known to the one that is started afresh in its place. The
 * ingress asks for them again, as for all that wait. At the first failure a request may have been
 * there by chance; one at which the next batcher fails too would bring down one after the other, on
 * this node and on all that take over, until its deadline. So that one is refused.
 *
 * <p>Touched by one batcher at a time.
 */
public final class PoisonedRequests {
  /** Most of them; beyond it the oldest are forgotten. */
  static final int MAX = 64;

  private final Set<RequestId> ids = new LinkedHashSet<>();

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
