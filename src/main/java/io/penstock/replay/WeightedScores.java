package io.penstock.replay;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.ReplicaId;
import io.penstock.message.Admit;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The endpoint picker of the Kubernetes Gateway API Inference Extension under the weights of its
 * documentation, to compare with: {@link #QUEUE} times how short the engine's queue is beside the
 * others', {@link #KV} times how much of its cache is free, {@link #PREFIX} times the share of the
 * prompt that was sent there before; each from 0 to 1. The highest sum is taken, of equal ones any.
 *
 * <p>Queue and cache are as the engines' metrics pages said {@link #SCRAPE_NANOS} ago or less. What
 * was sent where is kept for as many blocks as the replica's cache has.
 */
final class WeightedScores implements StandalonePool.Picker {
  static final double QUEUE = 2;
  static final double KV = 2;
  static final double PREFIX = 3;

  /** Time between two looks at an engine's metrics. */
  static final long SCRAPE_NANOS = 50_000_000;

  private final Survey survey;
  private final DoubleSupplier random;
  private final @Nullable LongTable[] sent;
  private final int[] waiting;
  private final double[] used;
  private final long[] scrapedNanos;

  /**
   * @param random uniform in [0, 1)
   */
  WeightedScores(Survey survey, DoubleSupplier random) {
    this.survey = survey;
    this.random = random;
    this.sent = new LongTable[survey.replicas()];
    this.waiting = new int[survey.replicas()];
    this.used = new double[survey.replicas()];
    this.scrapedNanos = new long[survey.replicas()];
    Arrays.fill(scrapedNanos, -SCRAPE_NANOS);
  }

  @Override
  public ReplicaId pick(List<ReplicaId> candidates, Admit admit) {
    Call call = survey.call(admit.id());
    int shortest = Integer.MAX_VALUE;
    int longest = 0;
    for (ReplicaId id : candidates) {
      VirtualReplica each = survey.replica(id);
      scrape(each);
      shortest = Math.min(shortest, waiting[each.index]);
      longest = Math.max(longest, waiting[each.index]);
    }
    @Nullable VirtualReplica best = null;
    double bestScore = -1;
    int ties = 0;
    for (ReplicaId id : candidates) {
      VirtualReplica each = survey.replica(id);
      double score = score(each, call, shortest, longest);
      ties = score > bestScore ? 1 : score == bestScore ? ties + 1 : ties;
      if (score > bestScore || (score == bestScore && random.getAsDouble() * ties < 1)) {
        bestScore = score;
        best = each;
      }
    }
    VirtualReplica picked = best == null ? survey.replica(candidates.get(0)) : best;
    sentTo(picked).use(call.hashes);
    return picked.id();
  }

  private double score(VirtualReplica each, Call call, int shortest, int longest) {
    double queue =
        longest == shortest ? 1 : (double) (longest - waiting[each.index]) / (longest - shortest);
    double prefix =
        call.hashes.length == 0
            ? 0
            : (double) sentTo(each).prefix(call.hashes) / call.hashes.length;
    return QUEUE * queue + KV * (1 - used[each.index]) + PREFIX * prefix;
  }

  private void scrape(VirtualReplica each) {
    if (survey.nowNanos() - scrapedNanos[each.index] >= SCRAPE_NANOS) {
      scrapedNanos[each.index] = survey.nowNanos() / SCRAPE_NANOS * SCRAPE_NANOS;
      waiting[each.index] = each.core().waiting();
      used[each.index] = each.core().kvUsage();
    }
  }

  private LongTable sentTo(VirtualReplica replica) {
    @Nullable LongTable known = sent[replica.index];
    if (known == null) {
      known = new LongTable(replica.core().blocks());
      sent[replica.index] = known;
    }
    return known;
  }
}
