package io.penstock.batcher;

import io.penstock.inference.NodeId;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.message.Admit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The waiting requests of one pool, and who of them is next. Pure; every call costs O(log n) in the
 * queue's length, unless it says otherwise.
 *
 * <p>Three classes are served in strict order, with two exceptions, so that nothing starves:
 *
 * <ol>
 *   <li>{@link Floors}: a class that waits gets a share of the grants in any case;
 *   <li>age: a class in which a tenant that could be served has waited for {@link #ageMillis} (5 s
 *       {@code interactive}, 30 s {@code default}, 120 s {@code bulk}) without being given anything
 *       stands one class higher, with that tenant's request. There it takes turns with the class
 *       that it has come up to; {@code interactive} stands above all.
 * </ol>
 *
 * <p>Inside a class the order is fair over tenants ({@link ClassQueue}); inside a tenant it is that
 * of deadlines, then of arrival. It is work-conserving: whoever can not be served by a replica that
 * is free is passed over.
 *
 * <p>Fairness is over what this owner of the pool has seen. After a hand-over all counters start
 * anew, as do floors, ages and paces: requests keep their ids and deadlines, and what was granted
 * before is charged to nobody.
 */
final class FairQueue {
  private final Map<Priority, ClassQueue> classes = new EnumMap<>(Priority.class);
  private final Floors floors = new Floors();
  private final Map<RequestId, Waiting> byId = new HashMap<>();
  private final Heap<Waiting> byDeadline = new ByDeadline();
  private final Crowd crowd = new Crowd();
  private final Choice choice;
  private final long[] lastGrant = new long[Priority.values().length];
  private long arrivals;
  private long grants;
  private final long[] bytesOf = new long[Priority.values().length];

  /**
   * @param opening where a replica would take a request now
   */
  FairQueue(Choice.Opening opening) {
    choice = new Choice(opening);
    for (Priority each : Priority.values()) {
      classes.put(each, new ClassQueue(ageMillis(each)));
    }
  }

  /** How long a tenant waits in a class without being given anything, until it goes a step up. */
  static long ageMillis(Priority priority) {
    return switch (priority) {
      case INTERACTIVE -> 5_000;
      case DEFAULT -> 30_000;
      case BULK -> 120_000;
    };
  }

  int size() {
    return byId.size();
  }

  ClassQueue of(Priority priority) {
    ClassQueue found = classes.get(priority);
    if (found == null) {
      throw new IllegalStateException("class " + priority + " (expected: one of all)");
    }
    return found;
  }

  /** Of all that wait. */
  long bytes() {
    return bytesAbove(Priority.BULK) + bytesOf[Priority.BULK.ordinal()];
  }

  /** Of those that wait in higher classes than this. */
  long bytesAbove(Priority priority) {
    long sum = 0;
    for (int i = 0; i < priority.ordinal(); i++) {
      sum += bytesOf[i];
    }
    return sum;
  }

  /** Who takes how much of it. */
  Crowd crowd() {
    return crowd;
  }

  /** Grants so far. */
  long grants() {
    return grants;
  }

  @Nullable Waiting find(RequestId id) {
    return byId.get(id);
  }

  /** One that its client knows by this id; null when there is none. O(n). */
  @Nullable Waiting findByCaller(String callerId) {
    for (Waiting each : byId.values()) {
      if (each.admit.callerId().equals(callerId)) {
        return each;
      }
    }
    return null;
  }

  boolean isWaiting(RequestId id) {
    return byId.containsKey(id);
  }

  /** A copy of all that wait; O(n). */
  List<Waiting> all() {
    return List.copyOf(byId.values());
  }

  /** Those whom a node's stations have asked for; O(n). */
  List<Waiting> of(Set<NodeId> nodes) {
    Predicate<Waiting> theirs = each -> nodes.contains(each.admit.replyTo().node());
    return byId.values().stream().filter(theirs).toList();
  }

  /** The line of such a request. */
  static Line.Key line(Admit admit) {
    return new Line.Key(admit.attempt() > 1, CapabilityMask.of(admit.needs()), admit.excluded());
  }

  /** Lets one wait, which must not wait yet; for its turn once it has been {@link #lineUp}. */
  Waiting enter(Admit admit, long maxWaitMillis, long nowMillis) {
    Waiting entry = new Waiting(admit, nowMillis, nowMillis + maxWaitMillis, arrivals++);
    byId.put(admit.id(), entry);
    byDeadline.add(entry);
    crowd.add(entry);
    bytesOf[admit.priority().ordinal()] += admit.bodyBytes();
    return entry;
  }

  /**
   * Lets one that waits do so for its turn.
   *
   * @param reach what it may hope for now
   */
  void lineUp(Waiting entry, Reach reach) {
    of(entry.admit.priority()).add(entry, line(entry.admit), reach);
  }

  /** Lets one go without a grant. */
  void remove(Waiting entry) {
    if (entry.turn != null) {
      of(entry.admit.priority()).remove(entry);
    }
    forget(entry);
  }

  private void forget(Waiting entry) {
    byId.remove(entry.admit.id());
    byDeadline.remove(entry);
    crowd.remove(entry);
    bytesOf[entry.admit.priority().ordinal()] -= entry.admit.bodyBytes();
  }

  /** Whose deadline is nearest; null when nobody waits. */
  @Nullable Waiting nearest() {
    return byDeadline.first();
  }

  /** Who is next; null when nobody waits whom a free replica could serve. */
  @Nullable Waiting next(long nowMillis) {
    choice.anew();
    int tried = 0;
    for (int i = 0; i < Priority.values().length; i++) {
      @Nullable Priority first = null;
      @Nullable Waiting starving = null;
      int firstStep = Integer.MAX_VALUE;
      for (Priority each : classes.keySet()) {
        ClassQueue queue = of(each);
        if (queue.size() == 0 || (tried & (1 << each.ordinal())) != 0) {
          continue;
        }
        @Nullable Waiting starved = queue.starved(choice, nowMillis);
        int step = floors.isOwed(each) ? -2 : each.ordinal() - (starved == null ? 0 : 1);
        if (step < firstStep || (first != null && step == firstStep && isLater(first, each))) {
          first = each;
          firstStep = step;
          starving = starved;
        }
      }
      if (first == null) {
        return null;
      }
      @Nullable Waiting next = starving == null ? of(first).fairest(choice) : starving;
      if (next != null) {
        return next;
      }
      tried |= 1 << first.ordinal();
    }
    return null;
  }

  /** Whether the first had a grant after the second, which is next then. */
  private boolean isLater(Priority first, Priority second) {
    return lastGrant[first.ordinal()] > lastGrant[second.ordinal()];
  }

  /** Grants to one that waits, for its turn or not, who leaves. */
  Charge grant(Waiting entry, long nowMillis) {
    if (entry.turn == null) {
      forget(entry);
      return pass(entry.admit);
    }
    Charge charge = of(entry.admit.priority()).grant(entry, ++grants, nowMillis);
    forget(entry);
    count(entry.admit.priority());
    return charge;
  }

  /** Grants to one that need not wait. */
  Charge pass(Admit admit) {
    ++grants;
    Charge charge = of(admit.priority()).pass(admit);
    count(admit.priority());
    return charge;
  }

  private void count(Priority granted) {
    lastGrant[granted.ordinal()] = grants;
    for (Priority each : classes.keySet()) {
      floors.granted(each, each == granted, of(each).size() > 0);
    }
  }

  /** Looks again at what the waiting may hope for; O(lines). */
  void review(Roster roster, long nowMillis) {
    classes.values().forEach(each -> each.review(roster, nowMillis));
  }

  /** Those that no replica will serve, or that have hoped for one for too long; O(lines). */
  List<Waiting> hopeless(long graceMillis, long nowMillis) {
    List<Waiting> all = List.of();
    for (ClassQueue each : classes.values()) {
      List<Waiting> found = each.hopeless(graceMillis, nowMillis);
      if (!found.isEmpty()) {
        all = all.isEmpty() ? new ArrayList<>() : all;
        all.addAll(found);
      }
    }
    return all;
  }

  /** All that wait, nearest deadline first. */
  private static final class ByDeadline extends Heap<Waiting> {
    @Override
    boolean isBefore(Waiting a, Waiting b) {
      return a.isDueBefore(b);
    }

    @Override
    int place(Waiting waiting) {
      return waiting.placeInQueue;
    }

    @Override
    void place(Waiting waiting, int at) {
      waiting.placeInQueue = at;
    }
  }
}
