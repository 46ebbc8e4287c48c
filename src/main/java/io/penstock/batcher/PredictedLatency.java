package io.penstock.batcher;

import io.penstock.message.Admit;
import io.penstock.message.Decision.Row;
import io.penstock.message.Release;
import io.penstock.message.Term;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The replica at which a request costs least time: its own until the first token, and what it takes
 * from others.
 *
 * <p><b>Until the first token</b> pass the reading of what the replica has been given before
 * ({@link Backlog}) and the reading of what of this prompt is not in its cache ({@link
 * PrefixIndex}), at the speed that the replica has shown ({@link Tempo}). What all replicas have
 * cached is no reason to prefer any, and needs no rule here: it spares the same everywhere.
 *
 * <p><b>What is written</b> is slowed down in two ways. While a prompt is read nobody's answer goes
 * on, or all go on slower by as much: reading costs each answer that is being written the time that
 * it takes. It is charged for as many of them as replicas write on the average, not for those of
 * the replica at hand, since reading that is spared at a busy replica is spared to the pool, whose
 * load evens out. And while this answer is written every step takes longer by what one more request
 * adds, for all who are there; its own steps take what they take there.
 *
 * <p><b>The exchange.</b> A client waits for a first token, but a delay within an answer is spread
 * over its tokens. They are weighed as the two halves of what is promised: {@link
 * #FIRST_TOKEN_MILLIS} until the first token, {@link #STEP_MILLIS} between two. So a millisecond
 * more in every step of an answer weighs as much as 80 before its first token, and there is no
 * weight to tune: all else is measured.
 *
 * <pre>
 *   cost = wait + read(uncached)
 *        + 80 · (meanLoad · read(uncached) / answerTokens + step + load · stepPerRequest)
 * </pre>
 *
 * <p>Costs within {@link #NEAR} of the least are taken for equal, and go by load as under {@link
 * LeastLoaded}: what differs by less is noise, and following noise makes herds.
 *
 * <p>Rejected: the least time to the first token alone, which drew up to twice the mean of live
 * requests to single replicas, as it counts a request for nothing once its prompt has been read;
 * and charging reading to the answers of the replica at hand, which kept requests away from where
 * their prefix was because that is where the work was.
 */
final class PredictedLatency implements Strategy {
  /** What is promised until the first token. */
  static final double FIRST_TOKEN_MILLIS = 2_000;

  /** What is promised between two tokens. */
  static final double STEP_MILLIS = 25;

  /** Share of the least cost by which others may be above it and count as equal. */
  static final double NEAR = 0.01;

  private static final double EXCHANGE = FIRST_TOKEN_MILLIS / STEP_MILLIS;

  /**
   * Of replicas that are idle and hold nothing of the prompt, those within so many times the least
   * cost are equal. What they seem to differ by is mostly what they happened to be asked; and who
   * is never asked is never known better. Without it the one that looks fastest draws all that is
   * new: of eight replicas two were never used by long sessions.
   */
  static final double FRESH_ALIKE = 2;

  private final Prospects prospects;
  private double[] costs = new double[16];
  private boolean[] fresh = new boolean[16];

  /**
   * @param indexBytes most memory for the index of one replica
   */
  PredictedLatency(long indexBytes) {
    this.prospects = new Prospects(this, indexBytes);
  }

  @Override
  public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    int count = candidates.size();
    if (costs.length < count) {
      costs = new double[2 * count];
      fresh = new boolean[2 * count];
    }
    double meanLoad = meanLoad(candidates);
    double answerTokens = prospects.typical().answerTokens();
    double least = Double.POSITIVE_INFINITY;
    double leastFresh = Double.POSITIVE_INFINITY;
    int guess = 0;
    for (int i = 0; i < count; i++) {
      Replica each = candidates.get(i);
      Prospect prospect = prospects.of(each);
      int hashes = prospect.cachedHashes(admit.blocks(), guess);
      guess = i == 0 ? hashes : Math.min(guess, hashes);
      costs[i] =
          cost(
              prospect.backlog().waitMillis(prospect.tempo(), nowMillis),
              prospect.tempo().readMillis(uncached(admit, hashes), nowMillis),
              meanLoad,
              answerTokens,
              prospect.tempo().stepMillis(nowMillis),
              prospect.tempo().stepMillisPerRequest(nowMillis),
              each.load());
      least = Math.min(least, costs[i]);
      fresh[i] = hashes == 0 && each.load() == 0;
      leastFresh = fresh[i] ? Math.min(leastFresh, costs[i]) : leastFresh;
    }
    for (int i = 0; i < count; i++) {
      if (fresh[i] && costs[i] <= FRESH_ALIKE * leastFresh) {
        costs[i] = leastFresh;
      }
    }
    double near = least * (1 + NEAR);
    @Nullable Replica best = null;
    for (int i = 0; i < count; i++) {
      if (costs[i] <= near && (best == null || LeastLoaded.compare(candidates.get(i), best) < 0)) {
        best = candidates.get(i);
      }
    }
    return best == null ? candidates.get(0) : best;
  }

  @Override
  public Explanation explain(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
    double meanLoad = meanLoad(candidates);
    double answerTokens = prospects.typical().answerTokens();
    List<Row> rows = new ArrayList<>();
    for (Replica each : candidates) {
      Prospect prospect = prospects.of(each);
      Tempo tempo = prospect.tempo();
      int uncached = uncached(admit, prospect.cachedHashes(admit.blocks(), 0));
      double wait = prospect.backlog().waitMillis(tempo, nowMillis);
      double read = tempo.readMillis(uncached, nowMillis);
      double step = tempo.stepMillis(nowMillis);
      double stepPerRequest = tempo.stepMillisPerRequest(nowMillis);
      rows.add(
          new Row(
              each.id(),
              cost(wait, read, meanLoad, answerTokens, step, stepPerRequest, each.load()),
              Explanation.inputs(
                  each,
                  new Term("expected_first_token_ms", wait + read),
                  new Term("wait_ms", wait),
                  new Term("read_ms", read),
                  new Term("step_ms", step),
                  new Term("step_ms_per_request", stepPerRequest),
                  new Term("uncached_tokens", uncached),
                  new Term("backlog_tokens", prospect.backlog().tokens()),
                  new Term("backlog_requests", prospect.backlog().size()),
                  new Term("read_ms_per_token", tempo.readSlope(nowMillis)),
                  new Term("heard_ms_ago", tempo.ageMillis(nowMillis)))));
    }
    return new Explanation(
        "the least cost in time to the request and to those beside it; of nearly equal ones the"
            + " least loaded",
        List.of(
            new Term("prompt_tokens", admit.promptTokens()),
            new Term("mean_load", meanLoad),
            new Term("answer_tokens", answerTokens)),
        rows);
  }

  private static int uncached(Admit admit, int cachedHashes) {
    return Math.max(0, admit.promptTokens() - admit.blocks().tokens(cachedHashes));
  }

  private static double meanLoad(List<Replica> candidates) {
    double sum = 0;
    for (Replica each : candidates) {
      sum += each.load();
    }
    return sum / candidates.size();
  }

  /** In milliseconds before a first token. */
  static double cost(
      double waitMillis,
      double readMillis,
      double meanLoad,
      double answerTokens,
      double stepMillis,
      double stepMillisPerRequest,
      int load) {
    double slower =
        meanLoad * readMillis / Math.max(1, answerTokens)
            + stepMillis
            + load * stepMillisPerRequest;
    return waitMillis + readMillis + EXCHANGE * slower;
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
  public void ended(Errand errand, Roster roster, @Nullable Release release, long nowMillis) {
    prospects.ended(errand, roster, release, nowMillis);
  }
}
