package io.penstock.batcher;

import static io.penstock.batcher.Samples.INGRESS;
import static io.penstock.batcher.Samples.POOL;
import static io.penstock.batcher.Samples.PROBER;
import static io.penstock.batcher.Samples.in;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.batcher.Samples.spec;
import static io.penstock.batcher.Samples.status;
import static io.penstock.fake.FakeDirectory.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.Bus;
import io.penstock.bus.Drains;
import io.penstock.bus.View;
import io.penstock.fake.FakeBus;
import io.penstock.fake.FakeDirectory;
import io.penstock.fake.FakeSetting;
import io.penstock.fault.Fault;
import io.penstock.inference.Fleet;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.AskHealth;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Doubt;
import io.penstock.message.Grant;
import io.penstock.message.HealthReport;
import io.penstock.message.Lease;
import io.penstock.message.Message;
import io.penstock.message.NotOwner;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BatcherVerticleTest {
  private static final NodeId SELF = new NodeId("self");
  private static final Station BATCHER = new Station(SELF, Room.BATCHER, 0);
  private static final View OWNED =
      FakeDirectory.of(node("self", Role.BATCHER), node("ingress", Role.INGRESS));

  private final Vertx vertx = Vertx.vertx();
  private final FakeBus bus = new FakeBus(SELF);
  private final FakeBus ingress = bus.peer(INGRESS.node());
  private final FakeDirectory directory = new FakeDirectory(OWNED);
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final Legacy legacy = new Legacy();
  private final List<Lease> held = new CopyOnWriteArrayList<>();
  private String deployed = "";
  private final FakeSetting<Fleet> fleet =
      new FakeSetting<>(fleet(pool(List.of(in("zone-a", spec("r0", 1, 1))))));

  @BeforeEach
  void deploy() throws Exception {
    ingress.consume(Room.INGRESS, 0, this::asIngress);
    deployed = deploy(bus);
  }

  private String deploy(Bus on) throws Exception {
    return get(
        vertx
            .deployVerticle(
                new BatcherVerticle(
                    on,
                    directory,
                    Drains.none(),
                    fleet,
                    Duration.ofSeconds(1),
                    Clock.system(),
                    meters,
                    legacy))
            .toCompletionStage()
            .toCompletableFuture());
  }

  private void serves() throws Exception {
    do {
      settle();
    } while (meters.get(Names.POOL_OWNED).gauge().value() != 1);
  }

  private void undeploy() throws Exception {
    get(vertx.undeploy(deployed).toCompletionStage().toCompletableFuture());
  }

  @AfterEach
  void close() throws Exception {
    get(vertx.close().toCompletionStage().toCompletableFuture());
  }

  private static Fleet fleet(Pool... pools) {
    return new Fleet(List.of(pools), false, Optional.empty(), "");
  }

  private void asIngress(Message message) {
    if (message instanceof Census census) {
      send(new CensusAnswer(census.pool(), census.epoch(), INGRESS, 0, List.copyOf(held)));
    }
  }

  private void send(Message message) {
    assertThat(ingress.send(BATCHER, message).succeeded()).isTrue();
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }

  private Grant grantOf(String id) throws Exception {
    return get(bus.await(Grant.class, grant -> grant.id().value().equals(id)));
  }

  /** Everything sent before has been handled when this returns. */
  private void settle() throws Exception {
    long before = bus.sent(RenewAnswer.class).size();
    CompletableFuture<RenewAnswer> answer =
        bus.await(RenewAnswer.class, each -> bus.sent(RenewAnswer.class).size() > before);
    send(new Renew(POOL, INGRESS, 0, List.copyOf(held), List.of()));
    get(answer);
  }

  @Test
  void takesThePoolGrantsQueuesAndPassesTheSlotOn() throws Exception {
    send(Ask.of("a").admit());
    Grant grant = grantOf("a");
    assertThat(grant.url()).isEqualTo("http://r0:8000");
    send(Ask.of("b").admit());
    settle();
    assertThat(bus.sent(Grant.class)).hasSize(1);
    assertThat(
            meters
                .get(Names.QUEUE_DEPTH)
                .tag("pool", "llama")
                .tag("class", "default")
                .gauge()
                .value())
        .isEqualTo(1);
    assertThat(meters.get(Names.GRANTS).tag("replica", "r0").gauge().value()).isEqualTo(1);
    assertThat(meters.get(Names.ZONE_GRANTS).tag("zone", "zone-a").gauge().value()).isEqualTo(1);
    assertThat(meters.get(Names.POOL_OWNED).tag("pool", "llama").gauge().value()).isEqualTo(1);
    send(release(grant));
    assertThat(grantOf("b").replica()).isEqualTo(grant.replica());
    assertThat(meters.get(Names.QUEUE_WAIT).tag("class", "default").timer().count()).isEqualTo(2);
  }

  @Test
  void oneThatComesInItsPlaceCountsWhatIsHeldAndShowsItsOwnState() throws Exception {
    send(Ask.of("a").admit());
    Grant grant = grantOf("a");
    held.add(new Lease(grant.id(), grant.replica()));
    undeploy();
    assertThat(meters.find(Names.GRANTS).gauge()).isNull();
    assertThat(meters.find(Names.POOL_OWNED).gauge()).isNull();
    assertThat(meters.find(Names.ZONE_GRANTS).gauge()).isNull();

    deployed = deploy(bus);
    serves();
    send(Ask.of("b").admit());
    settle();
    assertThat(bus.sent(Grant.class)).as("its only slot is held").hasSize(1);
    assertThat(meters.get(Names.GRANTS).tag("replica", "r0").gauge().value()).isEqualTo(1);
    assertThat(meters.get(Names.QUEUE_DEPTH).tag("class", "default").gauge().value()).isEqualTo(1);
    send(release(grant));
    assertThat(grantOf("b").epoch()).isGreaterThan(grant.epoch());
    assertThat(bus.published(Room.PROBER)).contains(new AskHealth(SELF));
  }

  @Test
  void aRequestAtWhichTwoBatchersFailIsRefused() throws Exception {
    Bus throwing =
        new Bus() {
          @Override
          public NodeId self() {
            return bus.self();
          }

          @Override
          public Future<Void> send(Station to, Message message) {
            if (message instanceof Grant grant && grant.id().value().equals("poison")) {
              throw new IllegalStateException("on purpose");
            }
            return bus.send(to, message);
          }

          @Override
          public void publish(Room room, Message message) {
            bus.publish(room, message);
          }

          @Override
          public Future<Registration> consume(Room room, int lane, Consumer<Message> handler) {
            return bus.consume(room, lane, handler);
          }
        };
    undeploy();
    deployed = deploy(throwing);
    serves();
    send(Ask.of("poison").admit());
    settle();
    assertThat(bus.sent(Refusal.class)).as("it may have been chance").isEmpty();
    undeploy();
    deployed = deploy(throwing);
    serves();
    send(Ask.of("poison").admit());
    Refusal refusal = get(bus.await(Refusal.class, each -> true));
    assertThat(refusal.id()).isEqualTo(new RequestId("poison"));
    assertThat(refusal.fault()).isEqualTo(Fault.INTERNAL);
  }

  @Test
  void onlySoManySuspectsAreRemembered() {
    for (int i = 0; i <= Legacy.MAX; i++) {
      assertThat(legacy.failedAt(new RequestId("r" + i))).isFalse();
    }
    assertThat(legacy.failedAt(new RequestId("r" + Legacy.MAX))).isTrue();
    assertThat(legacy.failedAt(new RequestId("r0"))).as("forgotten").isFalse();
  }

  @Test
  void itsTimerRefusesWhoHasWaitedTooLong() throws Exception {
    send(Ask.of("a").admit());
    grantOf("a");
    send(Ask.of("b").waiting(20).admit());
    Refusal refusal = get(bus.await(Refusal.class, each -> each.id().value().equals("b")));
    assertThat(refusal.fault()).isEqualTo(Fault.QUEUE_TIMEOUT);
    assertThat(meters.get(Names.REFUSED).tag("code", "queue_timeout").counter().count())
        .isEqualTo(1);
  }

  @Test
  void saysSoWhenItDoesNotOwnThePool() throws Exception {
    directory.change(FakeDirectory.of(node("other", Role.BATCHER), node("ingress", Role.INGRESS)));
    send(Ask.of("a").admit());
    NotOwner answer = get(bus.await(NotOwner.class, each -> true));
    assertThat(answer).isEqualTo(new NotOwner(new RequestId("a"), POOL, bus.self()));
  }

  @Test
  void followsTheProbers() throws Exception {
    ReplicaStatus fallen = status(spec("r0", 1, 1), ReplicaState.UNHEALTHY);
    int asked = bus.sent(AskHealth.class).size();
    send(new HealthReport(PROBER, 1, List.of(fallen), true));
    settle();
    assertThat(bus.sent(AskHealth.class)).as("it asks for the share").hasSizeGreaterThan(asked);
    send(Ask.of("early").admit());
    assertThat(grantOf("early").replica().value()).as("news before the share").isEqualTo("r0");
    send(release(grantOf("early")));
    send(
        new HealthReport(
            PROBER, 1, List.of(status(spec("r0", 1, 1), ReplicaState.UNHEALTHY)), false));
    send(Ask.of("a").admit());
    Refusal refusal = get(bus.await(Refusal.class, each -> each.id().value().equals("a")));
    assertThat(refusal.fault()).isEqualTo(Fault.NO_REPLICA);
    send(
        new HealthReport(
            PROBER, 2, List.of(status(spec("r0", 1, 1), ReplicaState.HEALTHY)), false));
    send(Ask.of("b").admit());
    assertThat(grantOf("b").replica().value()).isEqualTo("r0");
  }

  @Test
  void asksTheProbersToCheckAReplicaWhoseConnectionsFail() throws Exception {
    send(Ask.of("a").admit());
    Grant grant = grantOf("a");
    send(
        new Release(
            grant.id(),
            grant.pool(),
            grant.epoch(),
            grant.replica(),
            Outcome.TRANSPORT,
            TokenUsage.NONE,
            -1,
            3,
            0));
    Doubt doubt = get(bus.await(Doubt.class, each -> true));
    assertThat(doubt.replica()).isEqualTo(grant.replica());
    assertThat(doubt.why()).contains("transport");
    assertThat(bus.published(Room.PROBER)).containsOnlyOnce(doubt);
    settle();
    assertThat(meters.get(Names.EJECTIONS).tag("reason", "transport").counter().count())
        .isEqualTo(1);
  }

  @Test
  void aSlotWhoseGrantReachesNobodyIsGivenOn() throws Exception {
    Station nobody = new Station(new NodeId("ingress"), Room.INGRESS, 7);
    send(Ask.of("ghost").from(nobody).admit());
    send(Ask.of("a").admit());
    assertThat(grantOf("a").replica().value()).isEqualTo("r0");
  }

  @Test
  void aPoolThatComesIsOwnedAndOneThatGoesServesOutWhatRuns() throws Exception {
    send(Ask.of("a").admit());
    Grant grant = grantOf("a");
    send(Ask.of("b").admit());
    settle();

    get(fleet.become(fleet()));
    Refusal told = get(bus.await(Refusal.class, each -> each.id().value().equals("b")));
    assertThat(told.fault()).isEqualTo(Fault.UNKNOWN_POOL);
    assertThat(meters.get(Names.GRANTS).tag("replica", "r0").gauge().value()).isEqualTo(1);
    send(release(grant));
    send(Ask.of("c").admit());
    get(bus.await(Refusal.class, each -> each.id().value().equals("c")));
    assertThat(meters.find(Names.POOL_OWNED).gauge()).as("forgotten").isNull();
    assertThat(meters.find(Names.GRANTS).gauge()).isNull();

    get(fleet.become(fleet(pool(replicas(1)))));
    send(Ask.of("d").admit());
    assertThat(grantOf("d").epoch()).isGreaterThanOrEqualTo(grant.epoch());
    assertThat(meters.get(Names.POOL_OWNED).tag("pool", "llama").gauge().value()).isEqualTo(1);
  }

  @Test
  void aPoolThatChangesKeepsWhoWaitsAndOneThatDoesNotIsNotTouched() throws Exception {
    send(Ask.of("a").admit());
    Grant grant = grantOf("a");
    send(Ask.of("b").admit());
    settle();
    get(fleet.become(fleet(pool(replicas(1)))));
    settle();
    assertThat(bus.sent(Grant.class)).hasSize(1);
    get(fleet.become(fleet(pool(replicas(2)))));
    assertThat(grantOf("b").epoch()).isEqualTo(grant.epoch());
    assertThat(bus.sent(Census.class)).as("no new count").hasSize(1);
  }

  @Test
  void refusesAPoolThatItsConfigurationDoesNotHave() throws Exception {
    Admit admit = Ask.of("a").admit();
    send(
        new Admit(
            admit.id(),
            admit.callerId(),
            admit.replyTo(),
            new PoolName("unheard-of"),
            admit.tenant(),
            1,
            admit.priority(),
            1,
            1,
            0,
            1,
            0,
            admit.needs(),
            admit.excluded(),
            1_000,
            0,
            Optional.empty(),
            false,
            PromptBlocks.NONE));
    Refusal refusal = get(bus.await(Refusal.class, each -> true));
    assertThat(refusal.fault()).isEqualTo(Fault.UNKNOWN_POOL);
    assertThat(refusal.pool()).contains(new PoolName("unheard-of"));
    assertThat(refusal.detail()).contains("'unheard-of'");
  }
}
