package io.penstock.ingress;

import io.penstock.bus.Bus;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.tenancy.LimitDesk;
import io.penstock.tenancy.LimitStore;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.util.Optional;

/** Carries what the loop's desk of limits asks to the keepers, and wakes it. On the loop. */
final class LimitQuestions implements LimitDesk.Outlet {
  private static final long TICK_MILLIS = 250;

  private final Vertx vertx;
  private final Bus bus;
  private final Optional<LimitStore> store;
  private final Clock clock;
  private final Books books;
  private final LimitDesk desk;
  private View view;
  private boolean isExpiring;
  private long timer = -1;

  LimitQuestions(
      Vertx vertx,
      Bus bus,
      Station self,
      View view,
      Optional<LimitStore> store,
      Clock clock,
      Books books) {
    this.vertx = vertx;
    this.bus = bus;
    this.view = view;
    this.store = store;
    this.clock = clock;
    this.books = books;
    this.desk = new LimitDesk(self, new SecureRandom().nextLong(), this);
    desk.changed(view.ingressLoops(), tenant -> false, clock.millis());
  }

  LimitDesk desk() {
    return desk;
  }

  @Override
  public void ask(LimitAsk ask) {
    armTimer();
    if (store.isPresent()) {
      store.get().ask(ask).onSuccess(this::answered).onFailure(late -> unreached(ask));
      return;
    }
    Optional<NodeId> keeper = view.keeperOf(ask.tenant());
    if (keeper.isEmpty()) { // this node has not announced its role yet
      vertx.runOnContext(turn -> unreached(ask));
      return;
    }
    bus.send(new Station(keeper.get(), Room.LIMITS, 0), ask).onFailure(e -> unreached(ask));
  }

  private void unreached(LimitAsk ask) {
    desk.unreached(ask.tenant(), clock.millis());
  }

  void answered(LimitAnswer answer) {
    desk.answered(answer, clock.millis());
  }

  @Override
  public long budgetMillis(TenantId tenant) {
    boolean home = store.isEmpty() && view.keeperOf(tenant).filter(bus.self()::equals).isPresent();
    return home ? LimitDesk.HOME_BUDGET_MILLIS : LimitDesk.BUDGET_MILLIS;
  }

  @Override
  public void expireSoon() {
    if (!isExpiring) {
      isExpiring = true;
      vertx.setTimer(
          LimitDesk.BUDGET_MILLIS,
          due -> vertx.runOnContext(turn -> vertx.runOnContext(again -> expire())));
    }
  }

  /** After what was in the queue of a loop that was held up: the answer may be in it. */
  private void expire() {
    isExpiring = false;
    desk.expire(clock.millis());
  }

  @Override
  public void decidedLocally(boolean admitted) {
    books.limitDecidedLocally(admitted);
  }

  void onView(View next) {
    View before = view;
    view = next;
    desk.changed(
        next.ingressLoops(),
        tenant -> store.isEmpty() && !next.keeperOf(tenant).equals(before.keeperOf(tenant)),
        clock.millis());
  }

  private void armTimer() {
    if (timer < 0) {
      timer =
          vertx.setPeriodic(
              TICK_MILLIS,
              tick -> {
                desk.tick(clock.millis());
                if (desk.isIdle()) {
                  vertx.cancelTimer(timer);
                  timer = -1;
                }
              });
    }
  }
}
