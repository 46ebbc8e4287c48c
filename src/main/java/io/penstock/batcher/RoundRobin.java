package io.penstock.batcher;

import io.penstock.message.Admit;
import java.util.List;

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
    return richest;
  }
}
