package io.penstock.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.Drains;
import io.penstock.fake.FakeBus;
import io.penstock.fake.FakeSetting;
import io.penstock.inference.Fleet;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.message.AskHealth;
import io.penstock.message.HealthReport;
import io.penstock.message.ListModels;
import io.penstock.message.Message;
import io.penstock.message.Models;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RouterVerticleTest {
  private static final NodeId SELF = new NodeId("router");
  private static final Station ROUTER = new Station(SELF, Room.ROUTER, 0);
  private static final Station INGRESS = new Station(new NodeId("i"), Room.INGRESS, 0);

  private final Vertx vertx = Vertx.vertx();
  private final FakeBus bus = new FakeBus(SELF);
  private final FakeSetting<Fleet> fleet =
      new FakeSetting<>(
          RouteTableTest.fleet("", RouteTableTest.pool("a", "alpha", List.of(), Set.of(), 0)));

  @BeforeEach
  void deploy() throws Exception {
    bus.peer(INGRESS.node()).consume(Room.INGRESS, 0, message -> {});
    RouterVerticle router = new RouterVerticle(bus, Drains.none(), fleet);
    vertx
        .deployVerticle(router)
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private <T extends Message> T answer(Class<T> kind, Message question) throws Exception {
    assertThat(bus.send(ROUTER, question).succeeded()).isTrue();
    return bus.await(kind, each -> true).get(60, TimeUnit.SECONDS);
  }

  @Test
  void asksTheProbersWhenItBegins() {
    assertThat(bus.published(Room.PROBER)).contains(new AskHealth(SELF));
  }

  @Test
  void answersWhoAsks() throws Exception {
    assertThat(answer(Plan.class, RouteTableTest.chat("alpha")).pools())
        .containsExactly(new PoolName("a"));
    assertThat(answer(Refusal.class, RouteTableTest.chat("beta")).param()).isEqualTo("model");
    assertThat(bus.sent())
        .filteredOn(each -> each.from().equals(SELF) && each.to().equals(INGRESS))
        .hasSize(2);
  }

  @Test
  void anotherFleetIsRoutedAtOnce() throws Exception {
    fleet
        .become(RouteTableTest.fleet("", RouteTableTest.pool("b", "beta", List.of(), Set.of(), 0)))
        .get(60, TimeUnit.SECONDS);
    assertThat(answer(Plan.class, RouteTableTest.chat("beta")).pools())
        .containsExactly(new PoolName("b"));
    assertThat(answer(Refusal.class, RouteTableTest.chat("alpha")).detail())
        .contains("Available models: beta");
  }

  @Test
  void listsModelsAsTheProbersSeeThem() throws Exception {
    HealthReport report =
        new HealthReport(
            new NodeId("prober"),
            1,
            List.of(
                new ReplicaStatus(
                    new PoolName("a"),
                    RouteTableTest.spec("a-0"),
                    ReplicaState.UNHEALTHY,
                    Optional.empty(),
                    "refused",
                    Optional.empty(),
                    0,
                    Optional.empty())),
            false);
    assertThat(bus.send(ROUTER, report).succeeded()).isTrue();
    Models models = answer(Models.class, new ListModels(new RequestId("m"), INGRESS));
    assertThat(models.cards()).hasSize(1);
    assertThat(models.cards().get(0).ready()).isFalse();
  }
}
