package io.penstock.batcher;

import io.penstock.inference.Outcome;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one strategy expects of each replica of its pool, and how it learns. Pure. */
final class Prospects {
  /** Answers of fewer tokens say nothing of the time between two. */
  private static final int STEPS_MIN = 8;

  private final Strategy by;
  private final long indexBytes;
  private final Typical typical = new Typical();
  private boolean streams;

  /**
   * @param indexBytes most memory for the index of one replica
   */
  Prospects(Strategy by, long indexBytes) {
    this.by = by;
    this.indexBytes = indexBytes;
  }

  Typical typical() {
    return typical;
  }

  /** What is expected of a replica; the typical, where nothing is known of it. */
  Prospect of(Replica replica) {
    Prospect prospect = replica.prospect;
    if (prospect == null || prospect.by() != by) {
      prospect = new Prospect(by, indexBytes, new Tempo(typical), replica.engineCache());
      replica.prospect = prospect;
    }
    return prospect;
  }

  /** A replica gets a request. */
  Errand granted(Replica replica, Admit admit, long nowMillis) {
    Prospect prospect = of(replica);
    replica.engineCache().review(nowMillis);
    Errand errand =
        new Errand(
            by,
            prospect,
            admit.promptTokens(),
            prospect.match(admit.blocks()),
            admit.streams(),
            nowMillis);
    errand.others = replica.live();
    prospect.backlog().add(errand);
    prospect.granted(admit.blocks(), errand);
    return errand;
  }

  /**
   * A first token is there, and word of it may have waited for company on its way.
   *
   * @param firstTokenMillis from the grant to the token, as its holder has it
   */
  void firstToken(Errand errand, Roster roster, long firstTokenMillis, long nowMillis) {
    if (!errand.pending) {
      return;
    }
    Prospect prospect = errand.prospect;
    long began = Math.max(errand.grantedMillis, prospect.readUntilMillis);
    long read = Math.min(nowMillis, errand.grantedMillis + Math.max(0, firstTokenMillis));
    prospect.readUntilMillis = Math.max(prospect.readUntilMillis, read);
    prospect.backlog().remove(errand, nowMillis);
    prospect.tempo().read(errand.uncachedTokens(), Math.max(0, read - began), nowMillis);
    review(roster);
  }

  private void review(Roster roster) {
    if (!typical.isDue()) {
      return;
    }
    List<Tempo> tempos = new ArrayList<>();
    for (Replica each : roster.all()) {
      Prospect prospect = each.prospect;
      if (prospect != null && prospect.by() == by) {
        tempos.add(prospect.tempo());
      }
    }
    typical.review(tempos);
  }

  /**
   * A grant is over. Of an answer that came whole it is not known when it began: it teaches by its
   * whole time, and only until a stream has been seen, so that times are compared with their like.
   */
  void ended(Errand errand, Roster roster, @Nullable Release release, long nowMillis) {
    errand.prospect.backlog().remove(errand, nowMillis);
    if (release == null) {
      return;
    }
    TokenUsage usage = release.usage();
    errand.prospect.learn(errand, usage);
    int tokens = usage.completionTokens();
    boolean whole = release.firstTokenMillis() < 0;
    if (release.outcome() == Outcome.OK && tokens >= STEPS_MIN && !(whole && streams)) {
      streams = !whole;
      long writing = release.totalMillis() - Math.max(0, release.firstTokenMillis());
      errand.prospect.tempo().wrote(errand.others, (double) writing / (tokens - 1), nowMillis);
      typical.answered(tokens);
      review(roster);
    }
  }
}
