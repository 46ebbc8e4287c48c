package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.Samples.Ask;
import io.penstock.inference.Capability;
import io.penstock.inference.Outcome;
import io.penstock.inference.Priority;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Release;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FairQueueTest {
  private final Set<Integer> closed = new HashSet<>();
  private final FairQueue queue = new FairQueue((needs, excluded) -> !closed.contains(needs));
  private int asked;

  private Ask ask(String tenant) {
    return Ask.of(tenant + asked++).by(tenant).tokens(100, 50).waiting(1_000_000);
  }

  private void add(Ask ask, long now) {
    Admit admit = ask.admit();
    Samples.add(queue, admit, Reach.SERVED, admit.waitMillis(), now);
  }

  private void add(String tenant, int many, Priority priority) {
    for (int i = 0; i < many; i++) {
      add(ask(tenant).of(priority), 0);
    }
  }

  private Charge grant(long now) {
    Waiting next = Objects.requireNonNull(queue.next(now), "somebody to be served");
    return queue.grant(next, now);
  }

  /** The tenants of the next grants. */
  private String served(int grants, long now) {
    List<String> tenants = new ArrayList<>();
    for (int i = 0; i < grants; i++) {
      tenants.add(grant(now).account().tenant.value());
    }
    return String.join("", tenants);
  }

  @Test
  void twoTenantsTakeTurnsHoweverManyOfOneWait() {
    add("a", 100, Priority.DEFAULT);
    add("b", 3, Priority.DEFAULT);
    assertThat(served(8, 0)).isEqualTo("abababaa");
  }

  @Test
  void weightsAreShares() {
    for (int i = 0; i < 40; i++) {
      add(ask("a").by(new TenantId("a"), 3), 0);
      add(ask("b"), 0);
    }
    assertThat(served(40, 0).chars().filter(c -> c == 'a').count()).isEqualTo(30);
  }

  @Test
  void largeRequestsCountForMore() {
    for (int i = 0; i < 40; i++) {
      add(ask("a").tokens(1_000, 1), 0);
      add(ask("b").tokens(332, 1), 0);
    }
    assertThat(served(40, 0).chars().filter(c -> c == 'a').count()).isEqualTo(10);
  }

  @Test
  void whoComesBackFromIdleHasSavedNothingUp() {
    add("b", 1, Priority.DEFAULT);
    served(1, 0);
    add("a", 40, Priority.DEFAULT);
    served(20, 0);
    add("b", 20, Priority.DEFAULT);
    assertThat(served(8, 0)).isEqualTo("babababa");
  }

  @Test
  void whoWasServedMuchDoesNotShedItByAShortAbsence() {
    add("a", 1, Priority.DEFAULT);
    add("b", 1, Priority.DEFAULT);
    served(2, 0);
    add("b", 30, Priority.DEFAULT);
    for (int i = 0; i < 10; i++) {
      queue.pass(ask("a").admit()); // while b waits for a replica that is full
    }
    add("a", 10, Priority.DEFAULT);
    assertThat(served(12, 0)).startsWith("bbbbbbbbbb");
  }

  @Test
  void aReleaseSetsRightWhatWasCharged() {
    add("a", 10, Priority.DEFAULT);
    add("b", 10, Priority.DEFAULT);
    Charge a = grant(0);
    assertThat(a.account().tenant).isEqualTo(new TenantId("a"));
    assertThat(a.tokens()).isEqualTo(100 + 2 * 50);
    a.by().settle(a, release(Outcome.OK, new TokenUsage(100, 500, 50), 10));
    assertThat(a.account().counter).isEqualTo(50 + 0.1 * 50 + 2 * 500);
    assertThat(served(6, 0)).as("1055 against 200 each").isEqualTo("bbbbbb");
  }

  @Test
  void whatFailedBeforeItBeganIsGivenBackAndWhatWasNotCountedStays() {
    add("a", 10, Priority.DEFAULT);
    Charge failed = grant(0);
    failed.by().settle(failed, release(Outcome.TRANSPORT, TokenUsage.NONE, -1));
    assertThat(failed.account().counter).isZero();
    Charge left = grant(0);
    left.by().settle(left, release(Outcome.CANCELLED, TokenUsage.NONE, -1));
    assertThat(left.account().counter).as("its prompt was read").isEqualTo(100);
    Charge uncounted = grant(0);
    uncounted.by().settle(uncounted, release(Outcome.OK, TokenUsage.NONE, 10));
    assertThat(uncounted.account().counter).isEqualTo(300);
    assertThat(uncounted.account().live).isZero();
  }

  private static Release release(Outcome outcome, TokenUsage usage, long firstTokenMillis) {
    return new Release(
        Ask.of("x").admit().id(),
        Samples.POOL,
        1,
        Samples.id(0),
        outcome,
        usage,
        firstTokenMillis,
        100,
        0);
  }

  @Test
  void estimatesGoByWhatATenantsRequestsCameTo() {
    add(ask("a").tokens(100, 4_000), 0);
    Charge first = grant(0);
    assertThat(first.tokens()).isEqualTo(100 + 2.0 * TokenCost.OUTPUT_GUESS);
    first.by().settle(first, release(Outcome.OK, new TokenUsage(100, 30, 0), 10));
    add(ask("a").tokens(100, 4_000), 0);
    assertThat(grant(0).tokens()).isEqualTo(100 + 2 * 30);
  }

  @Test
  void floorsAreOneOfTenAndOneOfFifty() {
    add("i", 500, Priority.INTERACTIVE);
    add("d", 100, Priority.DEFAULT);
    add("b", 100, Priority.BULK);
    String order = served(200, 0);
    assertThat(order.chars().filter(c -> c == 'd').count()).isBetween(19L, 20L);
    assertThat(order.chars().filter(c -> c == 'b').count()).isBetween(3L, 4L);
    assertThat(order).startsWith("iiiiiiiiiidiiiiiiiiid");
  }

  @Test
  void aFloorIsNotSavedUp() {
    add("i", 100, Priority.INTERACTIVE);
    served(50, 0);
    add("d", 10, Priority.DEFAULT);
    assertThat(served(12, 0)).isEqualTo("iiiiiiiiiidi");
  }

  @Test
  void aTenantThatGotNothingForItsClassesAgeGoesAStepUpByTurns() {
    add("d", 3, Priority.DEFAULT);
    add("b", 1, Priority.BULK);
    for (int i = 0; i < 8; i++) {
      add(ask("i").of(Priority.INTERACTIVE), 29_000);
    }
    assertThat(served(2, 29_999)).isEqualTo("ii");
    assertThat(served(3, 30_000)).as("served once, it starves no more").isEqualTo("dii");
    assertThat(served(1, 60_000)).isEqualTo("i");
  }

  @Test
  void whatWaitsBehindItsOwnTenantsDoesNotAge() {
    add("noisy", 500, Priority.DEFAULT);
    for (long now = 0; now < 40_000; now += 1_000) {
      assertThat(grant(now).account().tenant.value()).isEqualTo("noisy");
    }
    add(ask("quiet"), 40_000);
    add(ask("chat").of(Priority.INTERACTIVE), 40_000);
    assertThat(served(3, 40_000)).isEqualTo("chatquietnoisy");
  }

  @Test
  void whoHasStarvedLongestGoesBeforeTheFairOrder() {
    add(ask("a"), 0);
    queue.pass(ask("a").tokens(100_000, 1).admit());
    for (int i = 0; i < 6; i++) {
      add(ask("n" + i + "-"), 29_000);
    }
    assertThat(served(2, 29_999)).doesNotContain("a");
    assertThat(served(1, 30_000)).isEqualTo("a");
  }

  @Test
  void insideATenantTheEarliestDeadlineIsFirstThenArrival() {
    add(ask("a").waiting(9_000), 0);
    add(ask("a").waiting(5_000), 0);
    add(ask("a").waiting(5_000), 0);
    add(ask("a").waiting(7_000), 0);
    List<String> order = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Waiting next = Objects.requireNonNull(queue.next(1));
      order.add(next.admit.id().value());
      queue.grant(next, 1);
    }
    assertThat(order).containsExactly("a1", "a2", "a3", "a0");
  }

  @Test
  void whomNoFreeReplicaCanServeHoldsNobodyUp() {
    int vision = CapabilityMask.of(Set.of(Capability.VISION));
    closed.add(vision);
    for (int i = 0; i < 200; i++) {
      add(ask("v" + i + "-").needing(Set.of(Capability.VISION)).of(Priority.INTERACTIVE), 0);
    }
    add(ask("v0-"), 0);
    add("a", 1, Priority.BULK);
    assertThat(served(2, 200_000)).isEqualTo("v0-a");
    assertThat(queue.next(200_000)).isNull();
    closed.clear();
    assertThat(served(1, 200_000)).isEqualTo("v0-");
  }

  @Test
  void idleAccountsAreBounded() {
    ClassQueue standard = queue.of(Priority.DEFAULT);
    for (int i = 0; i < Accounts.IDLE_MAX + 100; i++) {
      Charge charge = queue.pass(ask("t" + i + "-").admit());
      charge.by().settle(charge, charge.tokens());
    }
    List<Account> kept = new ArrayList<>();
    standard.eachAccount(kept::add);
    assertThat(kept).hasSize(Accounts.IDLE_MAX);
    assertThat(kept).extracting(each -> each.tenant.value()).doesNotContain("t0-0", "t0-");
  }
}
