package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Draft. */
final class PredictedLatency implements Strategy {
  private final Prospects prospects;
  private int[] uncached = new int[16];
  private double[] cost = new double[16];
  static int MODE = Integer.getInteger("pl.mode", 0);
  static double TIE = Double.parseDouble(System.getProperty("pl.tie", "0.05"));

  PredictedLatency(long indexBytes) {
    this.prospects = new Prospects(this, indexBytes);
  }

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    if (uncached.length < candidates.size()) {
      uncached = new int[2 * candidates.size()];
      cost = new double[2 * candidates.size()];
    }
    int guess = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < candidates.size(); i++) {
      Replica r = candidates.get(i);
      Prospect prospect = prospects.of(r);
      int hashes = prospect.cachedHashes(admit.blocks(), guess);
      guess = i == 0 ? hashes : Math.min(guess, hashes);
      uncached[i] = Math.max(0, admit.promptTokens() - admit.blocks().tokens(hashes));
      double ttft = Prospects.expectedMillis(prospect, uncached[i], nowMillis);
      double c = ttft;
      int decoding = Math.max(0, r.load() - prospect.backlog().size());
      double own = prospect.tempo().readMillis(uncached[i]);
      switch (MODE) {
        case 1 -> c = ttft + decoding * prospect.tempo().stepMillis();
        case 2 -> c = ttft + decoding * own;
        case 3 -> c = ttft + decoding * own * 0.1 + decoding * prospect.tempo().stepMillis();
        case 4 -> c = ttft + r.load() * own * 0.1;
        default -> {}
      }
      cost[i] = c;
      least = Math.min(least, c);
    }
    double tie = least + Math.max(2, least * TIE);
    Replica best = null;
    for (int i = 0; i < candidates.size(); i++) {
      if (cost[i] <= tie && (best == null || LeastLoaded.compare(candidates.get(i), best) < 0)) {
        best = candidates.get(i);
      }
    }
    return best == null ? candidates.get(0) : best;
  }

  @Override
  public Errand granted(Replica replica, Admit admit, long nowMillis) {
    return prospects.granted(replica, admit, nowMillis);
  }

  @Override
  public void firstToken(Errand errand, Roster roster, long firstTokenMillis, long nowMillis) {
    prospects.firstToken(errand, roster, firstTokenMillis, nowMillis);
  }

  @Override
  public void ended(Errand errand, @Nullable Release release, long nowMillis) {
    prospects.ended(errand, release, nowMillis);
  }
}
