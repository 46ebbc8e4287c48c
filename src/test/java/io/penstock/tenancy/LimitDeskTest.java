package io.penstock.tenancy;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.ModelLimits;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.Priority;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A desk and its keeper, when limits change under requests that run and when keepers move. */
class LimitDeskTest {
  private static final TenantId ACME = new TenantId("acme");
  private static final ModelName MODEL = new ModelName("m");
  private static final RateLimits REQUESTS = new RateLimits(1_000, 0, 0);

  private final List<LimitAsk> asks = new ArrayList<>();
  private long budgetMillis = LimitDesk.BUDGET_MILLIS;
  private final LimitDesk desk = desk(asks);
  private LimitKeeper keeper = new LimitKeeper(1);
  private long nowMillis = 1_000_000;

  @BeforeEach
  void twoLoops() {
    desk.changed(2, tenant -> false, nowMillis);
  }

  private LimitDesk desk(List<LimitAsk> asks) {
    return new LimitDesk(
        new Station(new NodeId("n"), Room.INGRESS, 0),
        1,
        new LimitDesk.Outlet() {
          @Override
          public void ask(LimitAsk ask) {
            asks.add(ask);
          }

          @Override
          public long budgetMillis(TenantId tenant) {
            return budgetMillis;
          }

          @Override
          public void expireSoon() {}

          @Override
          public void decidedLocally(boolean admitted) {}
        });
  }

  private static Identity acme(RateLimits limits) {
    return new Identity(
        new Tenant(
            ACME,
            "",
            Set.of(),
            Priority.INTERACTIVE,
            1,
            limits,
            List.of(),
            Set.of(),
            CachePolicy.NONE),
        Optional.empty());
  }

  private Ticket ask(RateLimits limits, long tokens) {
    return desk.reserve(acme(limits), MODEL, tokens, nowMillis, () -> {});
  }

  private Ticket reserve(RateLimits limits, long tokens) {
    Ticket ticket = ask(limits, tokens);
    talk();
    return ticket;
  }

  private void talk() {
    while (!asks.isEmpty()) {
      desk.answered(keeper.answer(asks.remove(0), nowMillis), nowMillis);
    }
  }

  private void tick(long millis) {
    nowMillis += millis;
    desk.tick(nowMillis);
  }

  private long held(RateLimits limits, int tries, long tokens) {
    long held = 0;
    for (int i = 0; i < tries; i++) {
      held += reserve(limits, tokens).isHeld() ? 1 : 0;
    }
    return held;
  }

  @ParameterizedTest
  @ValueSource(longs = {LimitDesk.BUDGET_MILLIS, LimitDesk.HOME_BUDGET_MILLIS})
  void whoIsNotAnsweredInTimeIsDecidedByItsLoop(long budget) {
    budgetMillis = budget;
    Ticket ticket = ask(REQUESTS, 10);
    nowMillis += budget - 1;
    desk.expire(nowMillis);
    assertThat(ticket.isHeld()).isFalse();
    nowMillis += 1;
    desk.expire(nowMillis);
    assertThat(ticket.isHeld()).isTrue();
  }

  @Test
  void whoIsRefusedForTokensUsesUpNoRequest() {
    RateLimits limits = new RateLimits(20, 100, 0);
    assertThat(reserve(limits, 90).isHeld()).isTrue();
    for (int i = 0; i < 200; i++) {
      Ticket refused = reserve(limits, 50);
      LimitRefusal why = Objects.requireNonNull(refused.refusal(), "ask " + i);
      assertThat(why.fault()).as("ask %d: %s", i, why.message()).isEqualTo(Fault.TOKEN_LIMIT);
      desk.settle(refused, 0, nowMillis);
      talk();
      tick(10);
      talk();
    }
    assertThat(held(limits, 10, 1)).as("requests that fit").isEqualTo(10);
  }

  /** In a cascade. */
  @Test
  void aFurtherTierTakesTokensOfAllAndTheRestOfItsModelAlone() {
    RateLimits ofTenant = new RateLimits(2, 1_000, 1);
    ModelName above = new ModelName("above");
    Identity who =
        new Identity(
            new Tenant(
                ACME,
                "",
                Set.of(),
                Priority.INTERACTIVE,
                1,
                ofTenant,
                List.of(
                    new ModelLimits(MODEL, new RateLimits(5, 0, 1)),
                    new ModelLimits(above, new RateLimits(1, 200, 1))),
                Set.of(),
                CachePolicy.NONE),
            Optional.empty());
    Ticket first = desk.reserve(who, MODEL, 100, nowMillis, () -> {});
    talk();
    desk.settlePart(first, 40, nowMillis);
    Ticket second = desk.reserveFurther(who, above, true, 150, nowMillis, () -> {});
    talk();
    assertThat(second.isHeld()).as("it is the same request to its tenant").isTrue();
    Ticket third = desk.reserveFurther(who, above, true, 10, nowMillis, () -> {});
    talk();
    assertThat(third.refusal()).as("of the model as many as may be").isNotNull();
    Ticket other = desk.reserve(who, MODEL, 10, nowMillis, () -> {});
    talk();
    assertThat(other.refusal()).as("the tenant's slot is held until all is over").isNotNull();

    desk.settle(second, 70, nowMillis);
    desk.settle(first, 0, nowMillis);
    desk.settle(third, 0, nowMillis);
    talk();
    Ticket next = desk.reserve(who, MODEL, 891, nowMillis, () -> {});
    talk();
    assertThat(next.refusal()).as("40 and 70 of 1,000 are used").isNotNull();
    next = desk.reserve(who, MODEL, 890, nowMillis, () -> {});
    talk();
    assertThat(next.isHeld()).as("the second request of two").isTrue();
    desk.settle(next, 0, nowMillis);
    talk();
    Ticket last = desk.reserve(who, MODEL, 1, nowMillis, () -> {});
    talk();
    assertThat(last.refusal()).isNotNull();
  }

  @Test
  void aLimitThatIsPutWhileRequestsRunIsNotRaisedByTheirEnd() {
    List<Ticket> before = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      before.add(reserve(REQUESTS, 100));
    }
    RateLimits next = new RateLimits(1_000, 1_000, 2);
    desk.settle(reserve(next, 100), 100, nowMillis);

    before.forEach(ticket -> desk.settle(ticket, 100, nowMillis));
    talk();

    assertThat(before).allMatch(ticket -> ticket.state() == Ticket.State.OVER);
    assertThat(held(next, 6, 100)).isEqualTo(2);
    tick(61_000);
    talk();
    RateLimits tokens = new RateLimits(1_000, 1_000, 0);
    assertThat(held(tokens, 20, 100)).as("two of them still run").isEqualTo(8);
  }

  @Test
  void whatRunsStillCountsWhenItsLimitIsTakenAwayAndPutAgain() {
    RateLimits two = new RateLimits(1_000, 0, 2);
    Ticket first = reserve(two, 1);
    Ticket second = reserve(two, 1);
    assertThat(held(REQUESTS, 5, 1)).isEqualTo(5);

    assertThat(held(two, 1, 1)).isZero();
    desk.settle(first, 1, nowMillis);
    desk.settle(second, 1, nowMillis);
    talk();
    assertThat(held(two, 3, 1)).isEqualTo(2);
  }

  /** Else the keeper would keep for it, for ever, what ended while there was no limit. */
  @Test
  void theKeeperHearsOfAnEndAfterTheLimitWasTakenAway() {
    RateLimits two = new RateLimits(1_000, 0, 2);
    Ticket first = reserve(two, 1);
    Ticket second = reserve(two, 1);
    desk.settle(reserve(REQUESTS, 1), 1, nowMillis);
    desk.settle(first, 1, nowMillis);
    desk.settle(second, 1, nowMillis);
    talk();
    tick(61_000);
    talk();
    keeper.tidy(nowMillis);
    assertThat(keeper.size()).isZero();
  }

  @Test
  void whoKeepsNothingIsAskedAgainAndToldOfTheMinute() {
    RateLimits ten = new RateLimits(10, 0, 0);
    assertThat(held(ten, 7, 1)).isEqualTo(7);
    tick(250);
    talk();

    keeper = new LimitKeeper(2); // on a node that does not know yet that it is the keeper
    desk.changed(2, tenant -> true, nowMillis);
    LimitAsk early = asks.remove(0);
    assertThat(early.lines().get(0).minute()).isNotEmpty();
    desk.answered(
        new LimitAnswer(ACME, LimitAnswer.NOT_KEPT, early.seq(), true, List.of()), nowMillis);
    assertThat(asks).as("not at once: the view of a node changes with the time").isEmpty();

    tick(250);
    assertThat(asks).hasSize(1);
    talk();
    assertThat(held(ten, 7, 1)).isEqualTo(3);
  }

  @Test
  void aLoopWhoseRequestsAreLongSaysSoWhileTheyRun() {
    Ticket running = reserve(new RateLimits(0, 0, 2), 1);
    talk();
    int said = 0;
    for (int i = 0; i < 40; i++) {
      tick(250);
      said += asks.size();
      talk();
    }
    assertThat(said).isBetween(3, 4);

    desk.settle(running, 1, nowMillis);
    talk();
    tick(250);
    talk();
    assertThat(desk.isIdle()).isTrue();
  }

  @Test
  void whatARequestCostsDoesNotGrowWithTheKeysOfItsTenant() {
    RateLimits ofKey = new RateLimits(60, 20_000, 2);
    int linesMax = 0;
    for (int i = 0; i < 3_000; i++) {
      Ticket ticket = desk.reserve(withKey(i, ofKey), MODEL, 10, nowMillis, () -> {});
      linesMax = Math.max(linesMax, asks.get(0).lines().size());
      talk();
      assertThat(ticket.isHeld()).isTrue();
      desk.settle(ticket, 10, nowMillis);
      tick(100); // in a busy tenant there is always a question under way then
      talk();
    }
    assertThat(linesMax).as("those of the last second or so").isLessThanOrEqualTo(3 * 15);

    for (int i = 2_990; i < 3_000; i++) { // and nothing of them is forgotten too early
      for (int j = 0; j < 80; j++) {
        Ticket ticket = desk.reserve(withKey(i, ofKey), MODEL, 10, nowMillis, () -> {});
        talk();
        assertThat(ticket.isHeld()).as("key %d, request %d", i, j).isEqualTo(j < 59);
        desk.settle(ticket, 10, nowMillis);
        talk();
      }
    }
    for (int i = 0; i < 3; i++) {
      tick(61_000);
      talk();
    }
    assertThat(desk.isIdle()).isTrue();
  }

  private static Identity withKey(int number, RateLimits limits) {
    Tenant tenant = acme(RateLimits.NONE).tenant();
    ApiKey key = new ApiKey("key-" + number, tenant.id(), "00", "", 0, 0, false, limits, 0);
    return new Identity(tenant, Optional.of(key));
  }
}
