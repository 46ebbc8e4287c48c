package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.AskPool;
import io.penstock.message.CacheReport;
import io.penstock.message.Grant;
import io.penstock.message.PoolReport;
import io.penstock.message.Release;
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
    own(0);
  }

  private void own(long now) {
    View view =
        new View(List.of(new View.Node(SELF, "owner", "", Set.of(Role.BATCHER), 1, "", false)));
    owner.view(view, 1, now);
    owner.tick(now + 1);
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

  private Release answered(String id, TokenUsage usage, long now) {
    Grant grant =
        owner.admit(Ask.of(id).admit(), now).stream()
            .filter(AdmissionDecision.Granted.class::isInstance)
            .map(decision -> ((AdmissionDecision.Granted) decision).grant())
            .findFirst()
            .orElseThrow();
    return new Release(
        grant.id(), grant.pool(), grant.epoch(), grant.replica(), Outcome.OK, usage, 10, 100, 0);
  }

  private CacheReport caches() {
    return ask(false, Optional.empty(), 20_000).replicas().stream()
        .flatMap(replica -> replica.cache().stream())
        .reduce(CacheReport.NONE, CacheReport::plus);
  }

  @Test
  void cachedTokensAreCountedByReplicaAndForThePool() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    PoolMeters shown = new PoolMeters(meters, pool);
    owner.release(answered("a", new TokenUsage(1_000, 10, 600), 100), 200);
    owner.release(answered("b", new TokenUsage(500, 10, 0), 300), 400);
    owner.release(answered("c", TokenUsage.NONE, 450), 460);
    shown.show(owner);
    shown.show(owner);

    assertThat(caches()).isEqualTo(new CacheReport(2, 1_500, 600, 0, 0, 0, 0));
    assertThat(tokens(meters, "prompt")).isEqualTo(1_500);
    assertThat(tokens(meters, "cached")).isEqualTo(600);
    assertThat(tokens(meters, "predicted")).isZero();

    owner.view(new View(List.of()), 2, 600); // another owns it for a while
    own(10_000);
    owner.release(answered("d", new TokenUsage(100, 10, 50), 10_100), 10_200);
    shown.show(owner);
    assertThat(tokens(meters, "prompt")).isEqualTo(1_600);
    assertThat(tokens(meters, "cached")).isEqualTo(650);
    assertThat(caches().answers()).isEqualTo(1);
  }

  private static double tokens(SimpleMeterRegistry meters, String kind) {
    return meters.get(Names.PREFIX_TOKENS).tag("kind", kind).counter().count();
  }

  @Test
  void expectedTokensAreAShareOfThePromptAsTheEngineCountsIt() {
    Strategy strategy = new PrefixAffinity(1 << 16);
    Prospect prospect = new Prospect(strategy, 1 << 16, new Tempo(new Typical()));
    Errand errand =
        new Errand(strategy, prospect, 800, new Prospect.Match(400, 400, 0, true), true, 0);
    CacheTally tally = new CacheTally();
    tally.add(errand, new TokenUsage(1_000, 5, 900));
    tally.add(errand, new TokenUsage(10, 5, 90)); // an engine that counts badly
    assertThat(tally.predictedTokens()).isEqualTo(505);
    assertThat(tally.cachedTokens()).isEqualTo(910);
    assertThat(tally.promptTokens()).isEqualTo(1_010);
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
