package io.penstock.tenancy;

import io.penstock.inference.ApiKey;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.Priority;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.LimitKind;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/**
 * Desks and a keeper in virtual time, over a network with delays that loses what it is told to, and
 * a record of all that was used.
 */
final class LimitCluster {
  static final ModelName MODEL = new ModelName("m");

  /** What happened, for the judge. */
  record Use(long atMillis, long tokens) {}

  /** What a request was told to be left of the requests of the minute, its own not included. */
  record Told(long atMillis, int loop, long remaining) {}

  private record Event(long atMillis, long order, Runnable run) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(atMillis, other.atMillis);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final Random random;
  final List<LimitDesk> desks = new ArrayList<>();
  final List<Use> admitted = new ArrayList<>();
  final List<Use> settled = new ArrayList<>();
  final List<Told> told = new ArrayList<>(); // one for each that was admitted
  final List<LimitRefusal> refusals = new ArrayList<>();
  final Identity who;
  LimitKeeper keeper = new LimitKeeper(1);
  boolean isCut;
  double loss;
  int running;
  int runningMax;
  int localDecisions;
  long nowMillis = 1_000_000;
  private long order;

  LimitCluster(int loops, RateLimits limits, Random random) {
    this.random = random;
    this.who =
        new Identity(
            new Tenant(
                new TenantId("acme"),
                "",
                Set.of(),
                Priority.INTERACTIVE,
                1,
                limits,
                List.of(),
                Set.of(),
                CachePolicy.NONE),
            Optional.<ApiKey>empty());
    for (int i = 0; i < loops; i++) {
      desks.add(desk(i));
    }
    desks.forEach(desk -> desk.changed(loops, tenant -> false, nowMillis));
    every(250, () -> desks.forEach(desk -> desk.tick(nowMillis)));
    every(1_000, () -> keeper.tidy(nowMillis));
  }

  private LimitDesk desk(int lane) {
    Station self = new Station(new NodeId("n" + lane), Room.INGRESS, 0);
    return new LimitDesk(
        self,
        lane,
        new LimitDesk.Outlet() {
          @Override
          public void ask(LimitAsk ask) {
            if (isLost()) {
              return;
            }
            after(
                delay(),
                () -> {
                  LimitAnswer answer = keeper.answer(ask, nowMillis);
                  if (!isLost()) {
                    after(delay(), () -> desks.get(lane).answered(answer, nowMillis));
                  }
                });
          }

          @Override
          public long budgetMillis(TenantId tenant) {
            return LimitDesk.BUDGET_MILLIS;
          }

          @Override
          public void expireSoon() {
            after(LimitDesk.BUDGET_MILLIS, () -> desks.get(lane).expire(nowMillis));
          }

          @Override
          public void decidedLocally(boolean ok) {
            localDecisions++;
          }
        });
  }

  private boolean isLost() {
    return isCut || random.nextDouble() < loss;
  }

  private long delay() {
    return random.nextInt(2); // two ways twice are within the budget
  }

  void after(long millis, Runnable run) {
    events.add(new Event(nowMillis + millis, order++, run));
  }

  private void every(long millis, Runnable run) {
    after(
        millis,
        () -> {
          run.run();
          every(millis, run);
        });
  }

  /** A request that reserves so much, runs, and has used so much. */
  void request(int loop, long reserve, long use, long millis) {
    LimitDesk desk = desks.get(loop);
    Ticket[] held = new Ticket[1];
    Runnable decided = () -> decided(loop, held[0], use, millis);
    held[0] = desk.reserve(who, MODEL, reserve, nowMillis, decided);
    decided.run();
  }

  private void decided(int loop, Ticket ticket, long use, long millis) {
    LimitDesk desk = desks.get(loop);
    LimitRefusal no = ticket.refusal();
    if (no != null) {
      refusals.add(no);
    } else if (ticket.isHeld()) {
      admitted.add(new Use(nowMillis, 1));
      Ticket.Standing standing = ticket.standing(LimitKind.REQUESTS, nowMillis);
      told.add(new Told(nowMillis, loop, standing == null ? 0 : standing.remaining()));
      running++;
      runningMax = Math.max(runningMax, running);
      after(
          millis,
          () -> {
            running--;
            settled.add(new Use(nowMillis, use));
            desk.settle(ticket, use, nowMillis);
          });
    }
  }

  void run(long millis) {
    long end = nowMillis + millis;
    while (!events.isEmpty() && events.peek().atMillis() <= end) {
      Event next = events.poll();
      nowMillis = next.atMillis();
      next.run().run();
    }
    nowMillis = end;
  }

  /** The most that any 60 seconds have. */
  static long worstMinute(List<Use> uses) {
    long worst = 0;
    long sum = 0;
    int from = 0;
    for (Use each : uses) {
      sum += each.tokens();
      while (uses.get(from).atMillis() <= each.atMillis() - 60_000) {
        sum -= uses.get(from++).tokens();
      }
      worst = Math.max(worst, sum);
    }
    return worst;
  }
}
