package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Decision;
import io.penstock.message.Term;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DecisionsTest {
  private static double value(List<Term> terms, String name) {
    return terms.stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow().value();
  }

  /** The choice made again from the receipt alone. */
  private static ReplicaId again(Decision d) {
    return switch (RoutingStrategy.of(d.strategy()).orElseThrow()) {
      case ROUND_ROBIN -> {
        double least = d.rows().stream().mapToDouble(row -> score(d, row)).min().orElseThrow();
        yield d.rows().stream()
            .filter(row -> score(d, row) <= least + 1e-9)
            .map(Decision.Row::replica)
            .min(Comparator.naturalOrder())
            .orElseThrow();
      }
      case LEAST_LOADED, PREFIX_CACHE, CAPABILITY_BASED -> least(d, 0);
      case PREDICTED_LATENCY -> least(d, PredictedLatency.NEAR);
      case RANDOM -> drawn(d, value(d.terms(), "draw")).replica();
      case POWER_OF_TWO -> {
        Decision.Row one = drawn(d, value(d.terms(), "draw_1"));
        Decision.Row other = drawn(d, value(d.terms(), "draw_2"));
        yield BY_LOAD.compare(other, one) < 0 ? other.replica() : one.replica();
      }
      case HASH_BASED -> d.chosen();
    };
  }

  private static final Comparator<Decision.Row> BY_LOAD =
      Comparator.<Decision.Row>comparingDouble(
              row -> value(row.inputs(), "load") / value(row.inputs(), "limit"))
          .thenComparingDouble(
              row -> value(row.inputs(), "zone_live") / value(row.inputs(), "zone_slots"))
          .thenComparingDouble(row -> -value(row.inputs(), "weight"))
          .thenComparingDouble(row -> value(row.inputs(), "last_grant"));

  /** The score, from its inputs. */
  private static double score(Decision d, Decision.Row row) {
    int load = (int) value(row.inputs(), "load");
    return switch (RoutingStrategy.of(d.strategy()).orElseThrow()) {
      case PREDICTED_LATENCY ->
          PredictedLatency.cost(
              value(row.inputs(), "wait_ms"),
              value(row.inputs(), "read_ms"),
              value(d.terms(), "mean_load"),
              value(d.terms(), "answer_tokens"),
              value(row.inputs(), "step_ms"),
              value(row.inputs(), "step_ms_per_request"),
              load);
      case PREFIX_CACHE ->
          -PrefixAffinity.score(
              load,
              (int) value(row.inputs(), "limit"),
              (int)
                  (value(row.inputs(), "cached_tokens")
                      - value(d.terms(), "cached_everywhere_tokens")),
              value(d.terms(), "mean_load_of_limit"),
              (int) value(d.terms(), "prompt_tokens"));
      case ROUND_ROBIN -> -value(row.inputs(), "credit");
      case CAPABILITY_BASED -> value(row.inputs(), "capabilities");
      case LEAST_LOADED, RANDOM, POWER_OF_TWO, HASH_BASED -> load / value(row.inputs(), "limit");
    };
  }

  private static ReplicaId least(Decision d, double near) {
    double least = d.rows().stream().mapToDouble(row -> score(d, row)).min().orElseThrow();
    return d.rows().stream()
        .filter(row -> score(d, row) <= (near == 0 ? least : least * (1 + near)))
        .min(BY_LOAD)
        .orElseThrow()
        .replica();
  }

  /** Rows come by score; draws go by the order of the list, which here is that of the names. */
  private static Decision.Row drawn(Decision d, double draw) {
    List<Decision.Row> inOrder = new ArrayList<>(d.rows());
    inOrder.sort(Comparator.comparing(Decision.Row::replica));
    double left = draw * inOrder.stream().mapToDouble(row -> value(row.inputs(), "weight")).sum();
    for (Decision.Row row : inOrder) {
      left -= value(row.inputs(), "weight");
      if (left < 0) {
        return row;
      }
    }
    return inOrder.get(inOrder.size() - 1);
  }

  @ParameterizedTest
  @EnumSource(RoutingStrategy.class)
  void aChoiceCanBeMadeAgainFromItsReceipt(RoutingStrategy strategy) {
    LittleFleet fleet = new LittleFleet(strategy, 50, LittleFleet.alike(8, 3_000), 3);
    Random random = new Random(1);
    double at = 0;
    for (int i = 0; i < 600; i++) {
      at += -Math.log(1 - random.nextDouble()) * 60;
      int session = random.nextInt(40);
      fleet.ask(
          at, LittleFleet.prompt(new int[] {1}, new Random(session), 10 + random.nextInt(40)), 50);
    }
    fleet.run();
    List<Decision> told = fleet.decisions().last(Optional.empty(), 1_000, fleet.now());
    assertThat(told).hasSize(DecisionLog.KEPT_MAX);
    for (Decision each : told) {
      assertThat(each.strategy()).isEqualTo(strategy.label());
      assertThat(each.candidates()).isBetween(1, 8);
      assertThat(each.rows()).hasSize(each.candidates());
      assertThat(again(each)).as(each.toString()).isEqualTo(each.chosen());
      for (Decision.Row row : each.rows()) {
        assertThat(row.score()).isEqualTo(score(each, row));
      }
    }
  }

  private static Decision decision(String request) {
    return new Decision(
        new RequestId(request), 1, 0, "random", new ReplicaId("r"), "", 1, List.of(), List.of());
  }

  @Test
  void aRemarkStandsInTheLatestReceiptOfItsRequest() {
    DecisionLog log = new DecisionLog();
    log.remark(new RequestId("unknown"), "nothing happens");
    for (int i = 0; i < DecisionLog.KEPT_MAX + 3; i++) {
      log.add(decision("r-" + i % 100), Set.of(), i);
    }
    log.remark(new RequestId("r-7"), "served all the same");
    List<Decision> told = log.last(Optional.of(new RequestId("r-7")), 10, 1_000);
    assertThat(told).extracting(Decision::remark).startsWith(Optional.of("served all the same"));
    assertThat(told.stream().filter(each -> each.remark().isPresent())).hasSize(1);
    assertThat(log.last(Optional.empty(), 1_000, 1_000).stream())
        .filteredOn(each -> each.remark().isPresent())
        .hasSize(1);
  }

  @Test
  void keepsAllWhereFewAreMadeAndASampleOfMany() {
    DecisionLog log = new DecisionLog();
    int kept = 0;
    for (long now = 0; now < 10_000; now += 100) {
      kept += log.samples(now) ? 1 : 0;
    }
    assertThat(kept).isEqualTo(100);
    kept = 0;
    for (long now = 10_000; now < 20_000; now++) {
      kept += log.samples(now) ? 1 : 0;
    }
    assertThat(kept).isBetween(200, 220);
  }

  @Test
  void tellsTheNewestFirstAndDropsTheOldest() {
    DecisionLog log = new DecisionLog();
    for (int i = 0; i < DecisionLog.KEPT_MAX + 10; i++) {
      log.add(decision("q" + i), Set.of(new RequestId("c" + i)), i);
    }
    assertThat(log.last(Optional.empty(), 2, 1_000))
        .extracting(d -> d.request().value())
        .containsExactly("q265", "q264");
    assertThat(log.last(Optional.of(new RequestId("q100")), 5, 1_000))
        .singleElement()
        .satisfies(d -> assertThat(d.ageMillis()).isEqualTo(900));
    assertThat(log.last(Optional.of(new RequestId("c100")), 5, 1_000))
        .as("who went in the same call")
        .containsExactly(decision("c100").aged(900));
    assertThat(log.last(Optional.of(new RequestId("q9")), 5, 1_000)).isEmpty();
    assertThat(log.last(Optional.of(new RequestId("c9")), 5, 1_000)).isEmpty();
  }

  @Test
  void ofManyCandidatesTheBestAreToldAndTheChosen() {
    LittleFleet fleet = new LittleFleet(RoutingStrategy.RANDOM, 50, LittleFleet.alike(200, 100), 3);
    for (int i = 0; i < 50; i++) {
      fleet.ask(i * 100.0, LittleFleet.prompt(new int[0], new Random(i), 3), 50);
    }
    fleet.run();
    assertThat(fleet.decisions().last(Optional.empty(), 50, fleet.now()))
        .hasSize(50)
        .allSatisfy(
            d -> {
              assertThat(d.candidates()).isEqualTo(200);
              assertThat(d.rows()).hasSize(Decision.ROWS_MAX);
              assertThat(d.rows()).anyMatch(row -> row.replica().equals(d.chosen()));
            });
  }
}
