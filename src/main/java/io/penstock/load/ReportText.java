package io.penstock.load;

import java.util.Comparator;
import java.util.Locale;
import java.util.Map;

/** The report as a table. */
final class ReportText {
  /** A driver this late at p99 is itself part of what it measured. */
  private static final double LAG_MILLIS_WARN = 20;

  private final LoadReport report;
  private final StringBuilder out = new StringBuilder();

  private ReportText(LoadReport report) {
    this.report = report;
  }

  static String of(LoadReport report) {
    ReportText text = new ReportText(report);
    text.write();
    return text.out.toString();
  }

  private void write() {
    LoadReport.Setup setup = report.setup();
    line(
        "target     %s  %s  model %s",
        String.join(" ", setup.addresses()), setup.endpoint(), setup.model());
    line("load       %s  seed %d", setup.pace(), setup.seed());
    line(
        "requests   %,d planned  %,d sent  in %.1f s",
        report.planned(), report.sent(), report.wallSeconds());
    line("");
    outcomes();
    latencies();
    line(
        "throughput %,.2f ok requests/s  %,.0f output tokens/s  %,.0f input tokens/s",
        report.requestsPerSecond(),
        report.perSecond(report.completionTokens()),
        report.perSecond(report.promptTokens()));
    report
        .good()
        .ifPresent(
            good ->
                line(
                    "goodput    %.1f %%  %,.2f requests/s  within %s",
                    100 * report.goodShare(), report.perSecond(good.requests()), good.bounds()));
    line(
        "length     %,d of %,d ok answers as long as asked",
        report.exactOutputs(), report.outcome(Ending.OK));
    balance("replica", report.replicas());
    if (report.addresses().size() > 1) {
      balance("target", report.addresses());
    }
    failures();
    if (report.lag().p99() > LAG_MILLIS_WARN) {
      line("");
      line(
          "note       the driver sent up to %.0f ms late (p99): it was short of CPU, and latencies include it",
          report.lag().p99());
    }
  }

  private void outcomes() {
    line("%-44s %10s %8s", "outcome", "requests", "share");
    for (Ending ending : Ending.values()) {
      if (ending == Ending.OK || report.outcome(ending) > 0) {
        count(ending.label(), report.outcome(ending), report.planned());
        byCount(report.errors(), ending.label() + ": ", "  ", report.planned());
      }
    }
    line("");
  }

  private void latencies() {
    line("%-14s %10s %10s %10s %10s %10s", "ms", "p50", "p90", "p99", "max", "count");
    if (report.setup().stream()) {
      latency("first token", report.ttft());
      latency("inter-token", report.interToken());
      latency("per token", report.perToken());
    }
    latency("end to end", report.endToEnd());
    latency("driver lag", report.lag());
    line("");
  }

  private void latency(String name, Latency l) {
    line(
        "%-14s %,10.2f %,10.2f %,10.2f %,10.2f %,10d",
        name, l.p50(), l.p90(), l.p99(), l.max(), l.count());
  }

  private void balance(String title, Map<String, Long> counts) {
    if (!counts.isEmpty()) {
      line("");
      line("%-44s %10s %8s", title, "requests", "share");
      byCount(counts, "", "", counts.values().stream().mapToLong(Long::longValue).sum());
    }
  }

  private void failures() {
    if (!report.failures().isEmpty()) {
      line("");
      line("first failures (x-request-id, outcome, contents read, ms after its arrival)");
      for (LoadReport.Failure failure : report.failures()) {
        line(
            "  %s  %s: %s  %d  %.0f",
            failure.requestId(),
            failure.ending().label(),
            failure.detail(),
            failure.contents(),
            failure.atMillis());
      }
    }
  }

  private void byCount(Map<String, Long> counts, String prefix, String indent, long total) {
    counts.entrySet().stream()
        .filter(e -> e.getKey().startsWith(prefix))
        .sorted(
            Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()))
        .forEach(e -> count(indent + e.getKey().substring(prefix.length()), e.getValue(), total));
  }

  private void count(String name, long count, long total) {
    line("%-44s %,10d %6.1f %%", name, count, total == 0 ? 0.0 : 100.0 * count / total);
  }

  private void line(String format, Object... args) {
    out.append(String.format(Locale.ROOT, format, args).stripTrailing()).append('\n');
  }
}
