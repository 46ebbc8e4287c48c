package io.penstock.batcher;

import io.penstock.message.Admit;
import java.util.List;
import java.util.function.DoubleSupplier;

/** Each candidate with a chance in proportion to its weight. */
final class WeightedRandom implements Strategy {
  private final DoubleSupplier random;

  /**
   * @param random uniform in [0, 1)
   */
  WeightedRandom(DoubleSupplier random) {
    this.random = random;
  }

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    double sum = 0;
    for (Replica each : candidates) {
      sum += each.weight();
    }
    double left = random.getAsDouble() * sum;
    for (Replica each : candidates) {
      left -= each.weight();
      if (left < 0) {
        return each;
      }
    }
    return candidates.get(candidates.size() - 1);
  }
}
