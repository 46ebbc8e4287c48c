package io.penstock.bus;

import io.penstock.measure.Hash64;
import io.penstock.message.Mark;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * All that one node knows of something that every node shall know: a set of marks of which the last
 * writer wins, target by target. Pure.
 *
 * <p>Every node keeps one and {@link Gossip} makes them equal, so a mark outlives the node that
 * took it; it is lost only when all nodes are down at once, or not even then where it is written to
 * disk. The book after a set of messages does not depend on their order or repetition: a target's
 * mark only ever moves up in the total order of stamp and node (a last-writer-wins map, Shapiro et
 * al., "A comprehensive study of Convergent and Commutative Replicated Data Types", 2011). The same
 * holds with the bound: the {@code marksMax} highest marks are kept, and a mark that has once
 * fallen below so many others stays below them, since those only move up too.
 *
 * <p>Marks that undo others stay in the book, or an old message would bring those back. What the
 * bound drops first is what nobody has spoken of for longest.
 *
 * <p>To find out what two books do not share without telling all of it, each is cut into {@link
 * #PARTS} parts by a hash of the target, and of each part the exclusive or of its marks' hashes is
 * kept up to date, at the cost of two hashes for a mark that is taken.
 *
 * @param <M> what is marked
 */
public final class Book<M extends Mark> {
  /** How many parts can be compared. */
  public static final int PARTS = 32;

  private final int marksMax;
  private final Comparator<M> order;
  private final Map<String, M> marks = new HashMap<>();
  private final TreeSet<M> ordered;
  private final long[] hashes = new long[PARTS];

  /**
   * An empty one.
   *
   * @param marksMax most marks; the oldest beyond it are forgotten
   * @param last decides between two words of one node on one target with the same stamp
   */
  public Book(int marksMax, Comparator<? super M> last) {
    this.marksMax = marksMax;
    this.order =
        Comparator.<M>comparingLong(Mark::stamp)
            .thenComparing(Mark::by)
            .thenComparing(Mark::target)
            .thenComparing(last);
    this.ordered = new TreeSet<>(order);
  }

  /** Takes others' marks in; returns those that were new. */
  public List<M> merge(List<M> told) {
    List<M> taken = new ArrayList<>();
    for (M each : told) {
      if (take(each)) {
        taken.add(each);
      }
    }
    return taken;
  }

  /**
   * The stamp of a word that no mark known so far can undo.
   *
   * @param epochMillis wall-clock time
   */
  public long stamp(String target, long epochMillis) {
    @Nullable M before = marks.get(target);
    return before == null ? epochMillis : Math.max(epochMillis, before.stamp() + 1);
  }

  /** Takes one mark in; says whether it is in the book now and was not before. */
  public boolean take(M mark) {
    @Nullable M before = marks.get(mark.target());
    if (before != null && order.compare(before, mark) >= 0) {
      return false;
    }
    if (before != null) {
      ordered.remove(before);
      hash(before);
    }
    marks.put(mark.target(), mark);
    ordered.add(mark);
    hash(mark);
    if (marks.size() > marksMax) {
      M oldest = ordered.first();
      ordered.remove(oldest);
      marks.remove(oldest.target());
      hash(oldest);
      return !oldest.equals(mark);
    }
    return true;
  }

  /** In or out: the exclusive or of both is nothing. */
  private void hash(M mark) {
    long target = Hash64.of(mark.target());
    long word = Hash64.combine(Hash64.of(mark.by().value()), mark.stamp());
    hashes[part(target)] ^= Hash64.combine(target, word);
  }

  private static int part(long targetHash) {
    return (int) (targetHash >>> 59); // the upper 5 bits: 0..31
  }

  /** The word that holds on a target. */
  public Optional<M> of(String target) {
    return Optional.ofNullable(marks.get(target));
  }

  /** All marks, the oldest first. */
  public List<M> marks() {
    return List.copyOf(ordered);
  }

  public int size() {
    return marks.size();
  }

  /** Whether there is no place for another target without forgetting one. */
  public boolean isFull() {
    return marks.size() >= marksMax;
  }

  /** One hash for each part; equal in books that are equal. */
  public List<Long> digest() {
    List<Long> parts = new ArrayList<>(PARTS);
    for (long each : hashes) {
      parts.add(each);
    }
    return parts;
  }

  /** The marks of those parts in which a book of this digest differs, the oldest first. */
  public List<M> lacking(List<Long> digest) {
    if (digest.size() != PARTS) { // of another release
      return marks();
    }
    boolean[] differs = new boolean[PARTS];
    boolean any = false;
    for (int i = 0; i < PARTS; i++) {
      differs[i] = digest.get(i) != hashes[i];
      any |= differs[i];
    }
    return any
        ? ordered.stream().filter(mark -> differs[part(Hash64.of(mark.target()))]).toList()
        : List.of();
  }
}
