package io.penstock.calibrate;

import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/** The figures of a calibration as text. Pure. */
final class CalibrationReport {
  private static final double[] SHARES = {0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

  private final CalibrationConfig config;
  private final List<Sample> samples;
  private final String weak;
  private final String strong;
  private final StringBuilder out = new StringBuilder();

  CalibrationReport(CalibrationConfig config, List<Sample> samples, String weak, String strong) {
    this.config = config;
    this.samples = samples;
    this.weak = weak;
    this.strong = strong;
  }

  String text(
      GainCurve learned,
      List<GainCurve.Interval> ofLearned,
      GainCurve length,
      List<GainCurve.Interval> ofLength,
      Random random) {
    long subsets = samples.stream().map(Sample::subset).distinct().count();
    line("requests   %,d of %d subsets", samples.size(), subsets);
    line("cheaper    %s, mean score %.4f", weak, mean(false));
    line("better     %s, mean score %.4f", strong, mean(true));
    line(
        "held out   %d folds of %s, seed %d; intervals hold 95 %% of %,d resamples",
        config.folds(),
        config.bySubset() ? "whole subsets" : "random requests",
        config.seed(),
        config.resamples());
    line("");
    line("%-10s %-26s %-26s %-26s", "router", "APGR", "CPT(50 %)", "CPT(80 %)");
    line(
        "%-10s %-26s %-26s %-26s",
        "learned", cell(ofLearned, 0), cell(ofLearned, 1), cell(ofLearned, 2));
    line(
        "%-10s %-26s %-26s %-26s",
        "length", cell(ofLength, 0), cell(ofLength, 1), cell(ofLength, 2));
    line("%-10s %-26s %-26s %-26s", "random", "0.5000", "0.5000", "0.8000");
    line("");
    line(
        "part of the gap recovered (PGR) where this share of the requests goes to the better model");
    line("%-10s %s", "share", row(share -> share * 100, " %6.0f%%"));
    line("%-10s %s", "learned", row(learned::pgr, " %7.3f"));
    line("%-10s %s", "length", row(length::pgr, " %7.3f"));
    line("%-10s %s", "random", row(share -> share, " %7.3f"));
    costs(learned, random);
    return out.toString();
  }

  private void costs(GainCurve learned, Random random) {
    boolean known = samples.stream().allMatch(each -> each.strongCost() > 0 && each.weakCost() > 0);
    line("");
    if (!known) {
      line("costs are not known: give --price-weak and --price-strong");
      return;
    }
    double weakCost = samples.stream().mapToDouble(Sample::weakCost).sum();
    double strongCost = samples.stream().mapToDouble(Sample::strongCost).sum();
    if (weakCost >= strongCost) {
      line("%s costs no less: there is nothing to save by it", weak);
      return;
    }
    line("%-30s %10s %10s %10s", "way", "cost", "score", "to better");
    for (CostTable.Row each : new CostTable(samples).rows(learned, random)) {
      line(
          "%-30s %9.1f%% %10.4f %9.1f%%",
          each.name(), each.cost() * 100, each.score(), each.strongShare() * 100);
    }
  }

  private double mean(boolean ofStrong) {
    return samples.stream()
        .mapToDouble(each -> ofStrong ? each.strong() : each.weak())
        .average()
        .orElse(0);
  }

  private static String cell(List<GainCurve.Interval> of, int at) {
    GainCurve.Interval each = of.get(at);
    return String.format(Locale.ROOT, "%.4f [%.4f, %.4f]", each.value(), each.low(), each.high());
  }

  private static String row(DoubleUnaryOperator of, String format) {
    StringBuilder row = new StringBuilder();
    for (double share : SHARES) {
      row.append(String.format(Locale.ROOT, format, of.applyAsDouble(share)));
    }
    return row.toString();
  }

  private void line(String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }
}
