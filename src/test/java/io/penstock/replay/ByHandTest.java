package io.penstock.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.penstock.load.Goodput;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Figures that can be worked out on paper: a step takes 10 ms, a prompt token 1 ms more. */
class ByHandTest {
  private static final Offset<Double> EXACTLY = within(1e-6);

  @TempDir Path folder;

  @Test
  void oneRequest() {
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":100,\"out\":3}");

    Result r = Samples.run(Samples.tiny(folder, 1, 8, ""), trace, "least_loaded");

    assertThat(r.firstToken().p50()).isCloseTo(110, EXACTLY); // 10 + 100 · 1
    assertThat(r.meanGaps().p50()).isCloseTo(10, within(0.01));
    assertThat(r.seconds()).isCloseTo(0.130, EXACTLY);
    assertThat(r.outputTokens()).isEqualTo(3);
    assertThat(r.replicas().get(0).computedTokens()).isEqualTo(100);
    assertThat(r.replicas().get(0).liveSeconds()).isCloseTo(0.130, EXACTLY);
    assertThat(r.goodShare()).isEqualTo(1);
  }

  @Test
  void whatAThousandGoodRequestsCost() {
    Path fleet =
        Samples.file(
            folder,
            "fleet.json",
            "{"
                + Samples.TINY_GPU
                + "\"pools\":[{\"replicas\":[{\"name\":\"r\",\"count\":2,\"profile\":\"tiny\",\"usd_per_hour\":1.8}]}]}");
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":100,\"out\":3}");
    ReplayConfig config =
        new ReplayConfig(
            trace,
            fleet,
            List.of("random"),
            new ReplayConfig.Load.AsTraced(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            Optional.empty(),
            Duration.ZERO,
            Samples.BOUNDS,
            1);

    ReplayReport report = Replay.of(config).run(DeterminismTest.NOBODY);

    // 3.6 dollars an hour for 0.13 s, and one request: 0.00013 dollars.
    assertThat(report.usdPerThousandGood(report.results().get(0)).orElseThrow())
        .isCloseTo(0.13, EXACTLY);
    assertThat(report.toText()).contains("2 replicas, $3.60 an hour").contains("  0.130\n");
    assertThat(report.toJson()).contains("\"usd_per_1000_good\" : 0.13");
    assertThat(report.toHtml()).contains("<td>0.130</td>");
  }

  @Test
  void whereNoneWasGoodNobodyKnowsWhatAThousandCost() {
    Path fleet =
        Samples.file(
            folder,
            "fleet.json",
            "{"
                + Samples.TINY_GPU
                + "\"pools\":[{\"replicas\":[{\"name\":\"r\",\"profile\":\"tiny\",\"usd_per_hour\":1.8}]}]}");
    ReplayReport report =
        Replay.of(
                new ReplayConfig(
                    Samples.trace(folder, "{\"t\":0,\"in\":100,\"out\":3}"),
                    fleet,
                    List.of("random"),
                    new ReplayConfig.Load.AsTraced(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    Optional.empty(),
                    Duration.ZERO,
                    Goodput.parse("ttft=1ms"),
                    1))
            .run(DeterminismTest.NOBODY);

    assertThat(report.results().get(0).good()).isZero();
    assertThat(report.usdPerThousandGood(report.results().get(0))).isEmpty();
    assertThat(report.toText()).contains("      -\n");
    assertThat(report.toJson()).contains("\"usd_per_1000_good\" : null");
    assertThat(report.toHtml()).contains("<td>-</td>");
  }

  @Test
  void theSecondWaitsForTheOnlySlot() {
    Path trace =
        Samples.trace(
            folder, "{\"t\":0,\"in\":100,\"out\":3}", "{\"t\":0.05,\"in\":100,\"out\":3}");

    Result r = Samples.run(Samples.tiny(folder, 1, 1, ""), trace, "least_loaded");

    // The slot is free at 130 ms; the second has waited for 80 ms then, and its prompt takes 110.
    assertThat(r.waits().p99()).isCloseTo(80, EXACTLY);
    assertThat(r.waits().mean()).isCloseTo(40, EXACTLY);
    assertThat(r.firstToken().p99()).isCloseTo(190, EXACTLY);
    assertThat(r.seconds()).isCloseTo(0.260, EXACTLY);
  }

  @Test
  void twoOfAPromptShareWhatIsCached() {
    String prompt = "\"in\":64,\"out\":1,\"blk\":[[7,4]]}";
    Path trace = Samples.trace(folder, "{\"t\":0," + prompt, "{\"t\":1.5," + prompt);

    Result r = Samples.run(Samples.tiny(folder, 1, 8, ""), trace, "least_loaded");

    // Of the four blocks three can be had from the cache, since one token is always computed.
    assertThat(r.cachedTokens()).isEqualTo(48).isEqualTo(r.everCachedTokens());
    assertThat(r.hitShare()).isCloseTo(48 / 128.0, EXACTLY);
    assertThat(r.hitShareOfInfinite()).isEqualTo(1);
    assertThat(r.firstToken().p50()).isCloseTo(26, EXACTLY); // 10 + 16 · 1
    assertThat(r.firstToken().p99()).isCloseTo(74, EXACTLY); // 10 + 64 · 1
  }

  @Test
  void onTwoReplicasNothingIsSharedWhereTheyTakeTurns() {
    String prompt = "\"in\":64,\"out\":1,\"blk\":[[7,4]]}";
    Path trace = Samples.trace(folder, "{\"t\":0," + prompt, "{\"t\":1.5," + prompt);
    SimFleet fleet = Samples.tiny(folder, 2, 8, "");

    Result turns = Samples.run(fleet, trace, "round_robin");
    Result omniscient = Samples.run(fleet, trace, "omniscient");

    assertThat(turns.hitShareOfInfinite()).isZero();
    assertThat(turns.imbalance()).isCloseTo(1, EXACTLY);
    assertThat(omniscient.hitShareOfInfinite()).isEqualTo(1);
    assertThat(omniscient.imbalance()).isCloseTo(2, EXACTLY);
  }

  @Test
  void aSlowReplicaTakesItsTimesAsLong() {
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":100,\"out\":3}");
    String slow = "{\"replica\":\"r\",\"at\":\"0s\",\"what\":\"slow\",\"factor\":4}";

    Result r = Samples.run(Samples.tiny(folder, 1, 8, slow), trace, "least_loaded");

    assertThat(r.firstToken().p50()).isCloseTo(440, EXACTLY);
    assertThat(r.seconds()).isCloseTo(0.520, EXACTLY);
    assertThat(r.goodShare()).isZero(); // 40 ms between tokens
  }

  @Test
  void whatADeadReplicaHadWrittenIsNotWrittenAgain() {
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":100,\"out\":11}");
    String dies = "{\"replica\":\"r-0\",\"at\":\"145ms\",\"what\":\"down\"}";

    Result r = Samples.run(Samples.tiny(folder, 2, 8, dies), trace, "least_loaded");

    // Tokens at 110, 120, 130, 140; then the other reads 104 tokens from 145 on: 259, and 6 more.
    assertThat(r.firstToken().p50()).isCloseTo(110, EXACTLY);
    assertThat(r.seconds()).isCloseTo(0.319, EXACTLY);
    assertThat(r.retries()).isEqualTo(1);
    assertThat(r.replicas()).extracting(Result.OfReplica::generatedTokens).containsExactly(4L, 7L);
    assertThat(r.outputTokens()).isEqualTo(11);
  }

  @Test
  void aSessionGoesOnAfterItsAnswerAndItsThinkTime() {
    Path trace =
        Samples.trace(
            folder,
            "{\"t\":0,\"in\":100,\"out\":3,\"s\":1}",
            "{\"t\":9,\"in\":100,\"out\":3,\"s\":1,\"think\":2.5}",
            "{\"t\":0,\"in\":100,\"out\":3,\"s\":2}");
    Workload workload = Samples.workload(trace, Samples.ALL, 1);
    Source source = workload.source(0.001); // sessions are minutes apart

    Call first = source.take();
    long firstEnds = first.arrivedNanos + 130_000_000;
    boolean isOfTwo = first.row == 0;
    source.ended(first, firstEnds);
    Call second = source.take();
    if (!isOfTwo) {
      source.ended(second, second.arrivedNanos + 130_000_000);
      second = source.take();
      firstEnds = second.arrivedNanos - 2_500_000_000L;
    }

    assertThat(second.row).isEqualTo(1);
    assertThat(second.arrivedNanos).isEqualTo(firstEnds + 2_500_000_000L);
  }
}
