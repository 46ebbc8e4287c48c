package io.penstock.tenancy;

import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.LimitGrant;
import io.penstock.message.LimitKind;
import io.penstock.message.LimitLine;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the limits of the tenants that fall to this node, for all ingress loops of the cluster.
 * Pure.
 *
 * <p><b>The rule.</b> Of each limit L it knows what every loop holds (granted, and not said to be
 * used) and what was said to be used in the last minute. It grants no more than L less both.
 *
 * <p><b>Why no minute passes L.</b> Take any 60 seconds, and whatever was used in them. A use is
 * told after it happens, and counts for a minute from then on; until it is told it is part of what
 * its loop holds. So at the end of the 60 seconds each use in them is in the one sum or the other,
 * and these were at most L when the last of it was granted. This holds for any number of loops and
 * whatever they keep at hand; what they keep at hand costs them some of L, not others more than L.
 *
 * <p><b>What passes L</b>, then, is only: (1) a request that uses more than was reserved for it, by
 * as much; so with c requests at once at most c such errors. (2) What loops allow themselves while
 * they do not reach their keeper, {@link LimitDesk}: at most L a minute in all, so twice L in the
 * minute in which that begins. (3) What a loop had used and not told, or a keeper that died with
 * its node had been told by loops of that node alone: it may be used once more.
 *
 * <p>Rejected: token buckets, which allow up to twice the limit in a minute that spans a refill,
 * and leases that are counted when they are taken, which pass the limit by all leases that are used
 * a minute later.
 */
final class LimitKeeper {
  /** What is not known better. */
  private static final long RETRY_MILLIS = 1_000;

  private record Key(String subject, LimitKind kind) {}

  /** What one loop said last. */
  private static final class Holder {
    private final long epoch;
    private final long usedAtFirst;
    private boolean hasToldMinute;
    private long seq;
    private long used;
    private long holding;
    private long atHand;

    Holder(long epoch, long usedAtFirst) {
      this.epoch = epoch;
      this.usedAtFirst = usedAtFirst;
    }
  }

  /** One limit. */
  private static final class Bucket {
    private final Minute minute = new Minute();
    private final Map<Station, Holder> holders = new HashMap<>();

    private long idle(Holder butOf) {
      long sum = 0;
      for (Holder each : holders.values()) {
        sum += each == butOf ? 0 : each.atHand;
      }
      return sum;
    }

    private long holding() {
      long sum = 0;
      for (Holder each : holders.values()) {
        sum += each.holding;
      }
      return sum;
    }
  }

  private final long life;
  private final Map<TenantId, Map<Key, Bucket>> tenants = new HashMap<>();
  private Set<TenantId> learned = Set.of();
  private long learnsUntilMillis = Long.MIN_VALUE;

  /**
   * @param life tells this keeper from those before it
   */
  LimitKeeper(long life) {
    this.life = life;
  }

  /**
   * Tenants may have come from other keepers. Until then their loops tell what they have used; of
   * those that were here before that is known.
   */
  void learnUntil(long millis) {
    learned = Set.copyOf(tenants.keySet());
    learnsUntilMillis = millis;
  }

  /** Hears what a loop has used, and grants what it may have. */
  LimitAnswer answer(LimitAsk ask, long nowMillis) {
    boolean learning = nowMillis < learnsUntilMillis && !learned.contains(ask.tenant());
    Map<Key, Bucket> buckets = tenants.computeIfAbsent(ask.tenant(), id -> new HashMap<>());
    List<LimitGrant> grants = new ArrayList<>(ask.lines().size());
    for (LimitLine line : ask.lines()) {
      Key key = new Key(line.subject(), line.kind());
      Bucket bucket = buckets.computeIfAbsent(key, each -> new Bucket());
      Holder holder = heard(bucket, ask, line, nowMillis);
      if (holder != null) {
        grants.add(grant(bucket, holder, line, learning, nowMillis));
      }
    }
    return new LimitAnswer(ask.tenant(), life, ask.seq(), learning, grants);
  }

  /** Null when a later ask has been heard already. */
  private static @Nullable Holder heard(
      Bucket bucket, LimitAsk ask, LimitLine line, long nowMillis) {
    Holder holder = bucket.holders.get(ask.from());
    if (holder != null && holder.epoch == ask.epoch() && holder.seq >= ask.seq()) {
      return null;
    }
    boolean windowed = line.kind() != LimitKind.CONCURRENT;
    if (holder == null || holder.epoch != ask.epoch()) {
      if (holder != null && windowed) {
        bucket.minute.add(nowMillis, holder.holding); // of a loop that is no more
      }
      holder = new Holder(ask.epoch(), line.used());
      bucket.holders.put(ask.from(), holder);
    } else if (windowed) {
      bucket.minute.add(nowMillis, Math.max(0, line.used() - holder.used));
    }
    if (windowed && !holder.hasToldMinute && !line.minute().isEmpty()) {
      holder.hasToldMinute = true;
      long known = line.used() - holder.usedAtFirst; // it was told as it was used
      for (int ago = 0; ago < line.minute().size(); ago++) {
        long amount = line.minute().get(ago);
        long fresh = Math.max(0, amount - known);
        known = Math.max(0, known - amount);
        bucket.minute.addAged(nowMillis, ago, fresh);
      }
    }
    holder.seq = ask.seq();
    holder.used = line.used();
    holder.holding = line.holding();
    holder.atHand = line.atHand();
    return holder;
  }

  private static LimitGrant grant(
      Bucket bucket, Holder holder, LimitLine line, boolean learning, long nowMillis) {
    long free = Math.max(0, line.limit() - bucket.minute.sum(nowMillis) - bucket.holding());
    long granted = 0;
    if (!learning && line.need() > 0) {
      long left = free - line.need();
      // The less there is, the smaller what is kept at hand, so that the last of it is for all.
      granted =
          left < 0
              ? free
              : line.need() + Math.min(line.extra(), left / (2L * bucket.holders.size() + 2));
    }
    holder.holding += granted;
    holder.atHand = line.need() > 0 ? Math.max(0, granted - line.need()) : line.atHand();
    long lacking = Math.max(0, line.need() - granted);
    return new LimitGrant(
        line.subject(),
        line.kind(),
        granted,
        free - granted,
        bucket.idle(holder),
        lacking == 0 ? 0 : retry(bucket, line, lacking, nowMillis),
        line.kind() == LimitKind.CONCURRENT
            ? 0
            : bucket.minute.untilGone(nowMillis, Long.MAX_VALUE));
  }

  private static long retry(Bucket bucket, LimitLine line, long lacking, long nowMillis) {
    if (line.kind() == LimitKind.CONCURRENT || bucket.minute.sum(nowMillis) == 0) {
      return RETRY_MILLIS;
    }
    return bucket.minute.untilGone(nowMillis, lacking);
  }

  /** These loops are the ones that live; what others held may have been used. */
  void onlyOf(Predicate<Station> lives, long nowMillis) {
    for (Map<Key, Bucket> buckets : tenants.values()) {
      buckets.forEach(
          (key, bucket) -> {
            Iterator<Map.Entry<Station, Holder>> each = bucket.holders.entrySet().iterator();
            while (each.hasNext()) {
              Map.Entry<Station, Holder> holder = each.next();
              if (!lives.test(holder.getKey())) {
                if (key.kind() != LimitKind.CONCURRENT) {
                  bucket.minute.add(nowMillis, holder.getValue().holding);
                }
                each.remove();
              }
            }
          });
    }
  }

  /** Forgets tenants who do not keep it here any more. */
  void only(Predicate<TenantId> mine) {
    tenants.keySet().removeIf(mine.negate());
  }

  /** Forgets what nobody has used for a minute. */
  void tidy(long nowMillis) {
    tenants
        .values()
        .removeIf(
            buckets -> {
              buckets
                  .values()
                  .removeIf(bucket -> bucket.holding() == 0 && bucket.minute.sum(nowMillis) == 0);
              return buckets.isEmpty();
            });
  }

  /** How many tenants it keeps. */
  int size() {
    return tenants.size();
  }
}
