package io.penstock.tenancy;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fault.Fault;
import io.penstock.inference.RateLimits;
import java.util.Random;
import java.util.function.Predicate;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The bound of {@link LimitKeeper}, in virtual time. */
class LimitsPropertyTest {
  private static final RateLimits REQUESTS = new RateLimits(100, 0, 0);
  private static final RateLimits TOKENS = new RateLimits(0, 1_000, 0);

  /** Any load, any number of loops, delays: no minute has more than the limit. */
  @Property(tries = 150)
  void noMinutePassesTheLimit(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 6) int loops,
      @ForAll @IntRange(min = 1, max = 5_000) int limit) {
    Random random = new Random(seed);
    LimitCluster cluster = new LimitCluster(loops, new RateLimits(limit, 0, 0), random);
    for (int i = 0; i < 4_000; i++) {
      cluster.request(random.nextInt(loops), 1, 1, random.nextInt(3_000));
      if (random.nextInt(4) == 0) {
        cluster.run(random.nextInt(random.nextInt(50) == 0 ? 20_000 : 150));
      }
    }
    cluster.run(10_000);

    if (cluster.localDecisions == 0) {
      assertThat(LimitCluster.worstMinute(cluster.admitted)).isLessThanOrEqualTo(limit);
    }
    assertThat(cluster.localDecisions).as("the keeper is never late").isZero();
    assertThat(cluster.admitted.size()).isGreaterThanOrEqualTo(Math.min(limit, 3_000) / 2);
  }

  /** Tokens: by no more than what requests that ran at once have used beyond their reservation. */
  @Property(tries = 150)
  void tokensPassTheLimitByTheErrorsOfTheEstimatesAlone(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int loops) {
    Random random = new Random(seed);
    LimitCluster cluster = new LimitCluster(loops, TOKENS, random);
    int error = random.nextInt(20);
    for (int i = 0; i < 3_000; i++) {
      int reserve = 1 + random.nextInt(120);
      int use = random.nextInt(reserve + error);
      cluster.request(random.nextInt(loops), reserve, use, random.nextInt(2_000));
      if (random.nextInt(3) == 0) {
        cluster.run(random.nextInt(random.nextInt(50) == 0 ? 20_000 : 300));
      }
    }
    cluster.run(10_000);

    assertThat(cluster.localDecisions).isZero();
    assertThat(LimitCluster.worstMinute(cluster.settled))
        .isLessThanOrEqualTo(1_000 + (long) error * cluster.runningMax);
  }

  @Property(tries = 100)
  void neverMoreAtOnce(@ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int loops) {
    Random random = new Random(seed);
    int limit = 1 + random.nextInt(60);
    LimitCluster cluster = new LimitCluster(loops, new RateLimits(0, 0, limit), random);
    for (int i = 0; i < 3_000; i++) {
      cluster.request(random.nextInt(loops), 1, 1, random.nextInt(500));
      cluster.run(random.nextInt(10));
    }
    cluster.run(5_000);

    assertThat(cluster.localDecisions).isZero();
    assertThat(cluster.runningMax).isLessThanOrEqualTo(limit);
    assertThat(cluster.running).isZero();
    int before = cluster.admitted.size();
    for (int i = 0; i < limit; i++) {
      cluster.request(0, 1, 1, 100);
    }
    cluster.run(50);
    assertThat(cluster.admitted.size() - before).as("all of it is there again").isEqualTo(limit);
  }

  /** Messages lost, on both ways: what is told later makes good what was not. */
  @Property(tries = 100)
  void lostMessagesCostNothingForGood(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int loops) {
    Random random = new Random(seed);
    LimitCluster cluster = new LimitCluster(loops, TOKENS, random);
    cluster.loss = 0.3;
    for (int i = 0; i < 1_000; i++) {
      cluster.request(random.nextInt(loops), 50, 40, random.nextInt(2_000));
      cluster.run(random.nextInt(200));
    }
    assertThat(LimitCluster.worstMinute(cluster.settled)).isLessThanOrEqualTo(2_000);
    cluster.loss = 0;
    cluster.run(70_000);

    int before = cluster.admitted.size();
    for (int i = 0; i < 40; i++) {
      cluster.request(0, 50, 50, 10);
      cluster.run(100);
    }
    assertThat(cluster.admitted.size() - before).isEqualTo(20);
  }

  /**
   * What clients are told to have left is no more than there is, but for what other loops have used
   * in the second and a half before; and no less but for one lease.
   */
  @Property(tries = 60)
  void clientsAreToldWhatTheyHaveLeft(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int loops) {
    Random random = new Random(seed);
    int limit = 128 * loops + random.nextInt(3_000);
    LimitCluster cluster = new LimitCluster(loops, new RateLimits(limit, 0, 0), random);
    for (int i = 0; i < 4_000; i++) {
      cluster.request(random.nextInt(loops), 1, 1, random.nextInt(100));
      if (random.nextInt(3) == 0) {
        cluster.run(random.nextInt(random.nextInt(100) == 0 ? 5_000 : 60));
      }
    }
    assertThat(cluster.localDecisions).isZero();
    long lease = limit / (4L * loops);
    for (int i = 0; i < cluster.told.size(); i++) {
      LimitCluster.Told each = cluster.told.get(i);
      long lately = used(cluster, i, 1_600, told -> told.loop() != each.loop());
      assertThat(each.remaining())
          .as("%s of %d, %d loops", each, limit, loops)
          .isLessThanOrEqualTo(limit - used(cluster, i, 60_000, any -> true) + lately)
          .isGreaterThanOrEqualTo(limit - used(cluster, i, 62_600, any -> true) - lease);
    }
  }

  /** Requests that were admitted in so many milliseconds up to one of them, with it. */
  private static long used(
      LimitCluster cluster, int upTo, long millis, Predicate<LimitCluster.Told> which) {
    long since = cluster.told.get(upTo).atMillis() - millis;
    long count = 0;
    for (int i = upTo; i >= 0 && cluster.told.get(i).atMillis() > since; i--) {
      count += which.test(cluster.told.get(i)) ? 1 : 0;
    }
    return count;
  }

  @Test
  void aLimitIsUsedToTheLast() {
    for (int loops : new int[] {1, 2, 3, 6}) {
      LimitCluster cluster = new LimitCluster(loops, REQUESTS, new Random(loops));
      for (int i = 0; i < 200; i++) {
        cluster.request(i % loops, 1, 1, 1_000);
      }
      cluster.run(5_000);
      assertThat(cluster.admitted).as("%d loops", loops).hasSize(100);
      assertThat(cluster.refusals).hasSize(100);
    }
  }

  @Test
  void theRetryAdviceIsRight() {
    LimitCluster cluster = new LimitCluster(2, REQUESTS, new Random(1));
    for (int i = 0; i < 101; i++) {
      cluster.request(i % 2, 1, 1, 10);
    }
    cluster.run(1_000);
    LimitRefusal no = cluster.refusals.get(0);
    assertThat(no.fault()).isEqualTo(Fault.REQUEST_LIMIT);
    assertThat(no.message()).isEqualTo("tenant 'acme' has had its 100 requests of this minute");
    assertThat(no.retryAfterMillis()).isBetween(59_000L, 61_000L);

    cluster.run(no.retryAfterMillis() - 990);
    cluster.request(0, 1, 1, 10);
    cluster.run(100);
    assertThat(cluster.admitted).hasSize(101);
  }

  /**
   * Cut off from the keeper: nobody waits longer than the budget, and all stay within the limit.
   */
  @Property(tries = 50)
  void cutOffTheLoopsKeepToTheirShares(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int loops) {
    Random random = new Random(seed);
    LimitCluster cluster = new LimitCluster(loops, REQUESTS, random);
    for (int i = 0; i < 300; i++) {
      cluster.request(random.nextInt(loops), 1, 1, 100);
      cluster.run(random.nextInt(50));
    }
    cluster.run(LimitDesk.BUDGET_MILLIS); // the last one is decided as well
    cluster.isCut = true;
    for (int i = 0; i < 600; i++) {
      int decided = cluster.admitted.size() + cluster.refusals.size();
      cluster.request(random.nextInt(loops), 1, 1, 100);
      cluster.run(LimitDesk.BUDGET_MILLIS);
      assertThat(cluster.admitted.size() + cluster.refusals.size()).isEqualTo(decided + 1);
      cluster.run(random.nextInt(600));
    }
    assertThat(cluster.localDecisions).isPositive();
    assertThat(LimitCluster.worstMinute(cluster.admitted)).isLessThanOrEqualTo(200);
    cluster.isCut = false;
    cluster.run(62_000);
    int before = cluster.admitted.size();
    for (int i = 0; i < 150; i++) {
      cluster.request(random.nextInt(loops), 1, 1, 10);
    }
    cluster.run(1_000);
    assertThat(cluster.admitted.size() - before).as("the keeper is asked again").isEqualTo(100);
  }

  /** Its place is taken by one that knows nothing: the loops tell it of their last minute. */
  @Test
  void aNewKeeperLearnsWhatWasUsed() {
    for (int loops : new int[] {1, 3}) {
      LimitCluster cluster = new LimitCluster(loops, REQUESTS, new Random(5));
      for (int i = 0; i < 60; i++) {
        cluster.request(i % loops, 1, 1, 10);
        cluster.run(100);
      }
      cluster.keeper = new LimitKeeper(2);
      cluster.keeper.learnUntil(cluster.nowMillis + 500);
      cluster.desks.forEach(desk -> desk.changed(loops, tenant -> true, cluster.nowMillis));
      cluster.run(600);
      for (int i = 0; i < 200; i++) {
        cluster.request(i % loops, 1, 1, 10);
      }
      cluster.run(1_000);
      assertThat(cluster.admitted).as("%d loops", loops).hasSize(100);
    }
  }

  /** As before, but nobody has said that it is another: its answers do. */
  @Test
  void aKeeperThatBeganAnewIsToldOfTheMinute() {
    LimitCluster cluster = new LimitCluster(3, REQUESTS, new Random(5));
    for (int i = 0; i < 60; i++) {
      cluster.request(i % 3, 1, 1, 10);
      cluster.run(300);
    }
    cluster.keeper = new LimitKeeper(2);
    cluster.keeper.learnUntil(cluster.nowMillis + 500);
    for (int i = 0; i < 3; i++) {
      cluster.request(i, 1, 1, 10);
    }
    cluster.run(600);
    for (int i = 0; i < 200; i++) {
      cluster.request(i % 3, 1, 1, 10);
    }
    cluster.run(1_000);
    assertThat(LimitCluster.worstMinute(cluster.admitted)).isBetween(90L, 100L);
  }

  @Test
  void aRequestThatIsLargerThanTheLimitIsToldSo() {
    LimitCluster cluster = new LimitCluster(1, TOKENS, new Random(1));
    cluster.request(0, 1_001, 1, 10);
    assertThat(cluster.refusals.get(0).message())
        .isEqualTo(
            "the request may come to 1001 tokens, prompt and completion together (expected: at"
                + " most 1000, the tokens per minute of tenant 'acme'; lower max_tokens)");
    assertThat(cluster.refusals.get(0).retryAfterMillis()).isZero();
  }

  @Test
  void nothingIsRememberedOfATenantWhoIsGone() {
    LimitCluster cluster = new LimitCluster(2, new RateLimits(5_000, 100_000, 64), new Random(1));
    for (int i = 0; i < 500; i++) {
      cluster.request(i % 2, 10, 5, 10);
      cluster.run(20);
    }
    assertThat(cluster.desks).noneMatch(LimitDesk::isIdle);
    cluster.run(70_000);
    assertThat(cluster.desks).allMatch(LimitDesk::isIdle);
    assertThat(cluster.keeper.size()).isZero();
  }
}
