package io.penstock.prober;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class FlapDampingTest {
  private final FlapDamping damping = new FlapDamping();

  @Test
  void asksOneSuccessOfAReplicaThatNeverFell() {
    assertThat(damping.successesRequired(0)).isEqualTo(1);
  }

  @Test
  void doublesWithEachFallUpToEight() {
    int[] asked = new int[6];
    for (int i = 0; i < asked.length; i++) {
      damping.onFall(i * 1_000L);
      asked[i] = damping.successesRequired(i * 1_000L);
    }
    assertThat(asked).containsExactly(1, 2, 4, 8, 8, 8);
  }

  @Test
  void forgetsByHalfInFiveMinutes() {
    for (int i = 0; i < 10; i++) {
      damping.onFall(0);
    }
    assertThat(damping.successesRequired(0)).isEqualTo(8);
    assertThat(damping.successesRequired(FlapDamping.HALF_LIFE_MILLIS)).isEqualTo(2);
    assertThat(damping.successesRequired(2 * FlapDamping.HALF_LIFE_MILLIS)).isEqualTo(1);
  }

  @Property
  void neverAsksForMoreWithTimeAlone(
      @ForAll @Size(max = 30) List<@IntRange(max = 400_000) Integer> gaps,
      @ForAll @IntRange(max = 2_000_000) int later,
      @ForAll @IntRange(max = 2_000_000) int evenLater) {
    FlapDamping any = new FlapDamping();
    long now = 0;
    for (int gap : gaps) {
      now += gap;
      any.onFall(now);
    }
    int first = any.successesRequired(now + later);
    int second = any.successesRequired(now + later + evenLater);
    assertThat(first).isBetween(1, FlapDamping.SUCCESSES_MAX);
    assertThat(second).isBetween(1, first);
  }
}
