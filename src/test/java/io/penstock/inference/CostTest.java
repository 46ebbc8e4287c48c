package io.penstock.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CostTest {
  @Test
  void isWrittenExactly() {
    assertThat(new TokenPrice(0.001, 0.002).of(812, 100).text()).isEqualTo("0.001012");
    assertThat(new TokenPrice(1_000, 0).of(1_000_000, 5).text()).isEqualTo("1000000");
    assertThat(Cost.NONE.text()).isEqualTo("0");
    assertThat(new Cost(1).text()).isEqualTo("0.000000000001");
  }

  @Property
  void isTheSumOfItsTokens(
      @ForAll @IntRange(max = 1_000_000) int input,
      @ForAll @IntRange(max = 1_000_000) int output,
      @ForAll @IntRange(max = 1_000_000) int priceIn,
      @ForAll @IntRange(max = 1_000_000) int priceOut) {
    BigDecimal expected =
        BigDecimal.valueOf(priceIn, 6)
            .multiply(BigDecimal.valueOf(input))
            .add(BigDecimal.valueOf(priceOut, 6).multiply(BigDecimal.valueOf(output)))
            .movePointLeft(3);
    Cost cost = new TokenPrice(priceIn / 1e6, priceOut / 1e6).of(input, output);
    assertThat(new BigDecimal(cost.text())).isEqualByComparingTo(expected);
  }

  @Test
  void overflowStopsAtTheMost() {
    Cost most = new TokenPrice(1e6, 1e6).of(Integer.MAX_VALUE, Integer.MAX_VALUE);
    assertThat(most.pico()).isEqualTo(Long.MAX_VALUE);
    assertThat(most.plus(most)).isEqualTo(most);
    assertThatThrownBy(() -> new Cost(-1)).hasMessage("pico: -1 (expected: >= 0)");
  }
}
