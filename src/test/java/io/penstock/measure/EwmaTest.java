package io.penstock.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class EwmaTest {
  @Test
  void startsAsThePlainMean() {
    Ewma ewma = new Ewma(0.1);
    ewma.add(10);
    assertThat(ewma.value()).isEqualTo(10);
    ewma.add(20);
    ewma.add(60);
    assertThat(ewma.value()).isCloseTo(30, within(1e-9));
    assertThat(ewma.samples()).isEqualTo(3);
  }

  @Test
  void forgetsGeometrically() {
    Ewma ewma = new Ewma(0.1);
    for (int i = 0; i < 10; i++) {
      ewma.add(100);
    }
    ewma.add(0);
    ewma.add(0);
    assertThat(ewma.value()).isCloseTo(81, within(1e-9));
  }

  @Test
  void refusesAWeightOutsideItsRange() {
    assertThatThrownBy(() -> new Ewma(0)).hasMessage("alpha: 0.0 (expected: > 0 and <= 1)");
    assertThatThrownBy(() -> new Ewma(Double.NaN)).hasMessageContaining("alpha: NaN");
  }
}
