package io.penstock.message;

import java.util.Collection;

/**
 * What the events of one replica's engine say of its prefix cache. Counts are since its prober
 * subscribed; tokens are the engine's.
 *
 * @param following whether all its publishers are connected and what they still had of the past was
 *     heard
 * @param whole whether the book reaches back to an empty cache, so that {@code blocks} and {@code
 *     tokens} are what is held, and not only what is known to be
 * @param blocks held now, every copy counted
 * @param tokens of them; where groups of layers keep blocks of their own, of the group with most
 * @param keepsTokens how many tokens were stored since blocks were stored that had to make room
 *     lately; -1 where none had to since the cache was empty or the book began
 * @param storedTokens stored since the book began; grows, but for a change of the subscriber
 * @param removedTokens that had to make room
 * @param empties how often the cache was seen to become empty
 * @param emptiedMillis when it last did, by the engine's clock, in milliseconds since the epoch; of
 *     a restart the last that was heard of the former; 0 when that is not known
 * @param batches heard
 * @param events in them that count
 * @param gaps in the sequence of batches
 * @param replays asked for
 * @param restarts of publishers
 * @param losses of batches that could not be had any more, so that the book was begun anew
 * @param overflows of the book
 * @param malformed batches that could not be read
 * @param ageMillis since the last batch, when this was said; -1 before the first
 */
public record KvCacheState(
    boolean following,
    boolean whole,
    long blocks,
    long tokens,
    long keepsTokens,
    long storedTokens,
    long removedTokens,
    long empties,
    long emptiedMillis,
    long batches,
    long events,
    long gaps,
    long replays,
    long restarts,
    long losses,
    long overflows,
    long malformed,
    long ageMillis) {
  /** Before anything was heard. */
  public static final KvCacheState NONE =
      new KvCacheState(false, false, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1);

  /** The same, older by so much. */
  public KvCacheState older(long millis) {
    return new KvCacheState(
        following,
        whole,
        blocks,
        tokens,
        keepsTokens,
        storedTokens,
        removedTokens,
        empties,
        emptiedMillis,
        batches,
        events,
        gaps,
        replays,
        restarts,
        losses,
        overflows,
        malformed,
        ageMillis < 0 ? -1 : ageMillis + millis);
  }

  /** The same, of which nothing more is heard. */
  public KvCacheState unfollowed() {
    return new KvCacheState(
        false,
        whole,
        blocks,
        tokens,
        keepsTokens,
        storedTokens,
        removedTokens,
        empties,
        emptiedMillis,
        batches,
        events,
        gaps,
        replays,
        restarts,
        losses,
        overflows,
        malformed,
        ageMillis);
  }

  /**
   * All publishers of an engine together: each rank of data parallelism has a cache of its own.
   * Whether one became empty counts for all, since it is not known whose a prompt was.
   */
  public static KvCacheState sum(Collection<KvCacheState> ranks) {
    return new KvCacheState(
        ranks.stream().allMatch(KvCacheState::following),
        ranks.stream().allMatch(KvCacheState::whole),
        ranks.stream().mapToLong(KvCacheState::blocks).sum(),
        ranks.stream().mapToLong(KvCacheState::tokens).sum(),
        keeps(ranks),
        ranks.stream().mapToLong(KvCacheState::storedTokens).sum(),
        ranks.stream().mapToLong(KvCacheState::removedTokens).sum(),
        ranks.stream().mapToLong(KvCacheState::empties).sum(),
        ranks.stream().mapToLong(KvCacheState::emptiedMillis).max().orElse(0),
        ranks.stream().mapToLong(KvCacheState::batches).sum(),
        ranks.stream().mapToLong(KvCacheState::events).sum(),
        ranks.stream().mapToLong(KvCacheState::gaps).sum(),
        ranks.stream().mapToLong(KvCacheState::replays).sum(),
        ranks.stream().mapToLong(KvCacheState::restarts).sum(),
        ranks.stream().mapToLong(KvCacheState::losses).sum(),
        ranks.stream().mapToLong(KvCacheState::overflows).sum(),
        ranks.stream().mapToLong(KvCacheState::malformed).sum(),
        ranks.stream().mapToLong(KvCacheState::ageMillis).filter(age -> age >= 0).min().orElse(-1));
  }

  /** A rank that has not had to make room yet keeps what it holds at least. */
  private static long keeps(Collection<KvCacheState> ranks) {
    return ranks.stream().allMatch(each -> each.keepsTokens < 0)
        ? -1
        : ranks.stream()
            .mapToLong(each -> each.keepsTokens < 0 ? each.tokens : each.keepsTokens)
            .sum();
  }
}
