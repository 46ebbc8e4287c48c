package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
  @ParameterizedTest
  @CsvSource({"250ms,250", "1.5s,1500", "2m,120000", "1h,3600000", "0s,0", "0.5ms,0"})
  void readsWhatPeopleType(String text, long millis) {
    assertThat(Durations.parse("x", text).toMillis()).isEqualTo(millis);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "-5s", "5 s", "s", "1d", "1e3s", "5S", "99999999999s"})
  void refusesTheRest(String text) {
    assertThatThrownBy(() -> Durations.parse("timeout", text))
        .hasMessage("timeout: '" + text + "' (expected: a duration such as 250ms, 1.5s, 2m or 1h)");
  }

  @Property
  void printsWhatItReadsBack(@ForAll @LongRange(min = 0, max = 100_000_000) long millis) {
    Duration duration = Duration.ofMillis(millis);

    assertThat(Durations.parse("x", Durations.print(duration))).isEqualTo(duration);
  }
}
