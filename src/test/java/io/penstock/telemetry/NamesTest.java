package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NamesTest {
  @Test
  void everyRowHasItsHelpLine() throws IllegalAccessException {
    List<String> names = new ArrayList<>();
    for (Field field : Names.class.getFields()) {
      names.add((String) field.get(null));
    }

    assertThat(names).doesNotHaveDuplicates().hasSizeGreaterThan(10);
    assertThat(Help.LINES.keySet()).containsExactlyInAnyOrderElementsOf(names);
  }

  @Test
  void theHelpLineIsShown() {
    try (Metrics metrics = new Metrics("1")) {
      metrics.registry().counter(Names.CANCELLED, "phase", "queued");

      assertThat(metrics.scrape("").body().toString())
          .contains(
              "# HELP penstock_cancelled_total Clients that left before their request had ended\n");
    }
  }
}
