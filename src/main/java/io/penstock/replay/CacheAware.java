package io.penstock.replay;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.ReplicaId;
import io.penstock.message.Admit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cache-aware policy of the SGLang router as its documentation describes it, to compare with.
 * While the load is uneven (the most loaded replica has over {@link #BALANCE_ABS} requests more
 * than the least loaded, and over {@link #BALANCE_REL} times as many) the least loaded is taken.
 * Else the one that was sent most of this prompt before, if that is over {@link #CACHE} of it; else
 * the one that was sent least of all, whose cache has most room. What was sent where is kept per
 * replica, up to {@link #TREE_CHARACTERS} characters, the longest unused of it is forgotten.
 */
final class CacheAware implements StandalonePool.Picker {
  /** {@code --cache-threshold}. */
  static final double CACHE = 0.5;

  /** {@code --balance-abs-threshold}. */
  static final int BALANCE_ABS = 32;

  /** {@code --balance-rel-threshold}. */
  static final double BALANCE_REL = 1.1;

  /** {@code --max-tree-size}. */
  static final int TREE_CHARACTERS = 1 << 24;

  private static final int CHARACTERS_PER_TOKEN = 4;

  private final Survey survey;
  private final @Nullable LongTable[] sent;

  CacheAware(Survey survey) {
    this.survey = survey;
    this.sent = new LongTable[survey.replicas()];
  }

  @Override
  public ReplicaId pick(List<ReplicaId> candidates, Admit admit) {
    Call call = survey.call(admit.id());
    VirtualReplica least = survey.replica(candidates.get(0));
    VirtualReplica most = least;
    VirtualReplica matching = least;
    VirtualReplica roomiest = least;
    int matched = -1;
    for (ReplicaId id : candidates) {
      VirtualReplica each = survey.replica(id);
      least = each.live().size() < least.live().size() ? each : least;
      most = each.live().size() > most.live().size() ? each : most;
      int its = sentTo(each).prefix(call.hashes);
      if (its > matched) {
        matched = its;
        matching = each;
      }
      roomiest = sentTo(each).size() < sentTo(roomiest).size() ? each : roomiest;
    }
    VirtualReplica picked =
        isUneven(least.live().size(), most.live().size())
            ? least
            : share(matched, call) > CACHE ? matching : roomiest;
    sentTo(picked).use(call.hashes);
    return picked.id();
  }

  static boolean isUneven(int least, int most) {
    return most - least > BALANCE_ABS && most > BALANCE_REL * least;
  }

  private double share(int blocks, Call call) {
    return (double) blocks * survey.blockTokens() / call.promptTokens;
  }

  private LongTable sentTo(VirtualReplica replica) {
    @Nullable LongTable known = sent[replica.index];
    if (known == null) {
      int blocks = TREE_CHARACTERS / CHARACTERS_PER_TOKEN / survey.blockTokens();
      known = new LongTable(Math.max(1, blocks));
      sent[replica.index] = known;
    }
    return known;
  }
}
