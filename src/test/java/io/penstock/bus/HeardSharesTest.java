package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.message.HealthReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeardSharesTest {
  private final HeardShares shares = new HeardShares();

  private boolean hear(String prober, boolean partial) {
    return shares.isOfUse(new HealthReport(new NodeId(prober), 1, List.of(), partial));
  }

  @Test
  void aChangeIsOfUseToWhoHasHeardTheShare() {
    assertThat(hear("a", true)).isFalse();
    assertThat(hear("a", false)).isTrue();
    assertThat(hear("a", true)).isTrue();
    assertThat(hear("b", true)).as("of another prober").isFalse();
  }

  @Test
  void itIsBounded() {
    for (int i = 0; i <= HeardShares.MAX; i++) {
      assertThat(hear("n" + i, false)).isTrue();
      assertThat(hear("n" + i, true)).isTrue();
    }
    assertThat(hear("n0", true)).as("forgotten with the others").isFalse();
    assertThat(hear("n0", false)).isTrue();
    assertThat(hear("n" + HeardShares.MAX, true)).isTrue();
  }
}
