package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class FitTest {
  private static Fit fresh() {
    return new Fit(1_000, 50, 10, 0.05);
  }

  @Test
  void isThePriorBeforeTheFirstSample() {
    assertThat(fresh().base()).isCloseTo(10, within(1e-9));
    assertThat(fresh().slope()).isCloseTo(0.05, within(1e-12));
  }

  @Property
  void findsALineThatIsThere(
      @ForAll @DoubleRange(min = 0, max = 100) double base,
      @ForAll @DoubleRange(min = 0.01, max = 1) double slope,
      @ForAll long seed) {
    Random random = new Random(seed);
    Fit fit = fresh();
    for (int i = 0; i < 300; i++) {
      double x = 100 + random.nextInt(10_000);
      fit.add(x, (base + slope * x) * (0.8 + 0.4 * random.nextDouble()), 10, 0.05);
    }
    assertThat(fit.at(5_000)).isCloseTo(base + slope * 5_000, within(0.2 * (base + slope * 5_000)));
  }

  @Property
  void neverPredictsLessThanNothing(@ForAll long seed) {
    Random random = new Random(seed);
    Fit fit = fresh();
    for (int i = 0; i < 100; i++) {
      fit.add(random.nextInt(3) * 500, random.nextInt(4) * 100, 10, 0.05);
      assertThat(fit.base()).isNotNegative().isFinite();
      assertThat(fit.slope()).isNotNegative().isFinite();
    }
  }

  @Test
  void oneOutlierMovesItByLessThanAQuarterAndASlowReplicaIsKnownInADozenRequests() {
    Fit fit = fresh();
    Random random = new Random(3);
    for (int i = 0; i < 50; i++) {
      double x = 1_000 + random.nextInt(4_000);
      fit.add(x, 20 + 0.1 * x, 10, 0.05);
    }
    double before = fit.at(3_000);
    fit.add(3_000, 60_000, 10, 0.05);
    assertThat(fit.at(3_000)).isLessThan(1.25 * before);
    for (int i = 0; i < 12; i++) {
      double x = 1_000 + random.nextInt(4_000);
      fit.add(x, 4 * (20 + 0.1 * x), 10, 0.05);
    }
    assertThat(fit.at(3_000)).isGreaterThan(2 * before);
  }

  @Test
  void samplesAtOnePlaceTakeTheirSlopeFromThePrior() {
    Fit fit = fresh();
    for (int i = 0; i < 40; i++) {
      fit.add(500, 100, 10, 0.05);
    }
    assertThat(fit.at(500)).isCloseTo(100, within(10.0));
    assertThat(fit.slope()).isPositive();
  }
}
