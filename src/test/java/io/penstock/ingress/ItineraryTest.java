package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import io.penstock.message.Plan;
import io.penstock.message.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ItineraryTest {
  private final Itinerary itinerary = new Itinerary();

  private void planned(String... tiers) {
    List<Stage> stages = new ArrayList<>();
    for (String each : tiers) {
      stages.add(
          new Stage(new TierName(each), new ModelName("m-" + each), List.of(new PoolName(each))));
    }
    Stage first = stages.remove(0);
    itinerary.asked(0);
    assertThat(
            itinerary.answered(
                new Plan(
                    new RequestId("r"),
                    first.model(),
                    first.pools(),
                    Optional.of(first.tier()),
                    stages)))
        .isTrue();
  }

  private void expect(String... tried) {
    assertThat(itinerary.tiers()).extracting(TierName::value).containsExactly(tried);
    assertThat(itinerary.lastTier()).contains(new TierName(tried[tried.length - 1]));
    assertThat(itinerary.model()).contains(new ModelName("m-" + tried[tried.length - 1]));
    assertThat(itinerary.pool()).isEqualTo(new PoolName(tried[tried.length - 1]));
  }

  @Test
  void goesUpTierByTierAndAnotherPlanChangesNothingOfThat() {
    planned("a", "b", "c");
    expect("a");
    itinerary.goUp();
    expect("a", "b");
    planned("a", "b", "c");
    expect("a", "b");
    itinerary.goUp();
    assertThat(itinerary.canGoUp()).isFalse();
    expect("a", "b", "c");
    planned("a", "b");
    expect("a", "b");
  }

  @Test
  void maySkipToTheTop() {
    planned("a", "b", "c");
    itinerary.goToTop();
    expect("c");
    assertThat(itinerary.canGoUp()).isFalse();
    planned("a", "b", "c");
    expect("c");
  }

  @Test
  void mayStayBelow() {
    planned("a", "b");
    assertThat(itinerary.canGoUp()).isTrue();
    itinerary.stayBelow();
    assertThat(itinerary.canGoUp()).isFalse();
    planned("a", "b");
    assertThat(itinerary.canGoUp()).isFalse();
    expect("a");
  }
}
