package io.penstock.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever happens to replicas, nothing is lost and nothing is counted twice. */
class ConservationTest {
  @TempDir Path folder;

  static List<String> policies() {
    return Policy.names();
  }

  private static String events(SplittableRandom random, int replicas) {
    StringBuilder events = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      boolean dies = random.nextBoolean();
      events.append(i == 0 ? "" : ",");
      events.append(
          "{\"replica\":\"r-%d\",\"at\":\"%dms\",\"for\":\"%dms\",%s}"
              .formatted(
                  random.nextInt(replicas),
                  random.nextInt(25_000),
                  200 + random.nextInt(4_000),
                  dies ? "\"what\":\"down\"" : "\"what\":\"slow\",\"factor\":3"));
    }
    return events.toString();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void everyRequestEndsOnceAndTokensAddUp(String policy) {
    int retries = 0;
    int tooLong = 0;
    for (long seed = 1; seed <= 3; seed++) {
      SimFleet fleet = Samples.tiny(folder, 4, 5, events(new SplittableRandom(seed), 4));
      Path trace = Samples.trace(folder, Samples.conversations(seed, 300).toArray(new String[0]));
      Workload.Extent extent = new Workload.Extent(OptionalInt.of(500), Optional.empty());
      Workload workload = Samples.workload(trace, extent, seed);

      Result r = Samples.run(fleet, workload, 12, policy, seed);

      String run = policy + ", seed " + seed;
      assertThat(r.sent()).as(run).isEqualTo(500).isEqualTo(r.ended()).isEqualTo(r.counted());
      assertThat(r.ends().values().stream().mapToInt(n -> n).sum()).as(run).isEqualTo(500);
      assertThat(r.replicas().stream().mapToLong(Result.OfReplica::generatedTokens).sum())
          .as(run)
          .isEqualTo(r.allOutputTokens());
      assertThat(r.firstToken().count()).as(run).isEqualTo(r.of(Call.End.OK));
      assertThat(r.good()).as(run).isPositive().isLessThanOrEqualTo(r.of(Call.End.OK));
      assertThat(r.cachedTokens()).as(run).isPositive().isLessThan(r.promptTokens());
      retries += (int) r.retries();
      tooLong += r.of(Call.End.TOO_LONG);
    }
    assertThat(retries).as("replicas died under requests").isPositive();
    assertThat(tooLong).isZero();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void whatIsTooLongOrTooMuchIsToldSo(String policy) {
    Path fleet =
        Samples.file(
            folder,
            "fleet.json",
            "{"
                + Samples.TINY_GPU
                + """
                "pools": [ { "name": "p", "max_waiting": 3, "queue_seconds": 0.5,
                  "replicas": [ { "name": "r", "profile": "tiny", "max_concurrent": 2 } ] } ] }
                """);
    Path trace =
        Samples.trace(
            folder,
            "{\"t\":0.01,\"in\":1024,\"out\":1}",
            "{\"t\":0.02,\"in\":400,\"out\":100}",
            "{\"t\":0.03,\"in\":400,\"out\":100}",
            "{\"t\":0.04,\"in\":400,\"out\":1}",
            "{\"t\":0.05,\"in\":400,\"out\":1}",
            "{\"t\":0.06,\"in\":400,\"out\":1}",
            "{\"t\":0.07,\"in\":400,\"out\":1}");

    Result r = Samples.run(FleetFile.read(fleet), trace, policy);

    assertThat(r.of(Call.End.TOO_LONG)).isEqualTo(1); // 1,025 tokens where 1,024 fit
    assertThat(r.of(Call.End.OK)).isEqualTo(2);
    assertThat(r.of(Call.End.REFUSED)).isEqualTo(4); // one at once, three after half a second
    assertThat(r.ended()).isEqualTo(7);
  }

  @ParameterizedTest
  @MethodSource("policies")
  void aReplicaThatDiesUnderALongQueueFailsAllThatItIsGiven(String policy) {
    String dies = "{\"replica\":\"r\",\"at\":\"400ms\",\"what\":\"down\",\"for\":\"9s\"}";
    String[] rows = new String[4_000];
    Arrays.fill(rows, "{\"t\":0.01,\"in\":16,\"out\":5}");
    SimFleet fleet = Samples.tiny(folder, 1, 1, dies);

    Result r = Samples.run(fleet, Samples.trace(folder, rows), policy);

    assertThat(r.ended()).isEqualTo(4_000);
    assertThat(r.retries()).isPositive();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void sessionsArePlayedToTheirEnd(String policy) {
    Path trace =
        Samples.trace(
            folder,
            "{\"t\":0,\"in\":64,\"out\":3,\"s\":1,\"blk\":[[100,4]]}",
            "{\"t\":2,\"in\":96,\"out\":3,\"s\":1,\"think\":1,\"blk\":[[100,6]]}",
            "{\"t\":4,\"in\":128,\"out\":3,\"s\":1,\"think\":1,\"blk\":[[100,8]]}",
            "{\"t\":0,\"in\":64,\"out\":3,\"s\":2,\"blk\":[[200,4]]}",
            "{\"t\":3,\"in\":96,\"out\":3,\"s\":2,\"think\":1,\"blk\":[[200,6]]}");
    SimFleet fleet = Samples.tiny(folder, 2, 8, "");

    Result once = Samples.run(fleet, Samples.workload(trace, Samples.ALL, 1), 0.5, policy, 1);
    Workload.Extent minute =
        new Workload.Extent(OptionalInt.empty(), Optional.of(Duration.ofMinutes(1)));
    Result again = Samples.run(fleet, Samples.workload(trace, minute, 1), 0.5, policy, 1);

    assertThat(once.of(Call.End.OK)).isEqualTo(5);
    assertThat(once.everCachedTokens()).isEqualTo(64 + 96 + 64);
    assertThat(again.of(Call.End.OK)).isBetween(30, 150).isEqualTo(again.sent());
  }
}
