package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Decision.Row;
import io.penstock.message.Term;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Smooth weighted round robin, as nginx does it: each round every candidate earns its weight, the
 * richest is chosen and pays what all have earned. Over a round of the weights' sum each is chosen
 * exactly in proportion, and the turns of a heavy one are spread instead of bunched.
 *
 * <p>The candidates change from pick to pick as slots fill up. Who is full earns nothing and so has
 * no arrears to claim when it is free again. Of the equally rich the one is chosen whose zone
 * carries least of what it takes.
 */
final class RoundRobin implements Strategy {
  private @Nullable Replica last;

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    Replica richest = candidates.get(0);
    double earned = 0;
    for (Replica each : candidates) {
      each.credit += each.weight();
      earned += each.weight();
      if (each.credit > richest.credit
          || (each.credit == richest.credit
              && ZoneLoad.compare(each.zoneLoad(), richest.zoneLoad()) < 0)) {
        richest = each;
      }
    }
    richest.credit -= earned;
    last = richest;
    return richest;
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    double earned = 0;
    for (Replica each : candidates) {
      earned += each.weight();
    }
    List<Row> rows = new ArrayList<>();
    for (Replica each : candidates) {
      double before = each == last ? each.credit + earned : each.credit;
      rows.add(new Row(each.id(), -before, Explanation.inputs(each, new Term("credit", before))));
    }
    return new Explanation("its turn: it has earned most since its last", List.of(), rows);
  }
}
