package io.penstock.measure;

import java.util.Collection;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Rendezvous (highest random weight) hashing, Thaler and Ravishankar 1998: every node scores every
 * candidate for a key and takes the highest. All that see the same candidates agree, and a
 * candidate that comes or goes moves only its own keys.
 */
public final class Rendezvous {
  private Rendezvous() {}

  /**
   * The winner for {@code key}; empty when there is no candidate. Ties, one in 2^64, fall to the
   * smaller name.
   */
  public static <T> Optional<T> pick(
      String key, Collection<T> candidates, Function<T, String> name) {
    long keyHash = Hash64.of(key);
    @Nullable T best = null;
    String bestName = "";
    long bestScore = 0;
    for (T candidate : candidates) {
      String candidateName = name.apply(candidate);
      long score = Hash64.combine(keyHash, Hash64.of(candidateName));
      if (best == null
          || Long.compareUnsigned(score, bestScore) > 0
          || (score == bestScore && candidateName.compareTo(bestName) < 0)) {
        best = candidate;
        bestName = candidateName;
        bestScore = score;
      }
    }
    return Optional.ofNullable(best);
  }
}
