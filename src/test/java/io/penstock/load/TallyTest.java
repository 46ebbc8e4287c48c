package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TallyTest {
  private static final LoadReport.Setup SETUP =
      new LoadReport.Setup(List.of("http://x"), "chat", "m", "closed loop of 1", true, 1);
  private final Tally tally = new Tally(Optional.of(Goodput.parse("ttft=100ms,itl=10ms")), true);

  private static long millis(double millis) {
    return (long) (millis * 1e6);
  }

  private void ok(double ttftMillis, double contentMillis, int tokens, @Nullable String replica) {
    tally.sent(0);
    tally.ended(
        new Ended(
            new Verdict(Ending.OK, "", tokens, 50, tokens),
            "r",
            "http://x",
            replica,
            millis(ttftMillis),
            millis(contentMillis),
            millis(ttftMillis + contentMillis),
            10));
  }

  private void failed(Ending ending, String detail) {
    tally.sent(0);
    tally.ended(new Ended(Verdict.of(ending, detail), "r1", "http://x", null, 0, 0, millis(7), 10));
  }

  @Test
  void percentilesOfWhatWasOk() {
    for (int i = 1; i <= 100; i++) {
      ok(i, 90, 10, null);
    }
    failed(Ending.TIMEOUT, "before any content");

    LoadReport report = tally.report(SETUP, 10);

    assertThat(report.ttft().count()).isEqualTo(100);
    assertThat(report.ttft().p50()).isCloseTo(50, within(0.1));
    assertThat(report.ttft().p90()).isCloseTo(90, within(0.1));
    assertThat(report.ttft().p99()).isCloseTo(99, within(0.1));
    assertThat(report.ttft().max()).isCloseTo(100, within(0.1));
    assertThat(report.perToken().p50()).isCloseTo(10, within(0.01));
    assertThat(report.endToEnd().max()).isCloseTo(190, within(0.2));
    assertThat(report.requestsPerSecond()).isEqualTo(10);
    assertThat(report.completionTokens()).isEqualTo(1000);
    assertThat(report.promptTokens()).isEqualTo(5000);
    assertThat(report.exactOutputs()).isEqualTo(100);
  }

  @Test
  void goodputCountsWhatFailedAndWhatWasShedAsNotGood() {
    ok(50, 90, 10, null); // good: 10 ms a token
    ok(50, 99, 10, null); // 11 ms a token
    ok(101, 90, 10, null); // first token late
    ok(100, 0, 1, null); // good: one token has no gap
    failed(Ending.HTTP_ERROR, "429 queue_full");
    tally.shed();
    failed(Ending.INTERRUPTED, "in mid-stream");

    LoadReport report = tally.report(SETUP, 4);

    assertThat(report.good()).contains(new LoadReport.Good("ttft=100ms,itl=10ms", 2));
    assertThat(report.goodShare()).isCloseTo(2 / 6.0, within(1e-9));
    assertThat(report.planned()).isEqualTo(7);
    assertThat(report.sent()).isEqualTo(6);
  }

  @Test
  void everyPlannedRequestHasOneEnding() {
    ok(1, 1, 2, null);
    for (Ending ending : Ending.values()) {
      if (ending != Ending.OK && ending != Ending.SHED) {
        failed(ending, "x");
      }
    }
    tally.shed();

    LoadReport report = tally.report(SETUP, 1);

    assertThat(report.outcomes().values().stream().mapToLong(Long::longValue).sum())
        .isEqualTo(report.planned())
        .isEqualTo(Ending.values().length);
    assertThat(report.outcomes()).allSatisfy((ending, count) -> assertThat(count).isEqualTo(1));
  }

  @Test
  void tokensReadTogetherHaveNoGapBetweenThem() {
    tally.firstContents(1);
    tally.nextContents(1, millis(20));
    tally.nextContents(3, millis(40));

    Latency gaps = tally.report(SETUP, 1).interToken();

    assertThat(gaps.count()).isEqualTo(4);
    assertThat(gaps.p50()).isZero();
    assertThat(gaps.max()).isCloseTo(40, within(0.1));
  }

  @Test
  void cleanMeansAllWholeAndNothingShed() {
    assertThat(tally.report(SETUP, 1).isClean()).as("nothing sent").isFalse();
    ok(1, 1, 2, null);
    failed(Ending.INTERRUPTED, "x");
    assertThat(tally.report(SETUP, 1).isClean()).isTrue();
    tally.shed();
    assertThat(tally.report(SETUP, 1).isClean()).isFalse();
  }

  @Test
  void countsOfErrorsAndReplicasAreBounded() {
    for (int i = 0; i < Tally.KEYS_MAX + 50; i++) {
      failed(Ending.HTTP_ERROR, "500 code" + i);
      ok(1, 1, 2, "replica" + i);
    }

    LoadReport report = tally.report(SETUP, 1);

    assertThat(report.errors()).hasSize(Tally.KEYS_MAX + 1).containsEntry(Tally.OTHER, 50L);
    assertThat(report.replicas()).hasSize(Tally.KEYS_MAX + 1).containsEntry(Tally.OTHER, 50L);
    assertThat(report.failures()).hasSize(Tally.FAILURES_MAX);
  }

  @Test
  void timesBeyondADayAreCountedAsOne() {
    ok(1e12, 1, 2, null);

    assertThat(tally.report(SETUP, 1).ttft().max())
        .isCloseTo(TimeUnit.DAYS.toMillis(1), within(1e5));
  }

  @Test
  void theTableAndTheJsonSayTheSame() {
    ok(50, 90, 10, "r-a");
    ok(60, 90, 10, "r-b");
    ok(70, 90, 9, "r-b");
    failed(Ending.HTTP_ERROR, "429 queue_full");

    LoadReport report = tally.report(SETUP, 2);

    assertThat(report.toText())
        .contains("requests   4 planned  4 sent  in 2.0 s")
        .containsPattern("(?m)^ok +3 +75\\.0 %$")
        .containsPattern("(?m)^http_error +1 +25\\.0 %$")
        .containsPattern("(?m)^  429 queue_full +1 +25\\.0 %$")
        .containsPattern("(?m)^first token +60\\.\\d+ +70\\.\\d+ +70\\.\\d+ +70\\.\\d+ +3$")
        .contains("goodput    50.0 %  1.00 requests/s  within ttft=100ms,itl=10ms")
        .contains("length     2 of 3 ok answers as long as asked")
        .containsPattern("(?m)^r-b +2 +66\\.7 %\\nr-a +1 +33\\.3 %$")
        .contains("  r1  http_error: 429 queue_full  0  7");
    assertThat(report.toJson().getJsonObject("outcomes").getLong("ok")).isEqualTo(3);
    assertThat(report.toJson().getJsonObject("errors").getLong("http_error: 429 queue_full"))
        .isEqualTo(1);
    assertThat(report.toJson().getJsonObject("goodput").getDouble("share")).isEqualTo(0.5);
    assertThat(report.toJson().getJsonObject("replicas").getLong("r-b")).isEqualTo(2);
    assertThat(report.toJson().getBoolean("clean")).isFalse();
  }
}
