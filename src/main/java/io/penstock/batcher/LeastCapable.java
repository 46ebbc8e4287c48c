package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Decision.Row;
import io.penstock.message.Term;
import java.util.ArrayList;
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

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    List<Row> rows = new ArrayList<>();
    for (Replica each : candidates) {
      int breadth = Integer.bitCount(each.capabilities());
      rows.add(
          new Row(each.id(), breadth, Explanation.inputs(each, new Term("capabilities", breadth))));
    }
    return new Explanation(
        "the least capable that still can; of equal ones the least loaded", List.of(), rows);
  }

  private static int compare(Replica a, Replica b) {
    int byBreadth =
        Integer.compare(Integer.bitCount(a.capabilities()), Integer.bitCount(b.capabilities()));
    return byBreadth != 0 ? byBreadth : LeastLoaded.compare(a, b);
  }
}
