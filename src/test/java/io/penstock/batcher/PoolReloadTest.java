package io.penstock.batcher;

import static io.penstock.batcher.Samples.INGRESS;
import static io.penstock.batcher.Samples.POOL;
import static io.penstock.batcher.Samples.PROBER;
import static io.penstock.batcher.Samples.followed;
import static io.penstock.batcher.Samples.id;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.batcher.Samples.spec;
import static io.penstock.batcher.Samples.status;
import static io.penstock.fake.FakeDirectory.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.AlarmChanged;
import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.AdmissionDecision.Renewed;
import io.penstock.batcher.PoolOwner.Tenure;
import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.View;
import io.penstock.fake.FakeDirectory;
import io.penstock.fault.Fault;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.FailoverStrategy;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.Role;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What becomes of a pool whose definition changes under load. */
class PoolReloadTest {
  private static final NodeId SELF = new NodeId("self");
  private static final View ALONE = FakeDirectory.of(node("self", Role.BATCHER));

  private long now;
  private int asked;

  /** The owner of a pool that nobody probes. */
  private static PoolOwner serving(Pool pool) {
    return serving(pool, ALONE);
  }

  private static PoolOwner serving(Pool pool, View view) {
    PoolOwner owner = new PoolOwner(pool, SELF, 300, () -> 0.5);
    owner.view(view, 1_000, 0);
    assertThat(owner.tenure()).isEqualTo(Tenure.SERVING);
    return owner;
  }

  private List<AdmissionDecision> ask(PoolOwner owner, String name) {
    return owner.admit(Ask.of(name).admit(), now);
  }

  private static List<Grant> grants(List<AdmissionDecision> decisions) {
    return decisions.stream()
        .filter(Granted.class::isInstance)
        .map(each -> ((Granted) each).grant())
        .toList();
  }

  private static List<String> ids(List<AdmissionDecision> decisions) {
    return grants(decisions).stream().map(grant -> grant.id().value()).toList();
  }

  private Grant granted(PoolOwner owner, String name) {
    List<Grant> grants = grants(ask(owner, name));
    assertThat(grants).as(name).hasSize(1);
    return grants.get(0);
  }

  /** Which replicas so many requests run on, one after the other. */
  private Set<String> used(PoolOwner owner, int requests) {
    Set<String> used = new HashSet<>();
    for (int i = 0; i < requests; i++) {
      Grant grant = granted(owner, "u" + asked++);
      used.add(grant.replica().value());
      owner.release(release(grant), now);
    }
    return used;
  }

  private void fail(PoolOwner owner, Grant grant) {
    owner.release(
        new Release(
            grant.id(),
            grant.pool(),
            grant.epoch(),
            grant.replica(),
            Outcome.FAULT,
            TokenUsage.NONE,
            -1,
            10,
            0),
        now);
  }

  private static int limit(PoolOwner owner, int replica) {
    return owner.roster().find(id(replica)).orElseThrow().limit();
  }

  @Test
  void moreSlotsLetInWhoWaitsUnderTheSameEpoch() {
    PoolOwner owner = serving(pool(replicas(1)));
    Grant first = granted(owner, "a");
    assertThat(ask(owner, "b")).isEmpty();
    assertThat(ask(owner, "c")).isEmpty();

    List<AdmissionDecision> out = owner.redefine(pool(replicas(2)), 10);

    assertThat(ids(out)).containsExactly("b");
    assertThat(grants(out).get(0).epoch()).isEqualTo(first.epoch());
    assertThat(ids(owner.release(release(first), 20))).containsExactly("c");
  }

  @Test
  void fewerSlotsCutNothingOffAndHoldBackWhoComes() {
    PoolOwner owner = serving(pool(replicas(3)));
    List<Grant> live = new ArrayList<>();
    for (String name : List.of("a", "b", "c")) {
      live.add(granted(owner, name));
    }

    assertThat(owner.redefine(pool(replicas(1)), 10)).isEmpty();

    assertThat(limit(owner, 0)).isEqualTo(1);
    assertThat(ask(owner, "d")).isEmpty();
    assertThat(owner.release(release(live.get(0)), 20)).isEmpty();
    assertThat(owner.release(release(live.get(1)), 20)).isEmpty();
    assertThat(ids(owner.release(release(live.get(2)), 20))).containsExactly("d");
  }

  @Test
  void aRemovedReplicaFinishesWhatItHasAndGetsNothingNew() {
    PoolOwner owner = serving(pool(replicas(1, 1)));
    Grant a = granted(owner, "a");
    Grant b = granted(owner, "b");
    boolean firstIsGone = a.replica().equals(id(0));
    Grant gone = firstIsGone ? a : b;

    owner.redefine(pool(replicas(1, 1).subList(1, 2)), 10);

    assertThat(owner.roster().find(id(0)).orElseThrow().live()).isEqualTo(1);
    assertThat(ask(owner, "c")).isEmpty();
    assertThat(owner.release(release(gone), 20)).as("its slot is nobody's").isEmpty();
    assertThat(owner.roster().find(id(0))).isEmpty();
    assertThat(ids(owner.release(release(firstIsGone ? b : a), 30))).containsExactly("c");
  }

  @Test
  void aReplicaThatIsListedAgainCountsWhatStillRunsOnIt() {
    PoolOwner owner = serving(pool(replicas(1)));
    Grant live = granted(owner, "a");
    owner.redefine(pool(List.of(spec("r9", 1, 1))), 10);
    owner.redefine(pool(replicas(1)), 20);
    assertThat(ask(owner, "b")).isEmpty();
    assertThat(ids(owner.release(release(live), 30))).containsExactly("b");
  }

  @Test
  void whatIsHeldAgainstAReplicaStaysUnlessItIsAnotherEngine() {
    BreakerPolicy strict =
        new BreakerPolicy(
            true, 0.5, Duration.ofSeconds(60), 2, Duration.ofSeconds(600), Duration.ZERO);
    List<ReplicaSpec> specs = replicas(4, 4);
    PoolOwner owner = serving(breaker(specs, strict));
    for (int i = 0; i < 8; i++) {
      Grant grant = granted(owner, "f" + i);
      if (grant.replica().equals(id(0))) {
        fail(owner, grant);
      } else {
        owner.release(release(grant), now);
      }
    }
    assertThat(used(owner, 10)).containsExactly("r1");

    owner.redefine(breaker(List.of(spec("r0", 2, 4), spec("r1", 1, 4)), strict), 10);
    assertThat(used(owner, 10)).as("defined anew, and still barred").containsExactly("r1");

    ReplicaSpec moved = new ReplicaSpec(id(0), "http://elsewhere:1", 1, 4, Set.of(), "");
    owner.redefine(breaker(List.of(moved, specs.get(1)), strict), 20);
    now = 100;
    owner.tick(now);
    assertThat(used(owner, 20)).as("another engine").containsExactlyInAnyOrder("r0", "r1");
  }

  @Test
  void aBreakerThatIsToCountNoMoreCloses() {
    BreakerPolicy strict =
        new BreakerPolicy(
            true, 0.5, Duration.ofSeconds(60), 2, Duration.ofSeconds(600), Duration.ZERO);
    Breaker breaker = new Breaker(strict);
    breaker.onFailure(0);
    breaker.onFailure(0);
    assertThat(breaker.state()).isEqualTo(Breaker.State.OPEN);
    breaker.policy(
        new BreakerPolicy(
            true, 0.5, Duration.ofSeconds(60), 9, Duration.ofSeconds(600), Duration.ZERO));
    assertThat(breaker.state()).as("what it has found holds").isEqualTo(Breaker.State.OPEN);
    breaker.policy(
        new BreakerPolicy(
            false, 0.5, Duration.ofSeconds(60), 2, Duration.ofSeconds(600), Duration.ZERO));
    assertThat(breaker.state()).isEqualTo(Breaker.State.CLOSED);
    breaker.onFailure(1);
    breaker.onFailure(1);
    breaker.onFailure(1);
    assertThat(breaker.state()).isEqualTo(Breaker.State.CLOSED);
  }

  private static Pool breaker(List<ReplicaSpec> specs, BreakerPolicy policy) {
    return pool(
        specs, RoutingStrategy.ROUND_ROBIN, QueueLimits.DEFAULT, FailoverPolicy.DEFAULT, policy);
  }

  private static Pool failover(List<ReplicaSpec> specs, FailoverStrategy strategy, int min) {
    return pool(
        specs,
        RoutingStrategy.ROUND_ROBIN,
        QueueLimits.DEFAULT,
        new FailoverPolicy(strategy, min, true, Duration.ofSeconds(60)),
        BreakerPolicy.DEFAULT);
  }

  @Test
  void theStrategyAndTheFailoverPolicyAreThoseOfTheNewDefinition() {
    PoolOwner owner = serving(failover(replicas(4, 4), FailoverStrategy.ACTIVE_ACTIVE, 0));
    assertThat(used(owner, 8)).containsExactlyInAnyOrder("r0", "r1");

    owner.redefine(failover(replicas(4, 4), FailoverStrategy.ACTIVE_PASSIVE, 0), 10);
    assertThat(used(owner, 8)).containsExactly("r0");

    List<ReplicaSpec> turned = List.of(spec("r1", 1, 4), spec("r2", 1, 4));
    owner.redefine(failover(turned, FailoverStrategy.ACTIVE_PASSIVE, 0), 20);
    assertThat(used(owner, 8)).as("in the order of the new list").containsExactly("r1");

    owner.redefine(pool(turned, RoutingStrategy.HASH_BASED, QueueLimits.DEFAULT), 30);
    assertThat(used(owner, 8)).as("one session").hasSize(1);
    owner.redefine(pool(turned, RoutingStrategy.ROUND_ROBIN, QueueLimits.DEFAULT), 40);
    assertThat(used(owner, 8)).containsExactlyInAnyOrder("r1", "r2");
  }

  @Test
  void theAlarmGoesByTheNewMinimum() {
    PoolOwner owner = serving(failover(replicas(4), FailoverStrategy.ACTIVE_ACTIVE, 1));
    now = PoolOwner.ALARM_GRACE_MILLIS + 1;
    List<AdmissionDecision> out =
        owner.redefine(failover(replicas(4), FailoverStrategy.ACTIVE_ACTIVE, 2), now);
    assertThat(out).contains(new AlarmChanged(true, 1, 2));
    out = owner.redefine(failover(replicas(4), FailoverStrategy.ACTIVE_ACTIVE, 1), now);
    assertThat(out).contains(new AlarmChanged(false, 1, 1));
  }

  @Test
  void theQueueIsAsLongAsTheNewDefinitionSaysForWhoComes() {
    Duration wait = Duration.ofSeconds(10);
    PoolOwner owner = serving(pool(replicas(1)));
    Grant live = granted(owner, "a");
    ask(owner, "b");
    ask(owner, "c");
    QueueLimits one = new QueueLimits(1, 1 << 20, wait, wait, wait);
    owner.redefine(pool(replicas(1), RoutingStrategy.LEAST_LOADED, one), 10);
    assertThat(ask(owner, "d")).hasSize(1).first().isInstanceOf(Refused.class);
    assertThat(ids(owner.release(release(live), 20))).as("who waits stays").containsExactly("b");
  }

  @Test
  void aProberThatGoesByAnotherListHasNoSayOnAWrittenOne() {
    View probed = FakeDirectory.of(node("self", Role.BATCHER), node("prober", Role.HEALTH_PROBER));
    PoolOwner owner = serving(pool(replicas(2)), probed);
    owner.report(PROBER, List.of(status(spec("r0", 1, 2), ReplicaState.HEALTHY)), 0);

    owner.report(PROBER, List.of(status(spec("r0", 1, 9), ReplicaState.HEALTHY)), 1);
    owner.report(PROBER, List.of(status(spec("r7", 1, 9), ReplicaState.HEALTHY)), 1);
    assertThat(limit(owner, 0)).isEqualTo(2);
    assertThat(owner.roster().find(id(7))).isEmpty();

    ReplicaSpec elsewhere = new ReplicaSpec(id(0), "http://elsewhere:1", 1, 2, Set.of(), "");
    owner.report(PROBER, List.of(status(elsewhere, ReplicaState.UNHEALTHY)), 2);
    owner.report(PROBER, List.of(status(spec("r0", 1, 2), ReplicaState.REMOVED)), 3);
    assertThat(granted(owner, "a").replica()).isEqualTo(id(0));
  }

  /** Otherwise a list that is new as a whole would serve nobody until its prober is reloaded. */
  @Test
  void aReplicaThatItsProberMayNotKnowOfIsTriedInsteadOfWaitedFor() {
    View reloadedAlone =
        FakeDirectory.of(
            node("self", Role.BATCHER),
            new View.Node(
                new NodeId("prober"), "p", "", Set.of(Role.HEALTH_PROBER), 0, "old", false));
    PoolOwner owner = serving(pool(replicas(1)), reloadedAlone);
    Grant live = granted(owner, "a");
    assertThat(live.replica()).isEqualTo(id(0));

    View allReloaded =
        FakeDirectory.of(node("self", Role.BATCHER), node("prober", Role.HEALTH_PROBER));
    owner.view(allReloaded, 2_000, 10);
    owner.release(release(live), 20);
    assertThat(ask(owner, "b")).as("now it is known soon").isEmpty();
    assertThat(
            ids(
                owner.report(
                    PROBER, List.of(status(replicas(1).get(0), ReplicaState.HEALTHY)), 30)))
        .containsExactly("b");
  }

  @Test
  void fromAListToASourceNobodyIsLostWhomTheProbersConfirm() {
    PoolOwner owner = serving(pool(replicas(2, 2)));
    for (ReplicaSpec each : replicas(2, 2)) {
      owner.report(PROBER, List.of(status(each, ReplicaState.HEALTHY)), 0);
    }
    Pool source = followed(pool(List.of()));
    owner.redefine(source, 10);
    assertThat(used(owner, 10)).containsExactlyInAnyOrder("r0", "r1");

    owner.report(PROBER, List.of(status(spec("r1", 1, 2), ReplicaState.HEALTHY)), 20);
    now = 20 + Roster.PROVISIONAL_MILLIS + 2 * source.health().signalInterval().toMillis();
    owner.report(PROBER, List.of(status(spec("r1", 1, 2), ReplicaState.HEALTHY)), now);
    assertThat(owner.roster().all()).extracting(Replica::id).containsExactly(id(1));
    assertThat(used(owner, 10)).containsExactly("r1");
  }

  @Test
  void fromASourceToAListOnlyTheListCounts() {
    PoolOwner owner = serving(followed(pool(List.of())));
    for (ReplicaSpec each : replicas(2, 2)) {
      owner.report(PROBER, List.of(status(each, ReplicaState.HEALTHY)), 0);
    }
    owner.redefine(pool(List.of(spec("r1", 1, 1))), 10);
    assertThat(owner.roster().all()).extracting(Replica::id).containsExactly(id(1));
    assertThat(limit(owner, 1)).isEqualTo(1);
    assertThat(granted(owner, "a").replica()).isEqualTo(id(1));
  }

  @Test
  void aPoolThatIsGoneTellsWhoWaitsAndKeepsAccountOfWhatRuns() {
    PoolOwner owner = serving(pool(replicas(1)));
    Grant live = granted(owner, "a");
    ask(owner, "b");

    List<AdmissionDecision> out = owner.retire(10);

    assertThat(out).hasSize(1).first().isInstanceOf(Refused.class);
    assertThat(((Refused) out.get(0)).refusal().id().value()).isEqualTo("b");
    assertThat(((Refused) out.get(0)).refusal().fault()).isEqualTo(Fault.UNKNOWN_POOL);
    assertThat(((Refused) out.get(0)).refusal().detail())
        .isEqualTo("Pool 'llama' has been taken out of the configuration.");
    assertThat(ask(owner, "c")).hasSize(1).first().isInstanceOf(Refused.class);
    assertThat(owner.admit(Ask.of("d").attempt(2).admit(), 11))
        .as("retries too: there may be another pool for them")
        .hasSize(1)
        .first()
        .isInstanceOf(Refused.class);
    assertThat(owner.isOver()).isFalse();
    Lease lease = new Lease(live.id(), live.replica());
    assertThat(owner.renew(new Renew(POOL, INGRESS, 1_000, List.of(lease), List.of()), 12))
        .containsExactly(new Renewed(INGRESS, new RenewAnswer(POOL, 1_000, List.of())));
    assertThat(owner.release(release(live), 13)).isEmpty();
    assertThat(owner.isOver()).isTrue();
  }

  @Test
  void aPoolThatIsBackGoesOnWithWhatStillRan() {
    PoolOwner owner = serving(pool(replicas(1)));
    Grant live = granted(owner, "a");
    owner.retire(10);
    owner.redefine(pool(replicas(1)), 20);
    assertThat(ask(owner, "b")).isEmpty();
    assertThat(ids(owner.release(release(live), 30))).containsExactly("b");
    assertThat(owner.isOver()).isFalse();
  }

  @Test
  void aPoolThatIsGoneAndIdleOrNotOwnedIsOverAtOnce() {
    PoolOwner idle = serving(pool(replicas(1)));
    assertThat(idle.retire(10)).isEmpty();
    assertThat(idle.isOver()).isTrue();
    PoolOwner elsewhere = new PoolOwner(pool(replicas(1)), SELF, 300, () -> 0.5);
    assertThat(elsewhere.retire(10)).isEmpty();
    assertThat(elsewhere.isOver()).isTrue();
  }
}
