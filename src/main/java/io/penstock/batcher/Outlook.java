package io.penstock.batcher;

import io.penstock.inference.Priority;
import io.penstock.message.Admit;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How long requests will wait, by what lies ahead of them in the order of service and how fast
 * slots come free ({@link WaitForecast}).
 *
 * <p>A tenant that has had something waiting for a while has a {@link Pace}, which holds all that
 * the order of service does to it, and what still arrives ahead of it; its requests wait as many of
 * these as the tenant has before them. For others the order is modelled: in a class the requests of
 * each tenant that start, by its counter, before this one's do; of the pool's grants those that the
 * class gets, by the class's pace, or, where that is not known either, what waits in the classes
 * above, but no more than the class's floor allows. Flat cost: where many tenants wait, {@link
 * #TENANTS_MAX} of them stand for all.
 *
 * <p>What is not in it: that a request needs one of a few replicas, and arrivals ahead of one whose
 * tenant and class have not waited for long.
 */
final class Outlook {
  /** Most tenants that are looked at for what they have ahead of a request. */
  static final int TENANTS_MAX = 64;

  /** Most of a tenant's own requests that are looked at for earlier deadlines. */
  private static final int OWN_MAX = 64;

  /** Fewer of a tenant's own requests say nothing of when they will have left. */
  private static final int OWN_MIN = 16;

  /**
   * What lies ahead.
   *
   * @param place in the order of service as it is now, from 1
   * @param waitMillis until a grant; -1 where nothing can be said
   */
  record Place(int place, long waitMillis) {}

  private final FairQueue queue;
  private final WaitForecast forecast;

  Outlook(FairQueue queue, WaitForecast forecast) {
    this.queue = queue;
    this.forecast = forecast;
  }

  /** The wait of a request that comes now; -1 where nothing can be said. */
  long ofNew(Admit admit, long deadlineMillis, int slots) {
    ClassQueue in = queue.of(admit.priority());
    return admit.attempt() > 1
        ? wait(admit.priority(), retries(in), slots)
        : ofNew(admit.priority(), in.account(admit), deadlineMillis, slots);
  }

  /**
   * The wait of another first attempt.
   *
   * @param account of its tenant; null where none is known
   */
  long ofNew(Priority priority, @Nullable Account account, long deadlineMillis, int slots) {
    if (!forecast.isKnown() || slots == 0) {
      return -1;
    }
    ClassQueue in = queue.of(priority);
    double counter = in.lowestCounter();
    int own = 0;
    if (account != null) {
      counter = account.waiting > 0 ? account.counter : Math.max(counter, account.counter);
      for (Turn each : account.turns) {
        int before = before(each, deadlineMillis);
        own += before;
        counter += each.cost * before / each.size();
      }
      if (account.pace.isKnown()) {
        return forecast.waitMillis((own + 1) * account.pace.value(), slots);
      }
    }
    return wait(priority, own + others(in, account, counter, TENANTS_MAX), slots);
  }

  /** Of one that waits; O(n). */
  Place of(Waiting waiting, int slots) {
    Priority priority = waiting.admit.priority();
    ClassQueue in = queue.of(priority);
    @Nullable Account account = in.account(waiting.admit);
    if (account == null) {
      throw new IllegalStateException(
          "tenant " + waiting.admit.tenant() + ": no account (expected: one waits)");
    }
    double counter = account.counter;
    int own = 0;
    for (Turn each : account.turns) {
      int before = 0;
      for (int i = 0; i < each.size(); i++) {
        before += each.at(i).isDueBefore(waiting) ? 1 : 0;
      }
      own += before;
      counter += each.cost * before / each.size();
    }
    int ahead =
        waiting.admit.attempt() > 1
            ? own
            : own + (int) others(in, account, counter, Integer.MAX_VALUE);
    long wait =
        account.pace.isKnown() && waiting.admit.attempt() == 1
            ? forecast.waitMillis((own + 1) * account.pace.value(), slots)
            : wait(priority, ahead, slots);
    return new Place(above(priority) + ahead + 1, wait);
  }

  /**
   * When a request like one that would wait for too long now will be in time. What is ahead of it
   * leaves at the rate of grants. Where its tenant has more ahead than can be served in time, much
   * of that leaves by its deadlines before: as of when they have let go the share that is too much.
   */
  long untilInTime(Admit admit, long predictedMillis, long maxWaitMillis, long nowMillis) {
    long byGrants = predictedMillis - maxWaitMillis;
    @Nullable Account account = queue.of(admit.priority()).account(admit);
    if (account == null || account.waiting < OWN_MIN) {
      return byGrants;
    }
    long[] deadlines = new long[OWN_MAX];
    int looks = 0;
    for (Turn turn : account.turns) {
      int size = turn.size();
      for (long i = 0; i < OWN_MAX && looks < OWN_MAX && i < size; i++) {
        deadlines[looks++] =
            turn.at((int) (size <= OWN_MAX ? i : i * size / OWN_MAX)).deadlineMillis;
      }
    }
    Arrays.sort(deadlines, 0, looks);
    int tooMany = (int) Math.ceil(looks * (1 - (double) maxWaitMillis / predictedMillis));
    long byDeadlines = deadlines[Math.max(0, Math.min(looks, tooMany) - 1)] - nowMillis;
    return Math.min(byGrants, byDeadlines);
  }

  /** Until so many more of a class have been granted; -1 where nothing can be said. */
  long wait(Priority priority, double ahead, int slots) {
    Pace pace = queue.of(priority).pace();
    if (pace.isKnown()) {
      return forecast.waitMillis((ahead + 1) * pace.value(), slots);
    }
    double strict = above(priority) + ahead + 1;
    double share = Floors.share(priority);
    double grants = share > 0 ? Math.min(strict, (ahead + 1) / share) : strict;
    return forecast.waitMillis(grants, slots);
  }

  private int above(Priority priority) {
    int above = 0;
    for (Priority each : Priority.values()) {
      above += each.compareTo(priority) < 0 ? queue.of(each).size() : 0;
    }
    return above;
  }

  private static int retries(ClassQueue in) {
    int retries = 0;
    for (Line each : in.lines()) {
      if (each.key.retry()) {
        for (int i = 0; i < each.size(); i++) {
          retries += each.at(i).size();
        }
      }
    }
    return retries;
  }

  /** How many of a tenant's requests in a line are due at that time or before. */
  private static int before(Turn turn, long deadlineMillis) {
    int size = turn.size();
    int looks = Math.min(size, OWN_MAX);
    int before = 0;
    for (int i = 0; i < looks; i++) {
      int at = (int) ((long) i * size / looks);
      before += turn.at(at).deadlineMillis <= deadlineMillis ? 1 : 0;
    }
    return (int) ((long) before * size / looks);
  }

  /** How many requests of others start before a tenant whose counter will be at {@code start}. */
  private static double others(
      ClassQueue in, @Nullable Account tenant, double start, int tenantsMax) {
    int size = in.tenants();
    int looks = Math.min(size, tenantsMax);
    double ahead = 0;
    for (int i = 0; i < looks; i++) {
      Account each = in.tenant((int) ((long) i * size / looks));
      if (each != tenant && each.counter <= start) {
        double cost = 0;
        for (Turn turn : each.turns) {
          cost += turn.cost;
        }
        double started = 1 + Math.floor((start - each.counter) * each.waiting / Math.max(1, cost));
        ahead += Math.min(each.waiting, started);
      }
    }
    return looks == 0 ? 0 : ahead * size / looks;
  }
}
