package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Term;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Of two drawn at random, in proportion to their weights, the less loaded (Mitzenmacher, The power
 * of two choices in randomized load balancing, 2001). What it adds here to {@link LeastLoaded},
 * which knows all loads exactly, is that its choice can't be foreseen: nobody's request pattern
 * lines up with its order.
 */
final class PowerOfTwo implements Strategy {
  private final WeightedRandom draw;
  private double firstDrawn;

  /**
   * @param random uniform in [0, 1)
   */
  PowerOfTwo(DoubleSupplier random) {
    this.draw = new WeightedRandom(random);
  }

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    Replica one = draw.pick(candidates, roster, admit, nowMillis);
    firstDrawn = draw.drawn();
    Replica other = draw.pick(candidates, roster, admit, nowMillis);
    return LeastLoaded.compare(other, one) < 0 ? other : one;
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    return Explanation.byLoad(
        "the less loaded of two drawn by weight",
        candidates,
        new Term("draw_1", firstDrawn),
        new Term("draw_2", draw.drawn()));
  }
}
