package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.fake.FakeBus;
import io.penstock.fake.FakeDirectory;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.Role;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMarks;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DrainVerticleTest {
  private static final DrainState R0 = new DrainState(Set.of(new ReplicaId("r0")), Set.of());

  private final Vertx vertx = Vertx.vertx();
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final FakeBus bus = new FakeBus(new NodeId("a"));
  private final FakeDirectory directory =
      new FakeDirectory(FakeDirectory.of(FakeDirectory.node("a", Role.BATCHER)));

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private DrainVerticle deploy(FakeBus on) throws Exception {
    return deploy(on, Clock.system());
  }

  private DrainVerticle deploy(FakeBus on, Clock clock) throws Exception {
    DrainVerticle verticle = new DrainVerticle(on, directory, clock, meters);
    vertx
        .deployVerticle(verticle)
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
    return verticle;
  }

  private static BlockingQueue<DrainState> follow(Drains drains) {
    BlockingQueue<DrainState> heard = new LinkedBlockingQueue<>();
    drains.onChange(heard::add);
    return heard;
  }

  private static void await(BlockingQueue<DrainState> heard, DrainState wanted)
      throws InterruptedException {
    DrainState last = null;
    while (!wanted.equals(last)) {
      last = heard.poll(60, TimeUnit.SECONDS);
      assertThat(last).as("a state like %s", wanted).isNotNull();
    }
  }

  @Test
  void anOrderReachesTheOthersAndItsEndToo() throws Exception {
    DrainVerticle a = deploy(bus);
    BlockingQueue<DrainState> b = follow(deploy(bus.peer(new NodeId("b"))));

    a.mark(DrainKind.REPLICA, "r0", true);
    await(b, R0);
    a.mark(DrainKind.REPLICA, "r0", false);
    await(b, DrainState.NONE);
  }

  @Test
  void whoJoinsLaterHearsOfItAndKeepsItWhenTheFirstIsGone() throws Exception {
    DrainVerticle a = deploy(bus);
    a.mark(DrainKind.POOL, "llama", true);
    DrainVerticle b = deploy(bus.peer(new NodeId("b")));
    directory.change(
        FakeDirectory.of(
            FakeDirectory.node("a", Role.BATCHER), FakeDirectory.node("b", Role.BATCHER)));
    DrainState llama = new DrainState(Set.of(), Set.of(new PoolName("llama")));
    await(follow(b), llama);

    bus.lose(sent -> sent.from().equals(bus.self()));
    DrainVerticle c = deploy(bus.peer(new NodeId("c")));
    directory.change(
        FakeDirectory.of(
            FakeDirectory.node("b", Role.BATCHER), FakeDirectory.node("c", Role.BATCHER)));
    await(follow(c), llama);
  }

  @Test
  void aBookThatFailedIsWrittenAnewAndGoesOn() throws Exception {
    AtomicBoolean broken = new AtomicBoolean();
    DrainVerticle a = deploy(bus, brokenWhile(broken));
    BlockingQueue<DrainState> b = follow(deploy(bus.peer(new NodeId("b"))));
    a.mark(DrainKind.REPLICA, "r0", true);
    await(b, R0);

    broken.set(true);
    assertThat(a.mark(DrainKind.POOL, "llama", true).toCompletionStage().toCompletableFuture())
        .failsWithin(60, TimeUnit.SECONDS);
    assertThat(a.now()).isEqualTo(R0);

    broken.set(false);
    a.mark(DrainKind.POOL, "llama", true);
    await(b, new DrainState(R0.replicas(), Set.of(new PoolName("llama"))));
    assertThat(meters.get(Names.VERTICLE_RESTARTS).tag("role", "drains").counter().count())
        .isEqualTo(1);
  }

  private static Clock brokenWhile(AtomicBoolean broken) {
    Clock clock = Clock.system();
    return new Clock() {
      @Override
      public long epochMillis() {
        if (broken.get()) {
          throw new IllegalStateException("on purpose");
        }
        return clock.epochMillis();
      }

      @Override
      public long nanos() {
        return clock.nanos();
      }
    };
  }

  @Test
  void whatWasLostIsToldAgain() throws Exception {
    DrainVerticle a = deploy(bus);
    BlockingQueue<DrainState> b = follow(deploy(bus.peer(new NodeId("b"))));
    bus.lose(sent -> sent.message() instanceof DrainMarks);
    a.mark(DrainKind.REPLICA, "r0", true)
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
    bus.lose(sent -> false);

    await(b, R0);
  }
}
