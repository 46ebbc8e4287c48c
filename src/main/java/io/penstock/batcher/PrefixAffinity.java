package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The replica that has most of the prompt in its cache, unless it is busier than others: the
 * greatest of {@code share − penalty}.
 *
 * <p>The share is that of the prompt that is cached there and not everywhere. What all have, like a
 * system prompt that every request begins with, is no reason to prefer any, and would else hold all
 * requests together where the first of them went.
 *
 * <p>The penalty is how far a replica's load is above the mean of the candidates, where the mean
 * and {@link #SLACK} requests more, times {@link #BOUND}, weigh as much as a whole prompt: nobody
 * carries more than {@code mean + BOUND · (mean + SLACK)}. Loads are live grants, in proportion to
 * what each takes at a time. Equal scores go to the less loaded, as under {@link LeastLoaded}.
 */
final class PrefixAffinity implements Strategy {
  /** How far above the mean the load of a replica may be for the sake of a whole prompt. */
  static final double BOUND = 0.5;

  /** Requests by which a nearly idle pool may be uneven. */
  static final double SLACK = 4;

  private final Prospects prospects;
  private int[] cached = new int[16];

  /**
   * @param indexBytes most memory for the index of one replica
   */
  PrefixAffinity(long indexBytes) {
    this.prospects = new Prospects(this, indexBytes);
  }

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    int everywhere = look(candidates, admit);
    double mean = meanLoad(candidates);
    int best = 0;
    double bestScore = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < candidates.size(); i++) {
      double score = score(candidates.get(i), cached[i] - everywhere, mean, admit);
      if (score > bestScore
          || (score == bestScore
              && LeastLoaded.compare(candidates.get(i), candidates.get(best)) < 0)) {
        best = i;
        bestScore = score;
      }
    }
    return candidates.get(best);
  }

  /** Takes down what each has cached, in tokens; says what all have. */
  private int look(List<Replica> candidates, Admit admit) {
    if (cached.length < candidates.size()) {
      cached = new int[2 * candidates.size()];
    }
    int least = Integer.MAX_VALUE;
    int guess = 0;
    for (int i = 0; i < candidates.size(); i++) {
      int hashes = prospects.of(candidates.get(i)).cachedHashes(admit.blocks(), guess);
      cached[i] = Math.min(admit.promptTokens(), admit.blocks().tokens(hashes));
      least = Math.min(least, cached[i]);
      guess = i == 0 ? hashes : Math.min(guess, hashes);
    }
    return least;
  }

  private static double meanLoad(List<Replica> candidates) {
    double live = 0;
    double limits = 0;
    for (Replica each : candidates) {
      live += each.load();
      limits += each.limit();
    }
    return live / limits;
  }

  private static double score(Replica replica, int distinctTokens, double mean, Admit admit) {
    double share = (double) distinctTokens / Math.max(1, admit.promptTokens());
    double fair = mean * replica.limit();
    return share - (replica.load() - fair) / (BOUND * (fair + SLACK));
  }

  @Override
  public Errand granted(Replica replica, Admit admit, long nowMillis) {
    return prospects.granted(replica, admit, nowMillis);
  }

  @Override
  public void ended(
      Errand errand, Roster roster, @Nullable Release release, long nowMillis) {
    prospects.ended(errand, roster, release, nowMillis);
  }
}
