package io.penstock.bus;

import static io.penstock.bus.TestCluster.await;
import static io.penstock.bus.TestCluster.awaitView;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.core.Hazelcast;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.bus.Bus.Registration;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A node without a cluster has the same ports and no Hazelcast. */
class AloneTest {
  private static final Withdraw HELLO = new Withdraw(new RequestId("hello"), new PoolName("pool"));

  private final ClusterNode node =
      TestCluster.start(Optional.empty(), "alone", "fleet", new SimpleMeterRegistry());
  private final Bus bus = node.bus();
  private final Station batcher = new Station(bus.self(), Room.BATCHER, 0);

  @AfterEach
  void stop() {
    await(node.close());
  }

  @Test
  void startsNoHazelcast() {
    assertThat(node.vertx().isClustered()).isFalse();
    assertThat(Hazelcast.getAllHazelcastInstances())
        .noneMatch(h -> h.getConfig().getClusterName().equals("alone"));
  }

  @Test
  void seesItselfAndOwnsEverything() {
    assertThat(node.directory().view().nodes()).hasSize(1);
    assertThat(node.directory().view().ownerOf(new PoolName("p"))).isEmpty();
    await(node.announce(Set.of(Role.BATCHER), 1));
    View view = awaitView(node, v -> !v.with(Role.BATCHER).isEmpty(), TestCluster.BOUND);
    assertThat(view.ownerOf(new PoolName("p"))).contains(bus.self());
  }

  @Test
  void listenersAreCalledOnTheirOwnContext() {
    Context context = node.vertx().getOrCreateContext();
    Promise<Context> calledOn = Promise.promise();
    context.runOnContext(
        x -> node.directory().onChange(view -> calledOn.tryComplete(Vertx.currentContext())));
    assertThat(await(calledOn.future())).isSameAs(context);
  }

  @Test
  void handsOverTheObjectItself() {
    Promise<Message> heard = Promise.promise();
    await(bus.consume(Room.BATCHER, 0, heard::complete));
    await(bus.send(batcher, HELLO));
    assertThat(await(heard.future())).isSameAs(HELLO);
  }

  @Test
  void sendingWhereNobodyListensFails() {
    assertThatThrownBy(() -> await(bus.send(batcher, HELLO)))
        .hasCauseInstanceOf(ReplyException.class);
  }

  @Test
  void aHandlerThatThrowsGoesOnHearing() {
    Promise<Message> second = Promise.promise();
    await(
        bus.consume(
            Room.BATCHER,
            0,
            message -> {
              if (message.equals(HELLO)) {
                throw new IllegalStateException("on purpose");
              }
              second.complete(message);
            }));
    Message other = new Withdraw(new RequestId("other"), new PoolName("pool"));
    bus.send(batcher, HELLO);
    bus.send(batcher, other);
    assertThat(await(second.future())).isSameAs(other);
  }

  @Test
  void whatAHandlerThrowsIsToldToItsContext() {
    Promise<Throwable> told = Promise.promise();
    node.vertx()
        .deployVerticle(
            of -> {
              of.exceptionHandler(told::tryComplete);
              return bus.consume(
                  Room.BATCHER,
                  0,
                  message -> {
                    throw new IllegalStateException("on purpose");
                  });
            })
        .onSuccess(deployed -> bus.send(batcher, HELLO));
    assertThat(await(told.future())).hasMessage("on purpose");
  }

  @Test
  void aVerticleThatIsGoneLeavesItsStationToTheNext() {
    String first =
        await(node.vertx().deployVerticle(of -> bus.consume(Room.BATCHER, 0, message -> {})));
    await(node.vertx().undeploy(first)); // it has not given its station back itself
    assertThat(((VertxBus) bus).reachableAddresses())
        .doesNotContain(BusAddresses.of(batcher))
        .contains(BusAddresses.of(new Station(bus.self(), Room.NODE, 0)));
    Promise<Message> heard = Promise.promise();
    await(bus.consume(Room.BATCHER, 0, heard::complete));
    await(bus.send(batcher, HELLO));
    assertThat(await(heard.future())).isSameAs(HELLO);
    assertThat(((VertxBus) bus).reachableAddresses()).contains(BusAddresses.of(batcher));
  }

  @Test
  void aStationHasOneConsumerAtATime() {
    Registration first = await(bus.consume(Room.BATCHER, 0, m -> {}));
    assertThatThrownBy(() -> await(bus.consume(Room.BATCHER, 0, m -> {})))
        .hasMessageContaining("is consumed already (expected: one consumer per station)");
    await(first.cancel());
    Future<Registration> again = bus.consume(Room.BATCHER, 0, m -> {});
    assertThat(await(again)).isNotNull();
  }
}
