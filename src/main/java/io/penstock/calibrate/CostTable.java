package io.penstock.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What ways of serving the same prompts cost, and what they score: the better model for all; the
 * router, at the least cost at which its score is that of the better model, or a part of the gap
 * less; cascades, in which the cheaper model answers first and the better one where a judge finds
 * that it has not done its task. Judges here know the labels and err at a given rate, so the rows
 * tell what a judge has to be worth.
 */
final class CostTable {
  /**
   * One way.
   *
   * @param cost of all samples, as a part of what the better model costs for all
   * @param score in the mean
   * @param strongShare part of the prompts that the better model answers
   */
  record Row(String name, double cost, double score, double strongShare) {}

  private final List<Sample> samples;
  private final Totals totals;

  /** From here on an answer is good: the better model's mean score; of scores 0 and 1, the 1. */
  private final double enough;

  CostTable(List<Sample> samples) {
    this.samples = samples;
    totals = Totals.of(samples);
    enough = totals.strongMean();
  }

  Totals totals() {
    return totals;
  }

  /** Why there is nothing to compare; empty where there is. */
  String whyNot(String weak) {
    if (!totals.costsKnown()) {
      return "costs are not known: give --price-weak and --price-strong";
    }
    return totals.weakCost() < totals.strongCost()
        ? ""
        : weak + " costs no less: there is nothing to save by it";
  }

  /**
   * The rows.
   *
   * @param curve of the router's held-out scores
   */
  List<Row> rows(GainCurve curve, Random random) {
    List<Row> rows = new ArrayList<>();
    rows.add(new Row("better model for all", 1, totals.strongMean(), 1));
    rows.add(
        new Row(
            "cheaper model for all",
            totals.weakCost() / totals.strongCost(),
            totals.weakMean(),
            0));
    rows.add(router("router, equal score", curve, 1));
    rows.add(router("router, 95 % of the gap", curve, 0.95));
    rows.add(router("router, 90 % of the gap", curve, 0.9));
    rows.add(cascade("cascade, judge never wrong", 0, random));
    rows.add(cascade("cascade, judge wrong in 10 %", 0.1, random));
    rows.add(cascade("cascade, judge wrong in 20 %", 0.2, random));
    return rows;
  }

  private Row router(String name, GainCurve curve, double part) {
    double target = totals.weak() + part * totals.gap();
    double score = totals.weak();
    double cost = totals.weakCost();
    int taken = 0;
    for (int i : curve.order()) {
      if (score >= target - 1e-9) {
        break;
      }
      Sample each = samples.get(i);
      score += each.strong() - each.weak();
      cost += each.strongCost() - each.weakCost();
      taken++;
    }
    return new Row(
        name, cost / totals.strongCost(), score / totals.count(), (double) taken / totals.count());
  }

  private Row cascade(String name, double errors, Random random) {
    double score = 0;
    double cost = 0;
    int up = 0;
    for (Sample each : samples) {
      boolean good = each.weak() >= enough;
      boolean judgedGood = random.nextDouble() < errors ? !good : good;
      cost += each.weakCost() + (judgedGood ? 0 : each.strongCost());
      score += judgedGood ? each.weak() : each.strong();
      up += judgedGood ? 0 : 1;
    }
    return new Row(
        name, cost / totals.strongCost(), score / totals.count(), (double) up / totals.count());
  }
}
