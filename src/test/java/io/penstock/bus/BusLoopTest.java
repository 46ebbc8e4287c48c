package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BusLoopTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  /** Tells where it lives and what it hears. */
  private static final class Listener extends VerticleBase {
    private final Bus bus;
    private final Promise<Thread> heard = Promise.promise();
    private @Nullable Thread lives;

    Listener(Bus bus) {
      this.bus = bus;
    }

    @Override
    public Future<?> start() {
      lives = Thread.currentThread();
      return bus.consume(
          Room.BATCHER, 0, (Message message) -> heard.tryComplete(Thread.currentThread()));
    }
  }

  @Test
  void verticlesBesideTheBusShareItsLoopAndAreTakenAwayLikeOthers() {
    TestCluster cluster = new TestCluster(2);
    ClusterNode one = cluster.startOnLoops(0, 3);
    ClusterNode two = cluster.start(1);
    Station station = new Station(one.bus().self(), Room.BATCHER, 0);
    Set<Thread> loops = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      Listener listener = new Listener(one.bus());
      String id = TestCluster.await(one.vertx().deployVerticle(one.besideTheBus(listener)), SOON);
      TestCluster.await(two.bus().send(station, MessageSamples.ALL.get(0)), SOON);
      Thread heard = TestCluster.await(listener.heard.future(), SOON);
      assertThat(heard).isSameAs(listener.lives);
      loops.add(heard);
      TestCluster.await(one.vertx().undeploy(id), SOON); // else the next could not consume
    }
    assertThat(loops).hasSize(1);
    for (ClusterNode node : List.of(two, one)) {
      TestCluster.await(node.close(), SOON);
    }
  }

  @Test
  void withoutAClusterAVerticleLivesWhereVertxPutsIt() {
    ClusterNode alone =
        TestCluster.start(Optional.empty(), "alone", "fleet", new SimpleMeterRegistry());
    Listener listener = new Listener(alone.bus());
    assertThat(alone.besideTheBus(listener)).isSameAs(listener);
    TestCluster.await(alone.close(), SOON);
  }
}
