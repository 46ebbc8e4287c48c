package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.adapter.guard.GuardMeters;
import io.penstock.adapter.redis.RedisLimits;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.LimitGrant;
import io.penstock.message.LimitKind;
import io.penstock.message.LimitLine;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.tenancy.Identity;
import io.penstock.tenancy.LimitDesk;
import io.penstock.tenancy.Ticket;
import io.vertx.core.Context;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Limits in a real Redis that answers late, or twice, or in another order. */
@Timeout(600)
class LimitsInRedisTest {
  private static final TenantId TENANT = new TenantId("acme");
  private static final int LIMIT = 1_000;

  private final Vertx vertx = Vertx.vertx();
  @TempDir private Path folder;
  private @Nullable RealRedis server;

  @BeforeEach
  void startRedis() throws Exception {
    server = new RealRedis(folder);
    server.start();
  }

  @AfterEach
  void close() throws Exception {
    Objects.requireNonNull(server).close();
    Town.await(vertx.close());
  }

  private RedisLimits limits() {
    return new RedisLimits(
        vertx, Objects.requireNonNull(server).url(), new GuardMeters(new SimpleMeterRegistry()));
  }

  private static LimitAsk ask(int loop, long seq, long used, long holding, long need) {
    return new LimitAsk(
        TENANT,
        new Station(new NodeId("n"), Room.INGRESS, loop),
        7,
        seq,
        List.of(
            new LimitLine(
                "tenant", LimitKind.REQUESTS, LIMIT, used, holding, 0, need, 0, List.of())));
  }

  /** Asks until there is an answer: a machine that does much else may need longer than a guard. */
  private static LimitAnswer asked(RedisLimits limits, LimitAsk ask) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (true) {
      try {
        return Town.await(limits.ask(ask));
      } catch (ExecutionException late) {
        assertThat(System.nanoTime()).as("%s", late.getMessage()).isLessThan(end);
      }
    }
  }

  private static LimitGrant grant(LimitAnswer answer) {
    return answer.lines().get(0);
  }

  /** What another loop could have now, of all there is. */
  private static long free(RedisLimits limits, long seq) throws Exception {
    return grant(asked(limits, ask(99, seq, 0, 0, 0))).free();
  }

  @Test
  void whatIsAskedAgainIsGrantedOnce() throws Exception {
    RedisLimits limits = limits();
    LimitAnswer first = asked(limits, ask(0, 1, 0, 0, 40));
    assertThat(grant(first).granted()).isEqualTo(40);
    assertThat(asked(limits, ask(0, 1, 0, 0, 40))).isEqualTo(first);
    assertThat(free(limits, 1)).isEqualTo(LIMIT - 40);

    LimitAsk used = ask(0, 2, 30, 10, 0);
    LimitAnswer told = asked(limits, used);
    assertThat(asked(limits, used).lines().get(0).free()).isEqualTo(grant(told).free());
    assertThat(free(limits, 2)).as("30 used, 10 held").isEqualTo(LIMIT - 40);
  }

  @Test
  void whatWasOvertakenChangesNothing() throws Exception {
    RedisLimits limits = limits();
    LimitAsk take = ask(0, 1, 0, 0, 40);
    LimitAsk release = ask(0, 2, 25, 0, 0);
    asked(limits, release);
    LimitAnswer late = asked(limits, take);
    assertThat(grant(late).granted()).as("nobody waits for it any more").isZero();
    assertThat(free(limits, 1)).isEqualTo(LIMIT);

    asked(limits, ask(0, 3, 35, 5, 0));
    asked(limits, release);
    asked(limits, ask(0, 4, 45, 0, 0));
    assertThat(free(limits, 2)).as("20 since it was first heard").isEqualTo(LIMIT - 20);
  }

  /** However calls are repeated and overtake each other, what was used is counted once. */
  @RepeatedTest(5)
  void anyOrderAndAnyRepetitionComeToTheSame() throws Exception {
    Random random = new Random();
    long seed = random.nextLong();
    random.setSeed(seed);
    RedisLimits limits = limits();
    List<LimitAsk> asks = new ArrayList<>();
    long used = 0;
    for (int seq = 2; seq < 40; seq++) {
      used += random.nextInt(20);
      LimitAsk ask = ask(0, seq, used, random.nextInt(30), random.nextInt(10));
      for (int times = 1 + random.nextInt(3); times > 0; times--) {
        asks.add(ask);
      }
    }
    LimitAsk last = ask(0, 40, used, 17, 0);
    asks.add(last);
    asks.add(last);
    Collections.shuffle(asks, random);
    asked(limits, ask(0, 1, 0, 0, 0));
    for (LimitAsk each : asks) {
      asked(limits, each);
    }
    assertThat(free(limits, 1)).as("seed %d", seed).isEqualTo(LIMIT - used - 17);
  }

  /** One loop's desk, as the ingress has it. */
  private static final class Loop implements LimitDesk.Outlet {
    private final Context context;
    private final Vertx vertx;
    private final RedisLimits limits;
    private final LimitDesk desk;
    private final Identity who;
    private final AtomicInteger admitted;
    private boolean isExpiring;

    Loop(Vertx vertx, RedisLimits limits, int lane, Identity who, AtomicInteger admitted) {
      this.vertx = vertx;
      this.context = vertx.getOrCreateContext();
      this.limits = limits;
      this.who = who;
      this.admitted = admitted;
      this.desk = new LimitDesk(new Station(new NodeId("n"), Room.INGRESS, lane), 10 + lane, this);
    }

    void start(int loops) {
      context.runOnContext(
          x -> {
            desk.changed(loops, tenant -> false, now());
            vertx.setPeriodic(100, tick -> desk.tick(now()));
          });
    }

    void request() {
      context.runOnContext(
          x -> {
            Ticket[] ticket = new Ticket[1];
            Runnable decided = () -> decided(ticket[0]);
            ticket[0] = desk.reserve(who, new ModelName("m"), 1, now(), decided);
            decided.run();
          });
    }

    private void decided(Ticket ticket) {
      if (ticket.isHeld()) {
        admitted.incrementAndGet();
        desk.settle(ticket, 1, now());
      }
    }

    private static long now() {
      return System.nanoTime() / 1_000_000;
    }

    @Override
    public void ask(LimitAsk ask) {
      limits
          .ask(ask)
          .onComplete(
              done ->
                  context.runOnContext(
                      x -> {
                        if (done.succeeded()) {
                          desk.answered(done.result(), now());
                        } else {
                          desk.unreached(ask.tenant(), now());
                        }
                      }));
    }

    @Override
    public long budgetMillis(TenantId tenant) {
      return LimitDesk.BUDGET_MILLIS;
    }

    @Override
    public void expireSoon() {
      if (!isExpiring) {
        isExpiring = true;
        vertx.setTimer(
            LimitDesk.BUDGET_MILLIS,
            due ->
                context.runOnContext(
                    x -> {
                      isExpiring = false;
                      desk.expire(now());
                    }));
      }
    }

    @Override
    public void decidedLocally(boolean ok) {}
  }

  /** A Redis that stands still now and then: what it carries out afterwards is counted once. */
  @Test
  void whatIsCarriedOutLateIsCountedOnce() throws Exception {
    Tenant of = Tenant.of(TENANT);
    Identity who =
        new Identity(
            new Tenant(
                of.id(),
                "",
                of.models(),
                of.maxPriority(),
                1,
                new RateLimits(100_000, 0, 0),
                List.of(),
                of.residency(),
                of.cachePolicy()),
            Optional.empty());
    AtomicInteger admitted = new AtomicInteger();
    List<Loop> loops = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      loops.add(new Loop(vertx, limits(), i, who, admitted));
    }
    loops.forEach(loop -> loop.start(3));
    Redis client = Redis.createClient(vertx, Objects.requireNonNull(server).url());
    Random random = new Random(3);
    long requests =
        vertx.setPeriodic(
            2,
            tick -> {
              for (int i = 0; i < 3; i++) {
                loops.get(random.nextInt(3)).request();
              }
            });
    long pauses =
        vertx.setPeriodic(
            600,
            tick -> {
              String millis = Integer.toString(20 + random.nextInt(400));
              client.send(Request.cmd(Command.CLIENT).arg("PAUSE").arg(millis).arg("ALL"));
            });
    Promise<Void> over = Promise.promise();
    vertx.setTimer(6_000, due -> over.complete());
    Town.await(over.future());
    long enough = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (admitted.get() <= 1_000 && System.nanoTime() < enough) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
    vertx.cancelTimer(requests);
    vertx.cancelTimer(pauses);
    long told = 0;
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (told < admitted.get() && System.nanoTime() < limit) {
      told = counted(client);
    }
    System.out.printf("%d admitted, %d counted%n", admitted.get(), told);
    assertThat(admitted.get()).isGreaterThan(1_000);
    assertThat(told).isEqualTo(admitted.get());
  }

  private static long counted(Redis client) throws Exception {
    Response all =
        Town.await(
            client.send(Request.cmd(Command.HGETALL).arg("penstock:{acme}:requests:tenant")));
    long sum = 0;
    for (String field : all.getKeys()) {
      sum += field.startsWith("s:") ? Objects.requireNonNull(all.get(field)).toLong() : 0;
    }
    return sum;
  }
}
