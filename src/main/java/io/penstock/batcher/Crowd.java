package io.penstock.batcher;

import io.penstock.inference.Priority;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who takes how much of a pool's queue, and who makes room for whom when it is full, so that nobody
 * locks others out by filling it. Pure. A request costs O(log t) when it comes and when it goes, of
 * t tenants that wait; who is pushed out has come once, so that is paid already.
 *
 * <p>A queue is bounded in two ways, and each has its own crowd:
 *
 * <ul>
 *   <li><b>Places of a class.</b> Everybody has one for the asking; the others are shared by
 *       weight. A newcomer takes a place of the tenant that has most beyond its first, relative to
 *       its weight, if the newcomer's own, with this one, would then have less than that.
 *   <li><b>Bytes of all classes.</b> A class never pushes out a higher one: to a request, what
 *       higher classes hold is not there to be shared. The rest is shared by weight among all who
 *       wait in its class or in lower ones. A newcomer is let in when its tenant stays within its
 *       share with it; or when the tenant that has most of them, relative to its weight, could give
 *       all that is needed and would still have more than the newcomer's.
 * </ul>
 *
 * <p>Of a tenant that makes room, its lowest class goes first, first tries before retries, the
 * newest before the older: what has waited longest has the best chance to be served.
 *
 * <p><b>What follows.</b> (1) A request that keeps its tenant within its share is not refused for
 * want of places or bytes while another is above its own with requests of that class or lower ones:
 * if nobody was above, the shares' sum would fit. (2) Who is pushed out was above its share. (3) Of
 * two tenants neither can push out the other in turn: what is taken is taken by who has less, with
 * it, than the loser had. It is longest queue drop ("push-out") of shared-buffer switches
 * (Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998),
 * by weight and for packets of different sizes. Rejected: fixed parts of the queue for each tenant,
 * which leave most of it unused, and dropping the oldest, which wastes their wait.
 */
final class Crowd {
  private static final int CLASSES = Priority.values().length;

  /** What one tenant has waiting. */
  static final class Member {
    private final TenantId tenant;
    private double weight;
    private final long[] bytes = new long[CLASSES]; // in a class and those below it
    private final int[] waiting = new int[CLASSES];

    /** By class, those of first tries before those of retries. */
    private final @Nullable Waiting[] newest = new @Nullable Waiting[2 * CLASSES];

    private final int[] places = new int[2 * CLASSES];
    private int size;

    private Member(TenantId tenant, double weight) {
      this.tenant = tenant;
      this.weight = weight;
      Arrays.fill(places, Heap.NOWHERE);
    }
  }

  private final Map<TenantId, Member> members = new HashMap<>();
  private final Ranking[] byBytes = new Ranking[CLASSES];
  private final Ranking[] byPlaces = new Ranking[CLASSES];

  Crowd() {
    for (int i = 0; i < CLASSES; i++) {
      byBytes[i] = new Ranking(i);
      byPlaces[i] = new Ranking(CLASSES + i);
    }
  }

  /** One waits. */
  void add(Waiting entry) {
    Admit admit = entry.admit;
    Member member =
        members.computeIfAbsent(admit.tenant(), tenant -> new Member(tenant, admit.weight()));
    if (member.weight != admit.weight()) {
      reweigh(member, admit.weight());
    }
    int list = list(admit);
    Waiting before = member.newest[list];
    entry.older = before;
    if (before != null) {
      before.newer = entry;
    }
    member.newest[list] = entry;
    entry.member = member;
    member.size++;
    count(member, admit, 1);
  }

  /** One waits no more. */
  void remove(Waiting entry) {
    Member member = entry.member;
    if (member == null) {
      throw new IllegalStateException(
          "request " + entry.admit.id() + ": in no crowd (expected: waiting)");
    }
    if (entry.newer == null) {
      member.newest[list(entry.admit)] = entry.older;
    } else {
      entry.newer.older = entry.older;
    }
    if (entry.older != null) {
      entry.older.newer = entry.newer;
    }
    entry.older = null;
    entry.newer = null;
    entry.member = null;
    count(member, entry.admit, -1);
    if (--member.size == 0) {
      members.remove(member.tenant);
    }
  }

  private static int list(Admit admit) {
    return 2 * admit.priority().ordinal() + (admit.attempt() > 1 ? 1 : 0);
  }

  private void count(Member member, Admit admit, int sign) {
    int own = admit.priority().ordinal();
    for (int i = 0; i <= own; i++) {
      member.bytes[i] += (long) sign * admit.bodyBytes();
      byBytes[i].update(member);
    }
    member.waiting[own] += sign;
    byPlaces[own].update(member);
  }

  private void reweigh(Member member, double weight) {
    double more = weight - member.weight;
    member.weight = weight;
    for (int i = 0; i < CLASSES; i++) {
      byBytes[i].reweighed(member, more);
      byPlaces[i].reweighed(member, more);
    }
  }

  /** Whose place in its class, which is full, a newcomer takes; null where it may take none. */
  @Nullable Waiting placeFor(Admit newcomer) {
    int of = newcomer.priority().ordinal();
    Ranking ranking = byPlaces[of];
    @Nullable Member most = ranking.first();
    @Nullable Member own = members.get(newcomer.tenant());
    double with = own == null ? 0 : own.waiting[of]; // beyond its first
    return most != null && isMore(ranking.load(most), most.weight, with, newcomer.weight())
        ? newestOf(most, of, of)
        : null;
  }

  /**
   * Whether those who have most of the bytes make room for a newcomer. If so they are, one after
   * the other, {@link #mostBytes}, until there is.
   *
   * @param room bytes that may wait, less those of higher classes
   * @param lacking bytes that are not free, of those that it needs
   */
  boolean makesRoom(Admit newcomer, long room, long lacking) {
    Ranking ranking = byBytes[newcomer.priority().ordinal()];
    @Nullable Member most = ranking.first();
    @Nullable Member own = members.get(newcomer.tenant());
    long had = own == null ? 0 : ranking.load(own);
    double with = (double) had + newcomer.bodyBytes();
    if (most == null || with > room) {
      return false;
    }
    double weights =
        ranking.weights + newcomer.weight() - (own == null || had == 0 ? 0 : own.weight);
    return with * weights <= room * newcomer.weight()
        || isMore((double) ranking.load(most) - lacking, most.weight, with, newcomer.weight());
  }

  /** Bytes that wait in a class and those below it, of the one who has most of them. */
  @Nullable Waiting mostBytes(Priority priority) {
    @Nullable Member most = byBytes[priority.ordinal()].first();
    return most == null ? null : newestOf(most, CLASSES - 1, priority.ordinal());
  }

  private static @Nullable Waiting newestOf(Member member, int lowest, int highest) {
    for (int i = lowest; i >= highest; i--) {
      Waiting first = member.newest[2 * i];
      Waiting found = first == null ? member.newest[2 * i + 1] : first;
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  private static boolean isMore(double load, double weight, double than, double itsWeight) {
    return load * itsWeight > than * weight;
  }

  /** How many tenants wait. */
  int size() {
    return members.size();
  }

  /** Those who have something, most of it relative to its weight first. */
  private static final class Ranking extends Heap<Member> {
    private final int slot;
    private double weights;

    Ranking(int slot) {
      this.slot = slot;
    }

    private long load(Member member) {
      return slot < CLASSES
          ? member.bytes[slot]
          : Math.max(0, member.waiting[slot - CLASSES] - 1); // the first is everybody's
    }

    private void update(Member member) {
      boolean isIn = member.places[slot] != NOWHERE;
      if (load(member) == 0) {
        if (isIn) {
          remove(member);
          weights = size() == 0 ? 0 : weights - member.weight;
        }
      } else if (isIn) {
        moved(member);
      } else {
        add(member);
        weights += member.weight;
      }
    }

    private void reweighed(Member member, double more) {
      if (member.places[slot] != NOWHERE) {
        weights += more;
        moved(member);
      }
    }

    @Override
    boolean isBefore(Member a, Member b) {
      return isMore(load(a), a.weight, load(b), b.weight);
    }

    @Override
    int place(Member member) {
      return member.places[slot];
    }

    @Override
    void place(Member member, int at) {
      member.places[slot] = at;
    }
  }
}
