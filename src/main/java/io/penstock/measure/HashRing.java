package io.penstock.measure;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * A consistent-hash ring, Karger et al. 1997: each member stands at many points of a circle of
 * 64-bit hashes and a key belongs to the first member met clockwise. A member that leaves hands
 * each of its arcs to the arc's next member and moves nothing else. Immutable.
 *
 * @param <T> the members
 */
public final class HashRing<T> {
  /** The most points of one member, whatever its weight. */
  public static final int POINTS_MAX = 4_096;

  private final long[] hashes;
  private final List<T> owners;

  private HashRing(long[] hashes, List<T> owners) {
    this.hashes = hashes;
    this.owners = owners;
  }

  /**
   * A ring of these members.
   *
   * @param points points of a member of weight 1; others in proportion, between 1 and {@link
   *     #POINTS_MAX}
   * @param name what the place of a member follows from
   */
  public static <T> HashRing<T> of(
      List<T> members, int points, Function<T, String> name, ToDoubleFunction<T> weight) {
    if (points < 1) {
      throw new IllegalArgumentException("points: " + points + " (expected: >= 1)");
    }
    record Point<T>(long hash, String name, T owner) {}
    List<Point<T>> all = new ArrayList<>();
    for (T member : members) {
      String memberName = name.apply(member);
      long base = Hash64.of(memberName);
      int count =
          (int)
              Math.max(1, Math.min(POINTS_MAX, Math.round(points * weight.applyAsDouble(member))));
      for (int i = 0; i < count; i++) {
        all.add(new Point<>(Hash64.combine(base, i), memberName, member));
      }
    }
    Comparator<Point<T>> byHash = Comparator.comparingLong(Point::hash);
    all.sort(byHash.thenComparing(Point::name));
    long[] hashes = new long[all.size()];
    List<T> owners = new ArrayList<>(all.size());
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = all.get(i).hash();
      owners.add(all.get(i).owner());
    }
    return new HashRing<>(hashes, owners);
  }

  /** The first member clockwise from {@code key} that passes; null when none does. */
  public @Nullable T firstFrom(long key, Predicate<T> passes) {
    int start = indexAtOrAfter(key);
    @Nullable T refused = null;
    for (int i = 0; i < hashes.length; i++) {
      T owner = owners.get((start + i) % hashes.length);
      if (owner != refused) {
        if (passes.test(owner)) {
          return owner;
        }
        refused = owner;
      }
    }
    return null;
  }

  private int indexAtOrAfter(long key) {
    int low = 0;
    int high = hashes.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (hashes[middle] < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
