package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Term;
import java.util.List;
import java.util.function.DoubleSupplier;

/** Each candidate with a chance in proportion to its weight. */
final class WeightedRandom implements Strategy {
  private final DoubleSupplier random;
  private double drawn;

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
    drawn = random.getAsDouble();
    double left = drawn * sum;
    for (Replica each : candidates) {
      left -= each.weight();
      if (left < 0) {
        return each;
      }
    }
    return candidates.get(candidates.size() - 1);
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    return Explanation.byLoad("drawn by weight", candidates, new Term("draw", drawn));
  }

  /** The number that decided the last choice. */
  double drawn() {
    return drawn;
  }
}
