package io.penstock.replay;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.ReplicaId;
import io.penstock.load.Goodput;
import io.penstock.message.Admit;
import io.penstock.sim.EngineCore;
import io.penstock.sim.Sequence;
import io.penstock.sim.SimProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A bound to compare with: chooses by what no router can know, the exact contents of every cache,
 * what each engine still has to compute, how long every answer will be, what each step costs, and
 * the bounds that requests are measured by.
 *
 * <p>Taken is the replica where the request costs least: first in requests that will miss the
 * bounds for it, itself or others; then in the time that everybody waits for it. How sure it is
 * that one will miss them rises, as a logistic curve, with how near its time to the first token, or
 * the mean time between its tokens, will come to the bound. In what is to come each answer is taken
 * to be held up by prompts as it was of late on that replica.
 *
 * <p>It is greedy: of the requests that have not arrived it knows nothing. So it is a bound for the
 * choice among replicas at one moment, and no more than that.
 */
final class Omniscient implements StandalonePool.Picker {
  /** Of which a request's time is off by so much of the bound, the odds change e-fold. */
  private static final double DOUBT = 0.2;

  /** So much waiting is as bad as one request that misses the bounds. */
  private static final double MICROS_PER_MISS = 2e7;

  /** How far back "of late" reaches. */
  private static final double MEMORY_NANOS = 10e9;

  private static final double BUSY_MAX = 0.9;

  private final Survey survey;
  private final double firstMicros;
  private final double gapMicros;
  private final List<Sequence> sequences = new ArrayList<>();
  private final double[] readMicros;
  private final long[] readNanos;
  private double ownMicros;

  Omniscient(Survey survey, Goodput bounds) {
    this.survey = survey;
    this.firstMicros = micros(bounds.ttft().orElse(Duration.ofDays(1)));
    this.gapMicros = micros(bounds.itl().orElse(Duration.ofDays(1)));
    this.readMicros = new double[survey.replicas()];
    this.readNanos = new long[survey.replicas()];
  }

  private static double micros(Duration duration) {
    return duration.toNanos() / 1e3;
  }

  @Override
  public ReplicaId pick(List<ReplicaId> candidates, Admit admit) {
    Call call = survey.call(admit.id());
    ReplicaId best = candidates.get(0);
    double leastCost = Double.POSITIVE_INFINITY;
    double read = 0;
    for (ReplicaId id : candidates) {
      VirtualReplica replica = survey.replica(id);
      double cost = replica.isUp() ? cost(replica, call) : Double.MAX_VALUE;
      if (cost < leastCost) {
        leastCost = cost;
        best = id;
        read = ownMicros;
      }
    }
    VirtualReplica picked = survey.replica(best);
    readMicros[picked.index] = readOfLate(picked) + read;
    readNanos[picked.index] = survey.nowNanos();
    return best;
  }

  private double readOfLate(VirtualReplica replica) {
    double since = survey.nowNanos() - readNanos[replica.index];
    return readMicros[replica.index] * Math.exp(-since / MEMORY_NANOS);
  }

  private double cost(VirtualReplica replica, Call call) {
    EngineCore core = replica.core();
    SimProfile profile = replica.profile();
    double factor = replica.factor();
    int prompt = call.promptTokens + call.received;
    int output = call.outputTokens - call.received;
    double own = prompt - core.cachedTokens(call.hashes, prompt);
    sequences.clear();
    core.running(sequences);
    int decoding = 0;
    long context = 0;
    double ahead = 0;
    for (Sequence each : sequences) {
      if (each.uncomputed() <= 1) {
        decoding++;
        context += each.computed();
      } else {
        ahead += each.uncomputed();
      }
    }
    double step = profile.stepMicros(0, decoding, context) * factor;
    double wait = missing(core, own) * step;
    sequences.clear();
    core.waiting(sequences);
    for (Sequence each : sequences) {
      int known = each.promptTokens() + each.generated();
      ahead += known - core.cachedTokens(each.hashes(), known);
    }
    double chunks = Math.ceil((ahead + own) / Math.max(1, profile.maxBatchedTokens() - decoding));
    double first = wait + chunks * step + (ahead + own) * profile.prefillMicrosPerToken() * factor;
    ownMicros = own * profile.prefillMicrosPerToken() * factor;
    double busy = Math.min(BUSY_MAX, readOfLate(replica) / (MEMORY_NANOS / 1e3));
    double longer =
        (profile.stepPerSequenceMicros() + prompt * profile.stepPerContextTokenMicros()) * factor;
    double gap = (step + longer) / (1 - busy);
    double missed = odds(Math.max(first / firstMicros, output > 1 ? gap / gapMicros : 0));
    double waited = first + gap * (output - 1);
    for (Call each : replica.live()) {
      Sequence sequence = each.sequence;
      if (sequence == null || each.outputTokens <= 1) {
        continue;
      }
      long began = sequence.firstTokenNanos();
      int left = began < 0 ? each.outputTokens - 1 : sequence.remaining();
      double since = began < 0 ? 0 : (survey.nowNanos() - began) / 1e3;
      double stolen = began < 0 ? 0 : ownMicros;
      double before = since + left * step / (1 - busy);
      double more = stolen + Math.min(left, output) * longer / (1 - busy);
      double whole = (each.outputTokens - 1) * gapMicros;
      missed += odds((before + more) / whole) - odds(before / whole);
      waited += more + ownMicros - stolen;
    }
    return missed + waited / MICROS_PER_MISS;
  }

  private static double odds(double ofBound) {
    return 1 / (1 + Math.exp((1 - ofBound) / DOUBT));
  }

  /** After how many steps so many tokens fit, if those that run end one after the other. */
  private int missing(EngineCore core, double tokens) {
    double missing = tokens - core.freeTokens();
    if (missing <= 0) {
      return 0;
    }
    sequences.sort(Comparator.comparingInt(Sequence::remaining));
    int steps = 0;
    for (Sequence each : sequences) {
      missing -= each.computed();
      steps = each.remaining();
      if (missing <= 0) {
        break;
      }
    }
    return steps;
  }
}
