package io.penstock.replay;

import io.penstock.replay.ReplayConfig.Load;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What came of a replay, in three forms; of one replay each is the same to the byte every time. */
public final class ReplayReport {
  private final ReplayConfig config;
  private final SimFleet fleet;
  private final Workload workload;
  private final double rate;
  private final List<Result> results;

  ReplayReport(
      ReplayConfig config, SimFleet fleet, Workload workload, double rate, List<Result> results) {
    this.config = config;
    this.fleet = fleet;
    this.workload = workload;
    this.rate = rate;
    this.results = List.copyOf(results);
  }

  /** A table for a terminal. */
  public String toText() {
    return TextReport.of(this);
  }

  /** All figures and series. */
  public String toJson() {
    return JsonReport.of(this);
  }

  /** A page that opens from disk, with plots, and needs nothing else. */
  public String toHtml() {
    return HtmlReport.of(this);
  }

  ReplayConfig config() {
    return config;
  }

  SimFleet fleet() {
    return fleet;
  }

  double rate() {
    return rate;
  }

  List<Result> results() {
    return results;
  }

  String traceName() {
    return workload.name();
  }

  int traceRows() {
    return workload.rows();
  }

  int blockTokens() {
    return workload.blockTokens();
  }

  /** What the rate is of. */
  String rateUnit() {
    return workload.isOfSessions() ? "sessions/s" : "requests/s";
  }

  /** How much arrived and why. */
  String loadInWords() {
    String often = String.format(Locale.ROOT, "%.4g %s", rate, rateUnit());
    if (config.load() instanceof Load.Saturating wanted) {
      return String.format(
          Locale.ROOT,
          "%s, where %s just has %.0f %% of the requests within the bounds",
          often,
          wanted.policy(),
          100 * wanted.good());
    }
    return config.load() instanceof Load.AsTraced ? often + ", as traced" : often;
  }

  /** Whether anybody says what the fleet costs. */
  boolean hasCost() {
    return fleet.usdPerHour() > 0;
  }

  /**
   * What a thousand good requests cost, of all the time that the run took; none were good: none.
   */
  OptionalDouble usdPerThousandGood(Result result) {
    if (result.good() == 0) {
      return OptionalDouble.empty();
    }
    double hours = (result.seconds() - config.warmup().toNanos() / 1e9) / 3600;
    return OptionalDouble.of(fleet.usdPerHour() * hours * 1000 / result.good());
  }

  /** The same for people; {@code -} where none were good. */
  String usdPerThousandGoodInWords(Result result) {
    OptionalDouble usd = usdPerThousandGood(result);
    return usd.isPresent() ? String.format(Locale.ROOT, "%.3f", usd.getAsDouble()) : "-";
  }

  String fleetInWords() {
    int pools = fleet.pools().size();
    return fleet.name()
        + ", "
        + fleet.size()
        + " replicas"
        + (pools == 1 ? "" : " in " + pools + " pools")
        + (hasCost() ? String.format(Locale.ROOT, ", $%.2f an hour", fleet.usdPerHour()) : "")
        + (fleet.events().isEmpty() ? "" : ", " + fleet.events().size() + " scripted events");
  }
}
