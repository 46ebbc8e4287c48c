package io.penstock.calibrate;

import io.penstock.calibrate.Bootstrap.Interval;
import io.penstock.calibrate.CalibrationFigures.Router;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.IntToDoubleFunction;

/** The figures of a calibration for a terminal. Pure. */
final class TextReport {
  /** In hundredths. */
  private static final int[] SHARES = {5, 10, 20, 30, 40, 50, 60, 70, 80, 90};

  private static final int SUBSETS_SHOWN_MAX = 40;
  private static final int NAME_MAX = 34;

  private final CalibrationFigures of;
  private final StringBuilder out = new StringBuilder();

  private TextReport(CalibrationFigures of) {
    this.of = of;
  }

  static String of(CalibrationFigures figures) {
    return new TextReport(figures).text();
  }

  private String text() {
    about();
    routers();
    curves();
    subsets();
    costs();
    return out.toString();
  }

  private void about() {
    Totals totals = of.totals();
    line("requests   %,d of %d subsets", totals.count(), of.subsets());
    line("cheaper    %s, mean score %.4f", of.weak(), totals.weakMean());
    line("better     %s, mean score %.4f", of.strong(), totals.strongMean());
    of.config()
        .embeddings()
        .ifPresent(
            by ->
                line(
                    "embedded   by %s, %d numbers, at most the last %,d characters",
                    by.model(), of.dimension(), by.charsMax()));
    line(
        "held out   %d folds of %s, seed %d; intervals hold 95 %% of %,d resamples",
        of.config().folds(),
        of.config().bySubset() ? "whole subsets" : "random requests",
        of.config().seed(),
        of.config().resamples());
  }

  private void routers() {
    line("");
    line("%-10s %-26s %-26s %-26s", "router", "APGR", "CPT(50 %)", "CPT(80 %)");
    for (Router each : of.routers()) {
      line(
          "%-10s %-26s %-26s %-26s",
          each.name(), cell(each.apgr()), cell(each.cpt50()), cell(each.cpt80()));
    }
    line("");
    of.leads()
        .forEach(
            lead ->
                line(
                    "APGR of learned above that of %-8s %+.4f [%+.4f, %+.4f]",
                    lead.over(), lead.apgr().value(), lead.apgr().low(), lead.apgr().high()));
  }

  private static String cell(Interval of) {
    return of.low() == of.high()
        ? String.format(Locale.ROOT, "%.4f", of.value())
        : String.format(Locale.ROOT, "%.4f [%.4f, %.4f]", of.value(), of.low(), of.high());
  }

  private void curves() {
    line("");
    line(
        "part of the gap recovered (PGR) where this share of the requests goes to the better model");
    line("%-10s %s", "share", row(share -> share, " %6.0f%%"));
    of.routers().forEach(each -> line("%-10s %s", each.name(), row(each::pgr, " %7.3f")));
  }

  private static String row(IntToDoubleFunction of, String format) {
    StringBuilder row = new StringBuilder();
    for (int share : SHARES) {
      row.append(String.format(Locale.ROOT, format, of.applyAsDouble(share)));
    }
    return row.toString();
  }

  private void subsets() {
    if (of.subsets() < 2) {
      return;
    }
    line("");
    if (of.subsets() > SUBSETS_SHOWN_MAX) {
      line("figures of each of the %d subsets: --json", of.subsets());
      return;
    }
    StringBuilder names = new StringBuilder();
    of.routers().stream()
        .limit(of.routers().size() - 1L)
        .forEach(each -> names.append(String.format(Locale.ROOT, " %8s", each.name())));
    line("%-34s %8s %8s %8s %s", "APGR by subset", "requests", "cheaper", "better", names);
    for (CalibrationFigures.Subset each : of.bySubset()) {
      StringBuilder figures = new StringBuilder();
      for (OptionalDouble apgr : each.apgr()) {
        figures.append(
            apgr.isPresent()
                ? String.format(Locale.ROOT, " %8.4f", apgr.getAsDouble())
                : String.format(Locale.ROOT, " %8s", "-"));
      }
      Totals totals = each.totals();
      line(
          "%-34s %,8d %8.4f %8.4f %s",
          name(each.name()), totals.count(), totals.weakMean(), totals.strongMean(), figures);
    }
  }

  private static String name(String subset) {
    if (subset.isEmpty()) {
      return "(none)";
    }
    return subset.length() <= NAME_MAX ? subset : subset.substring(0, NAME_MAX - 1) + "…";
  }

  private void costs() {
    line("");
    if (!of.noCosts().isEmpty()) {
      line("%s", of.noCosts());
      return;
    }
    line("%-30s %10s %10s %10s", "way", "cost", "score", "to better");
    for (CostTable.Row each : of.costs()) {
      line(
          "%-30s %9.1f%% %10.4f %9.1f%%",
          each.name(), each.cost() * 100, each.score(), each.strongShare() * 100);
    }
  }

  private void line(String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }
}
