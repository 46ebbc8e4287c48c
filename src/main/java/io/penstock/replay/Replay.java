package io.penstock.replay;

import io.penstock.load.Durations;
import io.penstock.load.Trace;
import io.penstock.load.TraceReader;
import io.penstock.replay.ReplayConfig.Load;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A trace against a fleet, under one policy after the other. */
public final class Replay {
  /** Hears how it goes. */
  public interface Progress {
    /** A run begins. */
    void begins(String policy, double rate);

    /** A run is over, in which so many requests were sent. */
    void ended(String policy, int requests);
  }

  private final ReplayConfig config;
  private final SimFleet fleet;
  private final Workload workload;

  private Replay(ReplayConfig config, SimFleet fleet, Workload workload) {
    this.config = config;
    this.fleet = fleet;
    this.workload = workload;
  }

  /**
   * Reads the trace and the fleet.
   *
   * @throws IllegalArgumentException with what is wrong with them, or that they do not go together
   */
  public static Replay of(ReplayConfig config) {
    SimFleet fleet = FleetFile.read(config.fleet());
    Trace trace = TraceReader.read(config.trace(), config.traceBlockTokens());
    Workload workload =
        new Workload(
            trace,
            config.kvBlockTokens(),
            new Workload.Extent(config.requests(), config.duration()),
            config.seed());
    if (workload.isOfSessions() && config.load() instanceof Load.AsTraced) {
      throw new IllegalArgumentException(
          "rate: missing (expected: --rate, sessions that start a second, or --saturate, since the"
              + " times of "
              + trace.name()
              + " count from each session's start)");
    }
    for (SimFleet.OfPool pool : fleet.pools()) {
      for (SimFleet.OfReplica each : pool.replicas()) {
        if (each.profile().kvTokens() < workload.blockTokens()) {
          throw new IllegalArgumentException(
              "kv-block-tokens: "
                  + workload.blockTokens()
                  + " (expected: at most "
                  + each.profile().kvTokens()
                  + ", the cache of "
                  + each.spec().id()
                  + ")");
        }
      }
    }
    return new Replay(config, fleet, workload);
  }

  /**
   * Carries it out.
   *
   * @throws IllegalArgumentException where all of it is warm-up, so that there is nothing to tell
   */
  public ReplayReport run(Progress progress) {
    double rate = rate(progress);
    List<Result> results = new ArrayList<>();
    for (String each : config.policies()) {
      results.add(run(each, rate, progress));
    }
    return new ReplayReport(config, fleet, workload, rate, results);
  }

  private double rate(Progress progress) {
    if (config.load() instanceof Load.Rate given) {
      return given.perSecond();
    }
    if (config.load() instanceof Load.Saturating wanted) {
      double from = workload.isOfSessions() ? Saturation.FIRST_SESSION_RATE : workload.tracedRate();
      return Saturation.rate(
          from, wanted.good(), rate -> run(wanted.policy(), rate, progress).goodShare());
    }
    return workload.tracedRate();
  }

  private Result run(String policy, double rate, Progress progress) {
    progress.begins(policy, rate);
    Result result =
        new VirtualFleet(
                fleet,
                workload,
                rate,
                Policy.of(policy),
                config.goodput(),
                config.warmup(),
                config.seed())
            .run();
    progress.ended(policy, result.sent());
    if (result.counted() == 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "warmup: %s (expected: shorter than what arrives; all had ended after %.1f s)",
              Durations.print(config.warmup()),
              result.seconds()));
    }
    return result;
  }
}
