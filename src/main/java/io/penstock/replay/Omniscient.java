package io.penstock.replay;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.ReplicaId;
import io.penstock.message.Admit;
import io.penstock.sim.EngineCore;
import io.penstock.sim.Sequence;
import io.penstock.sim.SimProfile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A bound to compare with: chooses by what no router can know, the exact contents of every cache,
 * what each engine still has to compute, how long every answer will be, and what each step costs.
 *
 * <p>Taken is the replica where the request adds least to the time that everybody waits: its own
 * time to the first token and to the last, and what it takes from those that are there, who stand
 * still while its prompt is computed and whose steps are longer by its context until it has ended.
 * It is greedy: of the future it knows nothing, so that it is a bound for a choice among replicas at
 * one moment, and no more than that.
 */
final class Omniscient implements StandalonePool.Picker {
  private final Survey survey;
  private final List<Sequence> sequences = new ArrayList<>();

  Omniscient(Survey survey) {
    this.survey = survey;
  }

  @Override
  public ReplicaId pick(List<ReplicaId> candidates, Admit admit) {
    Call call = survey.call(admit.id());
    @Nullable ReplicaId best = null;
    double bestMicros = Double.POSITIVE_INFINITY;
    for (ReplicaId id : candidates) {
      VirtualReplica replica = survey.replica(id);
      double micros = replica.isUp() ? micros(replica, call) : Double.MAX_VALUE;
      if (micros < bestMicros) {
        bestMicros = micros;
        best = id;
      }
    }
    return best == null ? candidates.get(0) : best;
  }

  /** What the request adds to the waits of all, itself included, in microseconds. */
  private double micros(VirtualReplica replica, Call call) {
    EngineCore core = replica.core();
    SimProfile profile = replica.profile();
    int prompt = call.promptTokens + call.received;
    int output = call.outputTokens - call.received;
    double own = prompt - core.cachedTokens(call.hashes, prompt);
    sequences.clear();
    core.running(sequences);
    int decoding = 0;
    long context = 0;
    double ahead = 0;
    double steps = 0; // steps of others that are longer by this one's context
    for (Sequence each : sequences) {
      if (each.uncomputed() <= 1) {
        decoding++;
        context += each.computed();
      } else {
        ahead += each.uncomputed();
      }
      steps += Math.min(each.remaining(), output);
    }
    double wait = waitForMemory(core, profile, own, decoding, context);
    sequences.clear();
    core.waiting(sequences);
    int waiting = sequences.size();
    for (Sequence each : sequences) {
      int known = each.promptTokens() + each.generated();
      ahead += known - core.cachedTokens(each.hashes(), known);
      steps += Math.min(each.remaining(), output);
    }
    double perStep = profile.stepMicros(0, decoding, context);
    double chunks = Math.ceil((ahead + own) / Math.max(1, profile.maxBatchedTokens() - decoding));
    double first = wait + chunks * perStep + (ahead + own) * profile.prefillMicrosPerToken();
    double answer = (output - 1) * profile.stepMicros(0, decoding + 1, context + prompt);
    double stolen = own * profile.prefillMicrosPerToken() * (decoding + waiting);
    double longer =
        steps * (profile.stepPerSequenceMicros() + prompt * profile.stepPerContextTokenMicros());
    return (first + answer + stolen + longer) * replica.factor();
  }

  /** Until so many tokens fit, if those that run end one after the other. */
  private double waitForMemory(
      EngineCore core, SimProfile profile, double tokens, int decoding, long context) {
    double missing = tokens - core.freeTokens();
    if (missing <= 0 || sequences.isEmpty()) {
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
    return steps * profile.stepMicros(0, decoding, context);
  }
}
