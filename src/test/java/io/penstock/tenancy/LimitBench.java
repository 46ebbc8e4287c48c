package io.penstock.tenancy;

import io.penstock.inference.ApiKey;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.ModelLimits;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.Priority;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAsk;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the limits of one request cost: to reserve of its tenant's three and its model's two, and to
 * settle, with what its loop and the keeper say to each other, at 20 requests a millisecond of so
 * many tenants; without the wire.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class LimitBench {
  private static final ModelName MODEL = new ModelName("m");
  private static final int OPS_A_MILLISECOND = 20;
  private static final int TICK_MILLIS = 250;

  @Param({"1", "1000"})
  int tenants;

  private final List<Identity> callers = new ArrayList<>();
  private final ArrayDeque<LimitAsk> asks = new ArrayDeque<>();
  private LimitDesk desk = desk();
  private LimitKeeper keeper = new LimitKeeper(1);
  private long ops;
  private long now;

  private LimitDesk desk() {
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
            return LimitDesk.BUDGET_MILLIS;
          }

          @Override
          public void expireSoon() {}

          @Override
          public void decidedLocally(boolean admitted) {
            throw new IllegalStateException("the keeper answers always");
          }
        });
  }

  /** Fresh ones. */
  @Setup
  public void open() {
    desk = desk();
    keeper = new LimitKeeper(1);
    asks.clear();
    callers.clear();
    now = 1_000_000;
    RateLimits plenty = new RateLimits(1_000_000_000, 1_000_000_000_000L, 1_000_000);
    RateLimits ofModel = new RateLimits(1_000_000_000, 1_000_000_000_000L, 0);
    for (int i = 0; i < tenants; i++) {
      callers.add(
          new Identity(
              new Tenant(
                  new TenantId("t" + i),
                  "",
                  Set.of(),
                  Priority.INTERACTIVE,
                  1,
                  plenty,
                  List.of(new ModelLimits(MODEL, ofModel)),
                  Set.of(),
                  CachePolicy.NONE),
              Optional.<ApiKey>empty()));
    }
  }

  /** One request. */
  @Benchmark
  public Ticket reserveAndSettle() {
    ops++;
    if (ops % OPS_A_MILLISECOND == 0) {
      now++;
      if (now % TICK_MILLIS == 0) {
        desk.tick(now);
        answer();
        keeper.tidy(now);
      }
    }
    Identity who = callers.get((int) (ops % tenants));
    long tokens = desk.estimate(MODEL, 200, 100, 1);
    Ticket ticket = desk.reserve(who, MODEL, tokens, now, () -> {});
    answer();
    if (!ticket.isHeld()) {
      throw new IllegalStateException("not held: " + ticket.refusal());
    }
    desk.generated(MODEL, 80);
    desk.settle(ticket, 280, now);
    answer();
    return ticket;
  }

  private void answer() {
    for (LimitAsk ask = asks.poll(); ask != null; ask = asks.poll()) {
      desk.answered(keeper.answer(ask, now), now);
    }
  }
}
