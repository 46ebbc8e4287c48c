package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AttemptsTest {
  private final Attempts attempts = new Attempts();

  private void begin(String replica) {
    attempts.begin(
        new Grant(
            new RequestId("r"),
            new PoolName("p"),
            1,
            new ReplicaId(replica),
            "http://r",
            0,
            Optional.empty(),
            false));
  }

  @Test
  void anotherTryIsARetry() {
    begin("a");
    assertThat(attempts.next()).isEqualTo(2);
    assertThat(attempts.tried()).containsExactly(new ReplicaId("a"));
  }

  /** Retries go before all that is new of all tenants: a cascade is no way past them. */
  @Test
  void theNextTierIsAskedLikeAnybody() {
    begin("a");
    begin("b");
    attempts.nextStage();
    assertThat(attempts.next()).isEqualTo(1);
    assertThat(attempts.tried()).isEmpty();
    assertThat(attempts.count()).isEqualTo(2);
    begin("c");
    assertThat(attempts.next()).isEqualTo(2);
  }

  @Test
  void whatTheTiersUsedIsSummed() {
    begin("a");
    attempts.keep(new ModelName("small"), new TokenUsage(10, 5, 2), 5);
    attempts.nextStage();
    begin("b");
    attempts.keep(new ModelName("large"), new TokenUsage(11, 7, 0), 7);
    assertThat(attempts.usageBefore()).isEqualTo(new TokenUsage(10, 5, 2));
    assertThat(attempts.usage()).isEqualTo(new TokenUsage(21, 12, 2));
    assertThat(attempts.generatedTokens()).isEqualTo(12);
    assertThat(attempts.uses())
        .extracting(Attempts.Use::model)
        .containsExactly(new ModelName("small"), new ModelName("large"));
  }
}
