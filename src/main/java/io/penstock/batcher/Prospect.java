package io.penstock.batcher;

import io.penstock.inference.PromptBlocks;
import io.penstock.inference.TokenUsage;
import io.penstock.message.KvCacheState;

/**
 * What a strategy that learns expects of one replica: what its cache holds, how fast it is, what it
 * still has to read. Belongs to one strategy; a strategy that comes after it starts anew.
 *
 * <p><b>How much the cache holds</b> is not told by anybody. It is learned from what engines say
 * they found: a prompt whose beginning was touched {@code a} tokens ago and was found says that the
 * cache holds {@code a} tokens at least, one that was not found that it holds less. {@link
 * #holdsTokens} moves a part of the way towards each witness that contradicts it; a prompt whose
 * beginning was still to be read for another, when it was granted, is none. As long as none does,
 * and where an engine does not tell, all that the index holds is taken to be there.
 *
 * <p><b>Where the engine's events are followed</b> ({@link EngineCache}) they say it instead: as
 * long as nothing had to make room all that was given is there, and from then on the age at which
 * blocks go is what the cache holds. That age is in tokens that the engine has stored; how those
 * compare with the ones that this owner counts, whose lengths are estimates and which are its own
 * requests' alone, is measured as the two grow ({@link #scale}).
 *
 * <p>An engine that restarts between two checks is seen by its answers: after {@link
 * #MISSES_OF_A_RESTART} prompts in a row of which nothing was found although it was to be expected,
 * the index is empty.
 */
final class Prospect {
  /** In a row; one alone may be the engine's own choice. */
  static final int MISSES_OF_A_RESTART = 3;

  /** One unit of the index's clock, so that it goes round in days. */
  private static final int CLOCK_TOKENS = 16;

  /** Part of the way to a witness. */
  private static final double STEP = 0.25;

  /** Tokens over which the two clocks are compared; older ones weigh half, and so on. */
  private static final long SCALE_TOKENS = 1 << 17;

  /** Fewer say nothing. */
  private static final long SCALE_TOKENS_MIN = 1 << 12;

  private static final double SCALE_MIN = 1.0 / 16;
  private static final double SCALE_MAX = 4;

  /**
   * What is known of a prompt's beginning.
   *
   * @param cachedTokens expected to be found
   * @param knownTokens that the replica was once given
   * @param knownAge tokens that it has read since
   * @param wasRead whether that is more than it still has to read, so that what is known is read
   */
  record Match(int cachedTokens, int knownTokens, long knownAge, boolean wasRead) {}

  private final Strategy by;
  private final PrefixIndex index;
  private final Tempo tempo;
  private final Backlog backlog = new Backlog();
  private double readTokens;
  private double holdsTokens = Double.POSITIVE_INFINITY;
  private boolean tells;
  private int misses;

  private final EngineCache engine;
  private double comparedRead;
  private double comparedStored;
  private double lastRead;
  private long lastStored = -1;

  /** When the last prompt that it has read was read. */
  long readUntilMillis = Long.MIN_VALUE;

  Prospect(Strategy by, long indexBytes, Tempo tempo) {
    this(by, indexBytes, tempo, new EngineCache());
  }

  /**
   * @param engine what the engine's events say; shared by all that expect something of the replica
   */
  Prospect(Strategy by, long indexBytes, Tempo tempo, EngineCache engine) {
    this.by = by;
    this.engine = engine;
    this.index = new PrefixIndex(indexBytes);
    this.tempo = tempo;
  }

  Strategy by() {
    return by;
  }

  PrefixIndex index() {
    return index;
  }

  Tempo tempo() {
    return tempo;
  }

  Backlog backlog() {
    return backlog;
  }

  /** Tokens since whose touch a block is still expected to be there. */
  double holdsTokens() {
    return switch (engine.source()) {
      case NONE -> holdsTokens;
      case ALL -> Double.POSITIVE_INFINITY;
      case KEPT -> engine.told().map(told -> told.keepsTokens() * scale()).orElse(holdsTokens);
    };
  }

  /** Tokens of this owner's count to one that the engine has stored. */
  double scale() {
    return comparedStored < SCALE_TOKENS_MIN
        ? 1
        : Math.min(SCALE_MAX, Math.max(SCALE_MIN, comparedRead / comparedStored));
  }

  /**
   * The engine's events say something new.
   *
   * @param isOfSame whether counts go on from those before
   */
  void told(KvCacheState state, boolean isOfSame) {
    long stored = state.storedTokens();
    if (isOfSame && state.following() && lastStored >= 0 && stored >= lastStored) {
      comparedRead += readTokens - lastRead;
      comparedStored += stored - lastStored;
      if (comparedStored > SCALE_TOKENS) {
        comparedRead /= 2;
        comparedStored /= 2;
      }
    }
    lastStored = state.following() ? stored : -1;
    lastRead = readTokens;
  }

  /** The engine has begun anew: its cache is empty. */
  void reborn() {
    index.clear();
    misses = 0;
  }

  private int clock() {
    return (int) (long) (readTokens / CLOCK_TOKENS);
  }

  /**
   * How many hashes of a prompt are expected in its cache.
   *
   * @param guess looked at first
   */
  int cachedHashes(PromptBlocks prompt, int guess) {
    int known = index.known(prompt, guess);
    double holds = holdsTokens();
    return holds == Double.POSITIVE_INFINITY
        ? known
        : index.youngerThan(prompt, known, holds / CLOCK_TOKENS, clock());
  }

  /** The same with what it stands on. */
  Match match(PromptBlocks prompt) {
    int known = index.known(prompt, 0);
    int cached = index.youngerThan(prompt, known, holdsTokens() / CLOCK_TOKENS, clock());
    long age = known == 0 ? 0 : index.age(prompt.hash(known - 1), clock()) * CLOCK_TOKENS;
    return new Match(
        prompt.tokens(cached),
        prompt.tokens(known),
        age,
        age + CLOCK_TOKENS >= backlog.tokens()); // which it reads in the order of its grants
  }

  /** It is given a prompt. */
  void granted(PromptBlocks prompt, Errand errand) {
    readTokens += errand.uncachedTokens();
    index.touch(prompt, clock());
  }

  /** What its engine has told of a prompt and an answer; nothing where it says nothing. */
  void learn(Errand errand, TokenUsage usage) {
    readTokens += usage.completionTokens();
    tells |= usage.cachedTokens() > 0;
    if (!tells || errand.knownTokens == 0 || usage.promptTokens() == 0) {
      return;
    }
    // The prompt's length by the estimate may be off; shares of it are not.
    double found = (double) usage.cachedTokens() / usage.promptTokens();
    double known = (double) errand.knownTokens / errand.promptTokens;
    boolean hit = found >= known / 2;
    if (hit) {
      misses = 0;
      if (errand.knownAge > holdsTokens) {
        holdsTokens += STEP * (errand.knownAge - holdsTokens);
      }
      return;
    }
    if (!errand.knownWasRead) {
      return;
    }
    if (holdsTokens == Double.POSITIVE_INFINITY) {
      holdsTokens = errand.knownAge;
    } else if (errand.knownAge < holdsTokens) {
      holdsTokens -= STEP * (holdsTokens - errand.knownAge);
    }
    misses = usage.cachedTokens() == 0 && errand.cachedTokens > 0 ? misses + 1 : 0;
    if (misses == MISSES_OF_A_RESTART) {
      reborn();
    }
  }
}
