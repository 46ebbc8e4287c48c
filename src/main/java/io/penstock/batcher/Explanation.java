package io.penstock.batcher;

import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.message.Decision;
import io.penstock.message.Decision.Row;
import io.penstock.message.Term;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How a strategy came to its choice, for the receipt. Made only of choices that are kept.
 *
 * @param reason for whichever has been chosen
 * @param terms of the request and the pool
 * @param rows one for each candidate
 */
record Explanation(String reason, List<Term> terms, List<Row> rows) {
  /** Of a strategy that looks at loads and weights alone. */
  static Explanation byLoad(String reason, List<Replica> candidates, Term... terms) {
    List<Row> rows = new ArrayList<>();
    for (Replica each : candidates) {
      rows.add(new Row(each.id(), (double) each.load() / each.limit(), inputs(each)));
    }
    return new Explanation(reason, List.of(terms), rows);
  }

  /**
   * What decides between equal candidates, under {@link LeastLoaded}, and what is the strategy's
   * own.
   */
  static List<Term> inputs(Replica replica, Term... own) {
    List<Term> all = new ArrayList<>(List.of(own));
    all.add(new Term("load", replica.load()));
    all.add(new Term("limit", replica.limit()));
    all.add(new Term("zone_live", replica.zoneLoad().live()));
    all.add(new Term("zone_slots", replica.zoneLoad().slots()));
    all.add(new Term("weight", replica.weight()));
    all.add(new Term("last_grant", replica.lastGrant));
    return all;
  }

  /** The receipt. */
  Decision decision(RequestId request, long ordinal, RoutingStrategy strategy, Replica chosen) {
    List<Row> sorted = new ArrayList<>(rows);
    sorted.sort(Comparator.comparingDouble(Row::score));
    List<Row> told = new ArrayList<>(sorted.subList(0, Math.min(Decision.ROWS_MAX, sorted.size())));
    if (told.stream().noneMatch(row -> row.replica().equals(chosen.id()))) {
      told.remove(told.size() - 1);
      rows.stream().filter(row -> row.replica().equals(chosen.id())).forEach(told::add);
    }
    return new Decision(
        request,
        ordinal,
        0,
        strategy.label(),
        chosen.id(),
        reason,
        rows.size(),
        terms,
        told,
        Optional.empty());
  }
}
