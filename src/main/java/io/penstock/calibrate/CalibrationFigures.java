package io.penstock.calibrate;

import io.penstock.calibrate.Bootstrap.Interval;
import io.penstock.calibrate.GainCurve.Figures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * All figures of a calibration, for {@link TextReport} and {@link JsonReport}.
 *
 * @param subsets how many there are
 * @param dimension of embeddings; 0 without
 * @param routers the learned one first
 * @param leads of the learned router over each other one
 * @param bySubset in the order of their names
 * @param costs none where they can not be compared, for {@code noCosts}
 */
record CalibrationFigures(
    CalibrationConfig config,
    String weak,
    String strong,
    int subsets,
    int dimension,
    Totals totals,
    List<Router> routers,
    List<Lead> leads,
    List<Subset> bySubset,
    List<CostTable.Row> costs,
    String noCosts) {
  static final String LEARNED = "learned";
  static final String SURFACE = "surface";
  static final String LENGTH = "length";
  static final String RANDOM = "random";

  /** A subset with less of the mean gap has no APGR. */
  private static final double GAP_PART_MIN = 0.25;

  /** Steps of the curves: a hundredth each. */
  private static final int STEPS = 100;

  /**
   * One way of routing.
   *
   * @param pgr at 0, 0.01, ..., 1 of the requests to the better model
   */
  record Router(String name, Interval apgr, Interval cpt50, Interval cpt80, List<Double> pgr) {
    /** At a share of so many hundredths. */
    double pgr(int hundredths) {
      return pgr.get(hundredths);
    }
  }

  /** By how much the learned router's APGR is above another's. */
  record Lead(String over, Interval apgr) {}

  /**
   * One kind of task.
   *
   * @param apgr by each router, of this subset's requests alone; none where the better model scores
   *     less than a quarter as much more as it does over all, since that is what it is divided by
   */
  record Subset(String name, Totals totals, List<OptionalDouble> apgr) {}

  /**
   * Makes them.
   *
   * @param scored the learned way first
   */
  static CalibrationFigures of(
      CalibrationConfig config,
      String weak,
      String strong,
      List<Sample> samples,
      List<Scored> scored) {
    Random random = new Random(config.seed());
    List<GainCurve> curves = scored.stream().map(each -> each.curve(samples)).toList();
    Bootstrap bootstrap = new Bootstrap(curves, config.resamples(), random);
    List<Router> routers = new ArrayList<>();
    List<Lead> leads = new ArrayList<>();
    for (int c = 0; c < curves.size(); c++) {
      GainCurve curve = curves.get(c);
      routers.add(
          new Router(
              scored.get(c).name(),
              bootstrap.of(c, Figures::apgr),
              bootstrap.of(c, Figures::cpt50),
              bootstrap.of(c, Figures::cpt80),
              IntStream.rangeClosed(0, STEPS)
                  .mapToObj(step -> curve.pgr((double) step / STEPS))
                  .toList()));
      if (c > 0) {
        leads.add(new Lead(scored.get(c).name(), bootstrap.lead(0, c)));
      }
    }
    routers.add(chance());
    List<Subset> bySubset = bySubset(samples, scored);
    CostTable table = new CostTable(samples);
    String noCosts = table.whyNot(weak);
    return new CalibrationFigures(
        config,
        weak,
        strong,
        bySubset.size(),
        samples.get(0).vector().length,
        table.totals(),
        routers,
        leads,
        bySubset,
        noCosts.isEmpty() ? table.rows(curves.get(0), random) : List.of(),
        noCosts);
  }

  /** What knows nothing, by arithmetic. */
  private static Router chance() {
    return new Router(
        RANDOM,
        exactly(0.5),
        exactly(0.5),
        exactly(0.8),
        IntStream.rangeClosed(0, STEPS).mapToObj(step -> (double) step / STEPS).toList());
  }

  private static Interval exactly(double value) {
    return new Interval(value, value, value);
  }

  private static List<Subset> bySubset(List<Sample> samples, List<Scored> scored) {
    Map<String, List<Integer>> members = new TreeMap<>();
    for (int i = 0; i < samples.size(); i++) {
      members.computeIfAbsent(samples.get(i).subset(), name -> new ArrayList<>()).add(i);
    }
    Totals all = Totals.of(samples);
    double least = GAP_PART_MIN * all.gap() / all.count();
    List<Subset> subsets = new ArrayList<>();
    members.forEach(
        (name, of) -> {
          int[] some = of.stream().mapToInt(i -> i).toArray();
          Totals totals = Totals.of(Arrays.stream(some).mapToObj(samples::get).toList());
          subsets.add(
              new Subset(
                  name,
                  totals,
                  scored.stream()
                      .map(
                          each ->
                              totals.gap() / totals.count() >= least
                                  ? OptionalDouble.of(each.curve(samples, some).figures().apgr())
                                  : OptionalDouble.empty())
                      .toList()));
        });
    return subsets;
  }
}
