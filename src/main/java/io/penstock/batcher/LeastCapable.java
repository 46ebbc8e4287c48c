package io.penstock.batcher;

import io.penstock.message.Admit;
import java.util.List;

/**
 * The least capable replica that still can, then the least loaded: who can do more is kept for
 * requests that need more. A replica that declares nothing counts as able to do everything.
 */
final class LeastCapable implements Strategy {
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

  private static int compare(Replica a, Replica b) {
    int byBreadth =
        Integer.compare(Integer.bitCount(a.capabilities()), Integer.bitCount(b.capabilities()));
    return byBreadth != 0 ? byBreadth : LeastLoaded.compare(a, b);
  }
}
