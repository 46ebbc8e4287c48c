package io.penstock.stream;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fault.Fault;
import io.penstock.inference.Outcome;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailureClassTest {

  @ParameterizedTest
  @CsvSource({
    // class, what it says of the replica, what the client is told, before content, after content
    "UNREACHABLE,         TRANSPORT,     BAD_GATEWAY,         RETRY, RESUME",
    "CONNECT_TIMEOUT,     TIMEOUT,       CONNECT_TIMEOUT,     RETRY, RESUME",
    "BROKEN_OFF,          TRANSPORT,     BAD_GATEWAY,         RETRY, RESUME",
    "TRUNCATED,           TRANSPORT,     UPSTREAM_TRUNCATED,  RETRY, RESUME",
    "TOO_MANY_REQUESTS,   BACK_PRESSURE, QUEUE_FULL,          RETRY, RESUME",
    "UNAVAILABLE,         BACK_PRESSURE, NO_REPLICA,          RETRY, RESUME",
    "ENGINE_TIMEOUT,      FAULT,         BAD_GATEWAY,         RETRY, RESUME",
    "ENGINE_FAILURE,      FAULT,         BAD_GATEWAY,         RETRY, RESUME",
    "MALFORMED,           FAULT,         BAD_GATEWAY,         RETRY, RESUME",
    "ERROR_IN_ANSWER,     FAULT,         BAD_GATEWAY,         RETRY, RESUME",
    "FIRST_TOKEN_TIMEOUT, TIMEOUT,       FIRST_TOKEN_TIMEOUT, RETRY, RESUME",
    "IDLE_TIMEOUT,        TIMEOUT,       IDLE_TIMEOUT,        RETRY, RESUME",
    "UNFIT,               FAULT,         BAD_GATEWAY,         TELL,  TELL",
    "NOT_CONTINUED,       CLIENT_ERROR,  UPSTREAM_TRUNCATED,  TELL,  TELL",
    "CLIENT_TOO_SLOW,     DEADLINE,      CLIENT_TOO_SLOW,     TELL,  TELL",
    "KEY_REFUSED,         CLIENT_ERROR,  BAD_GATEWAY,         TELL,  TELL",
  })
  void eachRow(FailureClass row, Outcome outcome, Fault fault, NextStep before, NextStep after) {
    assertThat(row.outcome()).isEqualTo(outcome);
    assertThat(row.fault()).isEqualTo(fault);
    assertThat(row.next(Commitment.NOTHING)).isEqualTo(before);
    assertThat(row.next(Commitment.FRAMES)).isEqualTo(after);
    assertThat(row.next(Commitment.PIECES)).isEqualTo(NextStep.TELL);
  }

  @Test
  void nothingButAFaultOrSlownessCountsAgainstAReplica() {
    Set<FailureClass> ofEngines = EnumSet.allOf(FailureClass.class);
    ofEngines.remove(FailureClass.CLIENT_TOO_SLOW);
    for (FailureClass each : ofEngines) {
      assertThat(each.outcome())
          .as("%s is a failure of the engine or of the way to it", each)
          .isNotIn(Outcome.OK, Outcome.DEADLINE, Outcome.CANCELLED);
      assertThat(each.fault().status())
          .as("%s is no fault of the client's", each)
          .isIn(429, 502, 503, 504);
    }
  }
}
