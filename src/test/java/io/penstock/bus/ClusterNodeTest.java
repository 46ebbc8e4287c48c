package io.penstock.bus;

import static io.penstock.bus.TestCluster.BOUND;
import static io.penstock.bus.TestCluster.await;
import static io.penstock.bus.TestCluster.awaitView;
import static io.penstock.bus.TestCluster.has;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.core.EntryAdapter;
import com.hazelcast.core.EntryEvent;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.multimap.MultiMap;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.bus.Bus.Registration;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.message.Message;
import io.penstock.message.NotOwner;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Nodes in one JVM: {@code one} and {@code two} stay, a third comes and goes. */
class ClusterNodeTest {
  private static final TestCluster CLUSTER = new TestCluster(3);
  private static final SimpleMeterRegistry METERS = new SimpleMeterRegistry();
  private static final Withdraw HELLO = new Withdraw(new RequestId("hello"), new PoolName("pool"));

  private static ClusterNode one;
  private static ClusterNode two;

  @BeforeAll
  static void start() {
    one = CLUSTER.start(0, "fleet", METERS);
    two = CLUSTER.start(1);
    await(one.announce(Set.of(Role.BATCHER, Role.ROUTER), 2));
    await(two.announce(Set.of(Role.BATCHER), 1));
    awaitView(one, view -> view.with(Role.BATCHER).size() == 2, BOUND);
  }

  @AfterAll
  static void stop() {
    await(Future.join(two.close(), one.close()));
  }

  @Test
  void nodesThatHaveHeardEachOtherSeeTheSame() {
    Predicate<View> settled = has(one, two).and(v -> v.with(Role.BATCHER).size() == 2);
    View view = awaitView(two, settled, BOUND);
    View other = awaitView(one, settled, BOUND);
    assertThat(view.nodes()).isEqualTo(other.nodes());
    assertThat(view.missing()).isEqualTo(other.missing());
    assertThat(view.share()).isEqualTo(other.share());
    View.Node first =
        view.nodes().stream().filter(n -> n.id().equals(one.bus().self())).findAny().orElseThrow();
    assertThat(first.name()).isEqualTo("node-0");
    assertThat(first.zone()).isEqualTo("zone");
    assertThat(first.lanes()).isEqualTo(2);
    assertThat(first.roles()).containsExactlyInAnyOrder(Role.BATCHER, Role.ROUTER);
  }

  @Test
  void aNodeThatHasStartedKnowsTheOthersAlready() {
    ClusterNode third = CLUSTER.start(2);
    assertThat(third.directory().view().with(Role.BATCHER))
        .containsExactlyInAnyOrder(one.bus().self(), two.bus().self());
    awaitView(one, has(one, two, third), BOUND);
    await(third.close());
    awaitView(one, has(one, two), BOUND);
    awaitView(two, has(one, two), BOUND);
  }

  @Test
  void messagesGoBothWaysInOrder() {
    List<Message> heard = new CopyOnWriteArrayList<>();
    Promise<Void> all = Promise.promise();
    int count = 2_000;
    Registration there =
        consume(two, Room.ROUTER, 0, m -> two.bus().send(station(one, Room.INGRESS, 1), m));
    Registration here =
        consume(
            one,
            Room.INGRESS,
            1,
            m -> {
              heard.add(m);
              if (heard.size() == count) {
                all.complete();
              }
            });
    List<Message> sent = IntStream.range(0, count).mapToObj(ClusterNodeTest::message).toList();
    one.vertx()
        .runOnContext(x -> sent.forEach(m -> one.bus().send(station(two, Room.ROUTER, 0), m)));
    await(all.future());
    assertThat(heard).isEqualTo(sent);
    await(Future.join(there.cancel(), here.cancel()));
  }

  @Test
  void aBroadcastReachesEveryLaneOfTheRoomAndSharesTheObjectWithinTheNode() {
    Promise<Message> here = Promise.promise();
    Promise<Message> hereToo = Promise.promise();
    Promise<Message> there = Promise.promise();
    Registration a = consume(one, Room.PROBER, 0, here::tryComplete);
    Registration b = consume(one, Room.PROBER, 1, hereToo::tryComplete);
    Registration c = consume(two, Room.PROBER, 0, there::tryComplete);
    long again = // a fresh registration reaches the publisher a moment later
        one.vertx().setPeriodic(1, 100, tick -> one.bus().publish(Room.PROBER, HELLO));
    assertThat(await(here.future())).isSameAs(HELLO);
    assertThat(await(hereToo.future())).isSameAs(HELLO);
    assertThat(await(there.future())).isEqualTo(HELLO).isNotSameAs(HELLO);
    one.vertx().cancelTimer(again);
    await(Future.join(a.cancel(), b.cancel(), c.cancel()));
  }

  @Test
  void sendingWhereNobodyListensFails() {
    for (Station nobody :
        List.of(
            station(one, Room.BATCHER, 7),
            station(two, Room.BATCHER, 7),
            new Station(new NodeId("gone"), Room.BATCHER, 0))) {
      assertThatThrownBy(() -> await(one.bus().send(nobody, HELLO)))
          .cause()
          .isInstanceOfSatisfying(
              ReplyException.class,
              e -> assertThat(e.failureType()).isEqualTo(ReplyFailure.NO_HANDLERS));
    }
  }

  @Test
  void aConsumerThatWasCancelledIsNotReached() {
    Station station = station(two, Room.ROUTER, 3);
    Registration registration = consume(two, Room.ROUTER, 3, m -> {});
    await(one.bus().send(station, HELLO));
    await(registration.cancel());
    assertThatThrownBy(() -> await(two.bus().send(station, HELLO)))
        .hasCauseInstanceOf(ReplyException.class);
  }

  @Test
  void aNodeThatDrainsGivesUpItsPoolsWhileItStays() {
    ClusterNode third = CLUSTER.start(2);
    await(third.announce(Set.of(Role.BATCHER, Role.INGRESS), 1));
    awaitView(one, view -> view.with(Role.BATCHER).size() == 3, BOUND);
    await(third.setDraining());
    await(third.withdraw(Set.of(Role.BATCHER)));
    View view = awaitView(one, v -> v.with(Role.BATCHER).size() == 2, BOUND);
    assertThat(view.with(Role.INGRESS)).containsExactly(third.bus().self());
    assertThat(view.nodes()).filteredOn(View.Node::draining).hasSize(1);
    await(third.close());
    awaitView(one, has(one, two), BOUND);
  }

  @Test
  void aNodeThatDiesWithoutAWordIsGoneAndItsReturnIsSeen() {
    ClusterNode third = CLUSTER.start(2);
    awaitView(one, has(one, two, third), BOUND);
    Registration kept = consume(third, Room.ROUTER, 0, m -> {});
    hazelcastOf(third).getLifecycleService().terminate();
    await(third.lost(), BOUND);
    await(kept.cancel()); // so that no verticle fails to end
    awaitView(one, has(one, two), BOUND);
    awaitView(two, has(one, two), BOUND);
    assertThat(third.directory().view()).as("it blames nobody").matches(has(one, two, third));
    assertThat(third.directory().view().missing()).isEmpty();
    await(third.withdraw(Set.of(Role.BATCHER)), BOUND); // as its drain does
    await(third.vertx().close().transform(x -> Future.succeededFuture()));

    ClusterNode again = CLUSTER.start(2);
    assertThat(again.bus().self()).isNotEqualTo(third.bus().self());
    awaitView(one, has(one, two, again), BOUND);
    awaitView(two, has(one, two, again), BOUND);
    await(again.close());
    awaitView(one, has(one, two), BOUND);
  }

  @Test
  void aDirectoryThatFailsIsRebuiltAndLosesNobody() {
    AtomicBoolean fails = new AtomicBoolean();
    Clock clock =
        new Clock() {
          @Override
          public long epochMillis() {
            return Clock.system().epochMillis();
          }

          @Override
          public long nanos() {
            if (fails.getAndSet(false)) {
              throw new IllegalStateException("on purpose");
            }
            return Clock.system().nanos();
          }
        };
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    ClusterNode third = CLUSTER.start(2, clock, meters);
    awaitView(third, has(one, two, third), BOUND);
    List<View> seen = new CopyOnWriteArrayList<>();
    third.directory().onChange(seen::add);
    fails.set(true);
    awaitRestart(meters);
    await(third.announce(Set.of(Role.ROUTER), 4));
    awaitView(one, view -> view.with(Role.ROUTER).size() == 2, BOUND);
    assertThat(meters.get(Names.VERTICLE_RESTARTS).tag("role", "directory").counter().count())
        .isEqualTo(1);
    assertThat(seen).isNotEmpty().allMatch(has(one, two, third));
    await(third.close());
    awaitView(one, has(one, two), BOUND);
  }

  private static void awaitRestart(SimpleMeterRegistry meters) {
    long end = System.nanoTime() + BOUND.toNanos();
    while (meters.find(Names.VERTICLE_RESTARTS).tag("role", "directory").counters().stream()
        .noneMatch(counter -> counter.count() > 0)) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  @Test
  void aMemberThatHangsIsOutOfTheViewUntilItIsHeardAgain() {
    ClusterNode third = CLUSTER.start(2);
    awaitView(one, has(one, two, third), BOUND);
    CountDownLatch released = new CountDownLatch(1);
    third.vertx().runOnContext(x -> awaitQuietly(released)); // its only event loop
    awaitView(one, has(one, two), BOUND);
    assertThat(hazelcastOf(one).getCluster().getMembers()).hasSize(3);
    assertThat(METERS.get(Names.CLUSTER_SILENT_MEMBERS).gauge().value()).isEqualTo(1);
    released.countDown();
    awaitView(one, has(one, two, third), BOUND);
    await(third.close());
    awaitView(one, has(one, two), BOUND);
  }

  @Test
  void aRegistryThatHasLostTheNodesAddressesIsMended() {
    Station station = station(two, Room.BATCHER, 0);
    Registration registration = consume(two, Room.BATCHER, 0, m -> {});
    MultiMap<String, Object> subs = hazelcastOf(one).getMultiMap("__vertx.subs");
    String address = BusAddresses.of(station);
    Promise<Void> back = Promise.promise();
    subs.addEntryListener(
        new EntryAdapter<String, Object>() {
          @Override
          public void entryAdded(EntryEvent<String, Object> event) {
            back.tryComplete();
          }
        },
        address,
        false);
    assertThat(subs.remove(address)).hasSize(1);
    await(back.future());
    await(one.bus().send(station, HELLO));
    await(registration.cancel());
  }

  @Test
  void aNodeWithAnotherFleetIsCounted() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    ClusterNode third = CLUSTER.start(2, "another fleet", meters);
    awaitView(one, has(one, two, third), BOUND);
    assertThat(METERS.get(Names.CLUSTER_FLEET_MISMATCHES).gauge().value()).isEqualTo(1);
    assertThat(meters.get(Names.CLUSTER_FLEET_MISMATCHES).gauge().value()).isEqualTo(2);
    assertThat(meters.get(Names.CLUSTER_NODES).gauge().value()).isEqualTo(3);
    await(third.close());
    awaitView(one, has(one, two), BOUND);
  }

  @Test
  void clustersOfDifferentNamesDoNotJoin() {
    ClusterConfig other =
        TestCluster.config(
            "another cluster", CLUSTER.port(2), CLUSTER.busPort(2), CLUSTER.members());
    ClusterNode stranger =
        TestCluster.start(Optional.of(other), "stranger", "fleet", new SimpleMeterRegistry());
    assertThat(has(stranger)).accepts(stranger.directory().view());
    assertThat(has(one, two)).accepts(one.directory().view());
    await(stranger.close());
  }

  @Test
  void aClusterIsFoundByDns() {
    ClusterConfig fixed = CLUSTER.config(2);
    ClusterConfig dns =
        new ClusterConfig(
            "by-dns",
            fixed.host(),
            fixed.port(),
            fixed.busPort(),
            new ClusterConfig.Join.Dns("localhost"),
            fixed.heartbeatInterval(),
            fixed.maxNoHeartbeat(),
            fixed.census(),
            fixed.forgetMissing(),
            Optional.empty());
    ClusterNode node =
        TestCluster.start(Optional.of(dns), "by-dns", "fleet", new SimpleMeterRegistry());
    assertThat(has(node)).accepts(node.directory().view());
    await(node.close());
  }

  @Test
  void aPortInUseIsToldBeforeAnythingStarts() {
    assertThatThrownBy(() -> CLUSTER.start(1))
        .cause()
        .isInstanceOf(ClusterException.class)
        .hasMessageStartingWith("cluster.port: " + CLUSTER.port(1) + " on 127.0.0.1 can not");
  }

  private static Registration consume(
      ClusterNode node, Room room, int lane, Consumer<Message> handler) {
    return await(node.bus().consume(room, lane, handler));
  }

  private static Station station(ClusterNode node, Room room, int lane) {
    return new Station(node.bus().self(), room, lane);
  }

  private static Message message(int i) {
    return new NotOwner(new RequestId("r" + i), new PoolName("pool"), new NodeId("n"));
  }

  private static HazelcastInstance hazelcastOf(ClusterNode node) {
    return Hazelcast.getAllHazelcastInstances().stream()
        .filter(
            h ->
                node.bus()
                    .self()
                    .value()
                    .equals(h.getCluster().getLocalMember().getAttribute("__vertx.nodeId")))
        .findAny()
        .orElseThrow();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
