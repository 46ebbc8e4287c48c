package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.inference.TenantId;
import io.penstock.message.AskPool;
import io.penstock.message.PoolReport;
import io.penstock.message.RequestPlace;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.message.TenantDepth;
import io.penstock.telemetry.Names;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReportsTest {
  private static final NodeId SELF = new NodeId("owner");

  private final Pool pool = Samples.pool(Samples.replicas(2));
  private final PoolOwner owner = new PoolOwner(pool, SELF, 0, () -> 0.5);

  @BeforeEach
  void own() {
    View view =
        new View(List.of(new View.Node(SELF, "owner", "", Set.of(Role.BATCHER), 1, "", false)));
    owner.view(view, 1, 0);
    owner.tick(1);
    assertThat(owner.tenure()).isEqualTo(PoolOwner.Tenure.SERVING);
  }

  private PoolReport ask(boolean tenants, Optional<String> request, long now) {
    AskPool question =
        new AskPool(
            3,
            new Station(SELF, Room.ADMIN, 0),
            Samples.POOL,
            tenants,
            request.map(RequestId::new));
    return Reports.of(question, SELF, owner, now);
  }

  @Test
  void showsTheTenantsWithMostWaitingAndTheRestTogether() {
    for (int i = 0; i < 60; i++) {
      for (int n = 0; n <= i / 10; n++) {
        owner.admit(Ask.of("r" + i + "-" + n).by(String.format("t%02d", i)).bytes(10).admit(), 100);
      }
    }
    PoolReport report = ask(true, Optional.empty(), 1_100);
    assertThat(report.tenants()).hasSize(PoolReport.TENANTS_MAX);
    assertThat(report.tenants().get(0))
        .isEqualTo(new TenantDepth(new TenantId("t50"), Priority.DEFAULT, 1, 6, 0, -1));
    assertThat(report.otherRows()).isEqualTo(10);
    assertThat(report.otherLive()).isEqualTo(2);
    assertThat(report.otherWaiting()).isEqualTo(8);
    assertThat(report.grants()).isEqualTo(2);
    assertThat(report.slots()).isEqualTo(2);
    assertThat(report.waiting().get(1).requests()).isEqualTo(208);
    assertThat(report.waiting().get(1).bytes()).isEqualTo(2_080);
    assertThat(report.waiting().get(1).oldestMillis()).isEqualTo(1_000);
    assertThat(ask(false, Optional.empty(), 1_100).tenants()).isEmpty();
  }

  @Test
  void tellsWhereARequestIs() {
    owner.admit(Ask.of("runs").admit(), 100);
    owner.admit(Ask.of("runs too").admit(), 100);
    for (int i = 0; i < 5; i++) {
      owner.admit(Ask.of("n" + i).by("noisy").admit(), 200);
    }
    owner.admit(Ask.of("chat").by("noisy").of(Priority.INTERACTIVE).admit(), 200);
    owner.admit(Ask.of("q").by("quiet").waiting(10_000).admit(), 300);

    assertThat(ask(false, Optional.of("x-q"), 400).request())
        .contains(
            new RequestPlace(
                new RequestId("x-q"),
                new TenantId("quiet"),
                Priority.DEFAULT,
                Optional.empty(),
                3,
                100,
                -1,
                9_900));
    assertThat(place("chat")).isEqualTo(1);
    assertThat(place("n0")).isBetween(2, 3);
    assertThat(place("n4")).isEqualTo(7);
    assertThat(ask(false, Optional.of("x-runs"), 400).request().orElseThrow().replica())
        .contains(Samples.id(0));
    assertThat(ask(false, Optional.of("unheard-of"), 400).request()).isEmpty();
  }

  private int place(String id) {
    return ask(false, Optional.of("x-" + id), 400).request().orElseThrow().place();
  }

  @Test
  void waitsByTenantHaveFiftyNamesAndNoMore() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    PoolMeters shown = new PoolMeters(meters, pool);
    for (int i = 0; i < 80; i++) {
      shown.granted(Priority.DEFAULT, new TenantId("t" + i), 10);
      shown.granted(Priority.BULK, new TenantId("t" + i), 10);
    }
    assertThat(meters.find(Names.TENANT_QUEUE_WAIT).timers()).hasSize(51);
    assertThat(meters.get(Names.TENANT_QUEUE_WAIT).tag("tenant", "t3").timer().count())
        .isEqualTo(2);
    assertThat(meters.get(Names.TENANT_QUEUE_WAIT).tag("tenant", "other").timer().count())
        .isEqualTo(60);
  }
}
