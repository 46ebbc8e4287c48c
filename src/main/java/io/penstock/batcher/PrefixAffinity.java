package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Decision.Row;
import io.penstock.message.Release;
import io.penstock.message.Term;
import java.util.ArrayList;
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
      double score =
          score(
              candidates.get(i).load(),
              candidates.get(i).limit(),
              cached[i] - everywhere,
              mean,
              admit.promptTokens());
      if (score > bestScore
          || (score == bestScore
              && LeastLoaded.compare(candidates.get(i), candidates.get(best)) < 0)) {
        best = i;
        bestScore = score;
      }
    }
    return candidates.get(best);
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    int everywhere = look(candidates, admit);
    double mean = meanLoad(candidates);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < candidates.size(); i++) {
      Replica each = candidates.get(i);
      rows.add(
          new Row(
              each.id(),
              -score(each.load(), each.limit(), cached[i] - everywhere, mean, admit.promptTokens()),
              Explanation.inputs(each, new Term("cached_tokens", cached[i]))));
    }
    return new Explanation(
        "the most of the prompt cached that not all have, less a penalty for load above the mean",
        List.of(
            new Term("prompt_tokens", admit.promptTokens()),
            new Term("cached_everywhere_tokens", everywhere),
            new Term("mean_load_of_limit", mean)),
        rows);
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

  /** The greatest is chosen. */
  static double score(int load, int limit, int distinctTokens, double mean, int promptTokens) {
    double share = (double) distinctTokens / Math.max(1, promptTokens);
    double fair = mean * limit;
    return share - (load - fair) / (BOUND * (fair + SLACK));
  }

  @Override
  public Errand granted(Replica replica, Admit admit, long nowMillis) {
    return prospects.granted(replica, admit, nowMillis);
  }

  @Override
  public void ended(Errand errand, Roster roster, @Nullable Release release, long nowMillis) {
    prospects.ended(errand, roster, release, nowMillis);
  }
}
