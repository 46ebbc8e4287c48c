package io.penstock.batcher;

import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.replicas;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.bus.Bus;
import io.penstock.bus.ClusterNode;
import io.penstock.bus.Drains;
import io.penstock.fake.FakeSetting;
import io.penstock.inference.Fleet;
import io.penstock.inference.Role;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Grant;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The way of a request through admission on its own node: asked for, granted and given back, over
 * the bus as in production, {@value #TOGETHER} at a time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AdmissionBench {
  private static final int TOGETHER = 64;
  private static final int REQUESTS = 4_096;

  /** With one the pool's owner is on the loop of those who ask. */
  @Param({"1", "2"})
  int loops;

  private @Nullable ClusterNode node;
  private @Nullable Caller caller;

  /** One lane of an ingress, which asks as long as it is told to. */
  private static final class Caller {
    private final Bus bus;
    private final Context context;
    private final Station self;
    private final Station owner;
    private int toAsk;
    private int toEnd;
    private long asked;
    private CountDownLatch done = new CountDownLatch(0);

    Caller(Bus bus, Context context) {
      this.bus = bus;
      this.context = context;
      this.self = new Station(bus.self(), Room.INGRESS, 0);
      this.owner = new Station(bus.self(), Room.BATCHER, 0);
    }

    void run(int requests) throws InterruptedException {
      CountDownLatch all = new CountDownLatch(1);
      context.runOnContext(
          now -> {
            done = all;
            toAsk = requests;
            toEnd = requests;
            for (int i = 0; i < TOGETHER; i++) {
              ask();
            }
          });
      if (!all.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException(toEnd + " requests without a grant");
      }
    }

    private void ask() {
      if (toAsk > 0) {
        toAsk--;
        send(Samples.Ask.of("r" + asked++).from(self).admit());
      }
    }

    private void send(Message message) {
      Future<Void> ignored = bus.send(owner, message);
    }

    void receive(Message message) {
      if (message instanceof Census census) {
        send(new CensusAnswer(census.pool(), census.epoch(), self, 0, List.of()));
      } else if (message instanceof Grant grant) {
        send(release(grant));
        ask();
        if (--toEnd == 0) {
          done.countDown();
        }
      }
    }
  }

  @Setup
  public void start() throws Exception {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    ClusterNode started =
        await(
            ClusterNode.start(
                Vertx.builder(),
                new VertxOptions().setEventLoopPoolSize(loops),
                Optional.empty(),
                new ClusterNode.Identity("bench", "", "fleet"),
                Clock.system(),
                meters));
    node = started;
    Vertx vertx = started.vertx();
    Context context = vertx.getOrCreateContext();
    Caller asking = new Caller(started.bus(), context);
    caller = asking;
    CountDownLatch listens = new CountDownLatch(1);
    context.runOnContext(
        now ->
            started
                .bus()
                .consume(Room.INGRESS, 0, asking::receive)
                .onSuccess(registered -> listens.countDown()));
    listens.await();
    Fleet fleet =
        new Fleet(
            List.of(pool(replicas(TOGETHER, TOGETHER, TOGETHER, TOGETHER))),
            false,
            Optional.empty(),
            "");
    await(
        vertx.deployVerticle(
            new BatcherVerticle(
                started.bus(),
                started.directory(),
                Drains.none(),
                new FakeSetting<>(fleet),
                Duration.ofSeconds(1),
                Clock.system(),
                meters,
                new Legacy())));
    await(started.announce(Set.of(Role.INGRESS, Role.BATCHER), 1));
    asking.run(TOGETHER);
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  @TearDown
  public void stop() throws Exception {
    if (node != null) {
      await(node.close());
    }
  }

  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public void request() throws InterruptedException {
    if (caller != null) {
      caller.run(REQUESTS);
    }
  }
}
