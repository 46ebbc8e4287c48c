package io.penstock.replay;

import io.penstock.load.Durations;
import java.util.Locale;

/** The report as a table. */
final class TextReport {
  private final ReplayReport report;
  private final StringBuilder out = new StringBuilder();

  private TextReport(ReplayReport report) {
    this.report = report;
  }

  static String of(ReplayReport report) {
    TextReport text = new TextReport(report);
    text.write();
    return text.out.toString();
  }

  private void write() {
    ReplayConfig config = report.config();
    line(
        "trace   %s, %,d requests, KV blocks of %d tokens",
        report.traceName(), report.traceRows(), report.blockTokens());
    line("fleet   %s", report.fleetInWords());
    line("load    %s, seed %d", report.loadInWords(), config.seed());
    line(
        "good    within %s%s",
        config.goodput(),
        config.warmup().isZero()
            ? ""
            : ", of what arrives after " + Durations.print(config.warmup()));
    line("");
    line(
        "%-17s %8s %6s %7s  %15s  %13s %7s  %6s %6s  %5s  %13s %7s  %s",
        "",
        "",
        "good",
        "good/s",
        "TTFT ms",
        "ITL ms",
        "answer",
        "hits",
        "of inf",
        "imbal",
        "queue ms",
        "not ok",
        report.hasCost() ? " $/1000" : "");
    line(
        "%-17s %8s %6s %7s  %7s %7s  %6s %6s %7s  %6s %6s  %5s  %6s %6s %7s  %s",
        "policy",
        "requests",
        "%",
        "",
        "p50",
        "p99",
        "p50",
        "p99",
        "p99",
        "%",
        "%",
        "ance",
        "mean",
        "p99",
        "",
        report.hasCost() ? "   good" : "");
    report.results().forEach(this::row);
    if (report.results().stream().anyMatch(each -> each.counted() > each.of(Call.End.OK))) {
      line("");
      report.results().forEach(this::notOk);
    }
  }

  private void row(Result r) {
    line(
        "%-17s %,8d %6.1f %7.2f  %,7.0f %,7.0f  %6.1f %6.1f %7.1f  %6.1f %6.1f  %5.2f  %,6.0f %,6.0f %,7d  %s",
        r.policy(),
        r.counted(),
        100 * r.goodShare(),
        r.good() / Math.max(1e-9, r.seconds() - report.config().warmup().toNanos() / 1e9),
        r.firstToken().p50(),
        r.firstToken().p99(),
        r.gaps().p50(),
        r.gaps().p99(),
        r.meanGaps().p99(),
        100 * r.hitShare(),
        100 * r.hitShareOfInfinite(),
        r.imbalance(),
        r.waits().mean(),
        r.waits().p99(),
        r.counted() - r.of(Call.End.OK),
        report.hasCost()
            ? String.format(Locale.ROOT, "%7s", report.usdPerThousandGoodInWords(r))
            : "");
  }

  private void notOk(Result r) {
    StringBuilder parts = new StringBuilder();
    for (Call.End end : Call.End.values()) {
      if (end != Call.End.OK && r.of(end) > 0) {
        parts.append(String.format(Locale.ROOT, "  %,d %s", r.of(end), end.label()));
      }
    }
    if (parts.length() > 0) {
      line("%-17s%s", r.policy(), parts);
    }
  }

  private void line(String format, Object... args) {
    out.append(String.format(Locale.ROOT, format, args).stripTrailing()).append('\n');
  }
}
