package io.penstock.batcher;

import static io.penstock.batcher.Samples.INGRESS;
import static io.penstock.batcher.Samples.PROBER;
import static io.penstock.batcher.Samples.id;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.replicas;
import static io.penstock.batcher.Samples.spec;
import static io.penstock.batcher.Samples.status;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.LeaseDropped;
import io.penstock.batcher.AdmissionDecision.LeaseExpired;
import io.penstock.batcher.AdmissionDecision.LeaseNotAdopted;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.AdmissionDecision.ReleaseIgnored;
import io.penstock.batcher.AdmissionDecision.Renewed;
import io.penstock.batcher.Samples.Ask;
import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AdmissionTest {
  private static final long EPOCH = 7;

  private static QueueLimits queue(int maxRequests, long maxBytes) {
    Duration wait = Duration.ofSeconds(30);
    return new QueueLimits(maxRequests, maxBytes, wait, wait, wait);
  }

  private static Admission open(List<ReplicaSpec> specs) {
    return open(pool(specs));
  }

  private static Admission open(Pool pool) {
    return open(pool, new Roster(pool, false));
  }

  private static Admission open(Pool pool, Roster roster) {
    Admission admission =
        new Admission(pool, roster, Strategy.of(pool.routingStrategy(), () -> 0.5), EPOCH);
    assertThat(admission.open(0)).isEmpty();
    return admission;
  }

  private static Admission open(QueueLimits limits, int... slots) {
    return open(pool(replicas(slots), RoutingStrategy.LEAST_LOADED, limits));
  }

  private static Grant granted(List<AdmissionDecision> decisions) {
    assertThat(decisions).hasSize(1).first().isInstanceOf(Granted.class);
    return ((Granted) decisions.get(0)).grant();
  }

  private static Refusal refused(List<AdmissionDecision> decisions) {
    assertThat(decisions).hasSize(1).first().isInstanceOf(Refused.class);
    return ((Refused) decisions.get(0)).refusal();
  }

  private static List<String> ids(List<AdmissionDecision> decisions) {
    return decisions.stream()
        .filter(Granted.class::isInstance)
        .map(each -> ((Granted) each).grant().id().value())
        .toList();
  }

  @Test
  void grantsAtOnceWhileASlotIsFree() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 10));
    assertThat(grant)
        .isEqualTo(
            new Grant(
                new RequestId("a"),
                Samples.POOL,
                EPOCH,
                id(0),
                "http://r0:8000",
                0,
                Optional.empty(),
                false));
    assertThat(admission.offer(Ask.of("b").admit(), 20)).isEmpty();
    Grant next = granted(admission.release(release(grant), 50));
    assertThat(next.id().value()).isEqualTo("b");
    assertThat(next.queuedMillis()).isEqualTo(30);
  }

  @Test
  void aGrantIsRoomyWhileHalfOfThePoolAndOfTheReplicaIsFree() {
    Admission admission = open(replicas(2, 4));
    List<Boolean> roomy = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      roomy.add(granted(admission.offer(Ask.of("r" + i).admit(), i)).roomy());
    }
    assertThat(roomy).containsExactly(true, true, true, false, false, false);
  }

  @Test
  void aGrantThatFillsASmallReplicaOfALargePoolIsNotRoomy() {
    Admission admission = open(replicas(1, 100));
    Map<String, Boolean> roomy = new HashMap<>();
    for (int i = 0; i < 20; i++) {
      Grant grant = granted(admission.offer(Ask.of("r" + i).admit(), i));
      roomy.put(grant.replica().value(), grant.roomy());
    }
    assertThat(roomy).containsOnly(Map.entry("r0", false), Map.entry("r1", true));
  }

  @Test
  void servesClassesInOrderRetriesFirstThenArrival() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("first").admit(), 0));
    admission.offer(Ask.of("bulk").of(Priority.BULK).admit(), 1);
    admission.offer(Ask.of("default").admit(), 2);
    admission.offer(Ask.of("chat1").of(Priority.INTERACTIVE).admit(), 3);
    admission.offer(Ask.of("chat2").of(Priority.INTERACTIVE).admit(), 4);
    admission.offer(Ask.of("retry1").of(Priority.INTERACTIVE).attempt(2).admit(), 5);
    admission.offer(Ask.of("retry2").of(Priority.INTERACTIVE).attempt(3).admit(), 6);
    for (String expected : List.of("retry1", "retry2", "chat1", "chat2", "default", "bulk")) {
      grant = granted(admission.release(release(grant), 10));
      assertThat(grant.id().value()).isEqualTo(expected);
    }
    assertThat(admission.release(release(grant), 10)).isEmpty();
    assertThat(admission.busy()).isFalse();
  }

  @Test
  void passesOverWhomTheFreeReplicaCanNotServe() {
    Admission admission =
        open(List.of(spec("r0", 1, 1, Capability.TOOLS), spec("r1", 1, 1, Capability.VISION)));
    Grant onTools =
        granted(admission.offer(Ask.of("a").needing(Set.of(Capability.TOOLS)).admit(), 0));
    granted(admission.offer(Ask.of("b").needing(Set.of(Capability.VISION)).admit(), 0));
    admission.offer(Ask.of("vision").needing(Set.of(Capability.VISION)).admit(), 1);
    admission.offer(Ask.of("not-r0").without(Set.of(id(0))).admit(), 2);
    admission.offer(Ask.of("any").admit(), 3);
    assertThat(granted(admission.release(release(onTools), 4)).id().value()).isEqualTo("any");
  }

  @Test
  void anAdmitThatComesTwiceWaitsOnceAndIsToldItsGrantAgain() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 0));
    assertThat(granted(admission.offer(Ask.of("a").admit(), 5))).isEqualTo(grant);
    admission.offer(Ask.of("b").admit(), 6);
    assertThat(admission.offer(Ask.of("b").admit(), 7)).isEmpty();
    assertThat(admission.waiting(Priority.DEFAULT)).isEqualTo(1);
    Grant second = granted(admission.release(release(grant), 8));
    assertThat(admission.release(release(second), 9)).isEmpty();
    assertThat(admission.busy()).isFalse();
  }

  @Test
  void aHigherAttemptEndsTheGrantWhoseReleaseWasLost() {
    Admission admission = open(replicas(1, 1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 0));
    Grant retried =
        granted(
            admission.offer(Ask.of("a").attempt(2).without(Set.of(grant.replica())).admit(), 5));
    assertThat(retried.replica()).isNotEqualTo(grant.replica());
    assertThat(admission.live()).isEqualTo(1);
    assertThat(admission.release(release(grant), 6))
        .containsExactly(new ReleaseIgnored(grant.id()));
    assertThat(admission.live()).isEqualTo(1);
  }

  @Test
  void aSlotIsGivenBackOnce() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 0));
    assertThat(admission.release(release(grant), 1)).isEmpty();
    assertThat(admission.release(release(grant), 2))
        .containsExactly(new ReleaseIgnored(grant.id()));
    granted(admission.offer(Ask.of("b").admit(), 3));
    assertThat(admission.offer(Ask.of("c").admit(), 3)).isEmpty();
  }

  @Test
  void aWithdrawnRequestIsNeverAnswered() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 0));
    admission.offer(Ask.of("b").admit(), 0);
    admission.offer(Ask.of("c").admit(), 0);
    admission.withdraw(new RequestId("b"));
    assertThat(granted(admission.release(release(grant), 1)).id().value()).isEqualTo("c");
    admission.withdraw(new RequestId("c")); // crossed its grant: its holder releases it
    assertThat(admission.live()).isEqualTo(1);
    assertThat(admission.tick(20_000)).hasSize(1);
  }

  @Test
  void refusesAtOnceWhenTheClassIsFull() {
    Admission admission = open(queue(2, 1 << 30), 1);
    granted(admission.offer(Ask.of("live").admit(), 0));
    admission.offer(Ask.of("w1").admit(), 0);
    admission.offer(Ask.of("w2").admit(), 0);
    Refusal refusal = refused(admission.offer(Ask.of("w3").admit(), 0));
    assertThat(refusal.fault()).isEqualTo(Fault.QUEUE_FULL);
    assertThat(refusal.pool()).contains(new PoolName("llama"));
    assertThat(refusal.detail())
        .isEqualTo(
            "The queue of pool 'llama' is full: 2 requests of class default wait (at most 2).");
    assertThat(refusal.retryAfterMillis()).isEqualTo(1_000);
    assertThat(admission.offer(Ask.of("other class").of(Priority.BULK).admit(), 0)).isEmpty();
    assertThat(admission.offer(Ask.of("retry").attempt(2).admit(), 0)).isEmpty();
    assertThat(refused(admission.offer(Ask.of("retry2").attempt(2).admit(), 0)).fault())
        .isEqualTo(Fault.QUEUE_FULL);
  }

  @Test
  void inAFullClassATenantWithFewTakesThePlaceOfOneWithMany() {
    Admission admission = open(queue(4, 1 << 30), 1);
    Grant grant = granted(admission.offer(Ask.of("live").by("noisy").admit(), 0));
    for (int i = 0; i < 4; i++) {
      assertThat(admission.offer(Ask.of("n" + i).by("noisy").admit(), i)).isEmpty();
    }
    assertThat(refused(admission.offer(Ask.of("n4").by("noisy").admit(), 5)).id().value())
        .isEqualTo("n4");
    Refusal first = refused(admission.offer(Ask.of("q0").by("quiet").admit(), 5));
    assertThat(first.id().value()).as("the newest").isEqualTo("n3");
    assertThat(first.fault()).isEqualTo(Fault.QUEUE_FULL);
    assertThat(first.retryAfterMillis()).isBetween(1_000L, 60_000L);
    assertThat(first.detail())
        .isEqualTo(
            "The queue of pool 'llama' is full: 4 requests of class default wait, of which tenant"
                + " 'noisy' has more than its share; this one, its newest, made room for"
                + " another's.");
    assertThat(refused(admission.offer(Ask.of("q1").by("quiet").admit(), 5)).id().value())
        .isEqualTo("n2");
    assertThat(refused(admission.offer(Ask.of("q2").by("quiet").admit(), 5)).id().value())
        .as("two each")
        .isEqualTo("q2");
    assertThat(admission.waiting(Priority.DEFAULT)).isEqualTo(4);
    assertThat(granted(admission.release(release(grant), 6)).id().value()).isIn("n0", "q0");
  }

  @Test
  void refusesAtOnceWhenTheBytesAreFull() {
    Admission admission = open(queue(100, 10_000), 1);
    Grant grant = granted(admission.offer(Ask.of("live").bytes(9_999).admit(), 0));
    admission.offer(Ask.of("w1").bytes(6_000).admit(), 0);
    admission.offer(Ask.of("w2").bytes(4_000).of(Priority.BULK).admit(), 0);
    assertThat(refused(admission.offer(Ask.of("w3").bytes(1).admit(), 0)).fault())
        .isEqualTo(Fault.QUEUE_FULL);
    admission.release(release(grant), 1);
    assertThat(admission.offer(Ask.of("w4").bytes(6_000).admit(), 1)).isEmpty();
  }

  @Test
  void refusesAtOnceWhenThePredictedWaitPassesWhatItMayWait() {
    Admission admission = open(replicas(2));
    for (int i = 0; i < WaitForecast.SAMPLES_MIN; i++) {
      Grant grant = granted(admission.offer(Ask.of("s" + i).admit(), i * 1_000L));
      admission.release(release(grant), i * 1_000L + 1_000);
    }
    long now = 100_000;
    admission.offer(Ask.of("l1").admit(), now);
    admission.offer(Ask.of("l2").admit(), now);
    // One second each on two slots: the first in line waits 500 ms, the second 1,000 ms.
    assertThat(admission.offer(Ask.of("w1").waiting(500).admit(), now)).isEmpty();
    Refusal refusal = refused(admission.offer(Ask.of("w2").waiting(999).admit(), now));
    assertThat(refusal.fault()).isEqualTo(Fault.QUEUE_FULL);
    assertThat(refusal.detail()).contains("the predicted wait is 1000 ms");
    assertThat(admission.offer(Ask.of("w3").waiting(1_000).admit(), now)).isEmpty();
    assertThat(admission.offer(Ask.of("w4").of(Priority.INTERACTIVE).waiting(500).admit(), now))
        .isEmpty();
    Refusal far =
        refused(admission.offer(Ask.of("w5").waiting(1_001).of(Priority.BULK).admit(), now));
    assertThat(far.detail()).contains("the predicted wait is 2000 ms");
    assertThat(far.retryAfterMillis()).as("at least a second").isEqualTo(1_000);
    // Whose deadline is nearest is before all others of its tenant, but not before another class.
    Refusal near = refused(admission.offer(Ask.of("w6").waiting(1).admit(), now));
    assertThat(near.detail()).contains("the predicted wait is 1000 ms");
  }

  @Test
  void timesOutByTheLowerOfTheClientsAndThePoolsLimit() {
    Admission admission = open(replicas(1));
    granted(admission.offer(Ask.of("live").admit(), 0));
    admission.offer(Ask.of("client").waiting(100).admit(), 0);
    admission.offer(Ask.of("pool").of(Priority.INTERACTIVE).admit(), 0);
    assertThat(admission.tick(99)).isEmpty();
    Refusal refusal = refused(admission.tick(100));
    assertThat(refusal.id().value()).isEqualTo("client");
    assertThat(refusal.fault()).isEqualTo(Fault.QUEUE_TIMEOUT);
    assertThat(refusal.detail()).isEqualTo("Pool 'llama' had no free slot within 100 ms.");
    renew(admission, "live", 14_999);
    renew(admission, "live", 29_998);
    assertThat(admission.tick(29_999)).isEmpty();
    assertThat(refused(admission.tick(30_000)).id().value()).isEqualTo("pool");
    assertThat(refused(admission.offer(Ask.of("late").waiting(0).admit(), 30_001)).fault())
        .isEqualTo(Fault.QUEUE_TIMEOUT);
  }

  private static List<AdmissionDecision> renew(Admission admission, String held, long now) {
    return admission.renew(
        new Renew(
            Samples.POOL,
            INGRESS,
            EPOCH,
            List.of(new Lease(new RequestId(held), id(0))),
            List.of()),
        now);
  }

  @Test
  void aLeaseExpiresUnlessItIsRenewedAndItsSlotIsGivenOn() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 0));
    admission.offer(Ask.of("b").admit(), 0);
    renew(admission, "a", 10_000);
    assertThat(admission.tick(24_999)).isEmpty();
    List<AdmissionDecision> decisions = admission.tick(25_000);
    assertThat(decisions.get(0))
        .isEqualTo(new LeaseExpired(INGRESS, new Lease(grant.id(), grant.replica())));
    assertThat(ids(decisions)).containsExactly("b");
    assertThat(admission.release(release(grant), 25_001))
        .containsExactly(new ReleaseIgnored(grant.id()));
  }

  @Test
  void aLeaseThatItsHolderListsNoMoreIsDroppedAndItsSlotIsGivenOn() {
    Admission admission = open(replicas(2));
    granted(admission.offer(Ask.of("held").admit(), 0));
    Grant lost = granted(admission.offer(Ask.of("release lost").admit(), 0));
    admission.offer(Ask.of("next").admit(), 0);
    List<AdmissionDecision> decisions = renew(admission, "held", Admission.CROSSING_MILLIS + 1);
    assertThat(decisions).contains(new LeaseDropped(INGRESS, new Lease(lost.id(), id(0))));
    assertThat(decisions).filteredOn(LeaseDropped.class::isInstance).hasSize(1);
    assertThat(ids(decisions)).containsExactly("next");
    assertThat(admission.live()).isEqualTo(2);
  }

  @Test
  void aGrantThatCrossesARenewalIsNotDropped() {
    Admission admission = open(replicas(4));
    long now = 10_000;
    granted(admission.offer(Ask.of("held").admit(), 0));
    granted(admission.offer(Ask.of("waiting, by its holder's word").admit(), 0));
    granted(admission.offer(Ask.of("young").admit(), now - Admission.CROSSING_MILLIS));
    Station other = new Station(new NodeId("other"), Room.INGRESS, 0);
    granted(admission.offer(Ask.of("of another").from(other).admit(), 0));
    List<AdmissionDecision> decisions =
        admission.renew(
            new Renew(
                Samples.POOL,
                INGRESS,
                EPOCH,
                List.of(new Lease(new RequestId("held"), id(0))),
                List.of(new RequestId("waiting, by its holder's word"))),
            now);
    assertThat(decisions).noneMatch(LeaseDropped.class::isInstance);
    assertThat(admission.live()).isEqualTo(4);
  }

  @Test
  void aRenewalIsAskedForWhatIsUnknownAndToldWhatWasLost() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("granted").admit(), 0));
    admission.offer(Ask.of("queued").admit(), 0);
    List<AdmissionDecision> decisions =
        admission.renew(
            new Renew(
                Samples.POOL,
                INGRESS,
                EPOCH,
                List.of(),
                List.of(new RequestId("granted"), new RequestId("queued"), new RequestId("lost"))),
            1);
    assertThat(decisions)
        .filteredOn(Granted.class::isInstance)
        .containsExactly(new Granted(INGRESS, Ask.of("").tenant(), Priority.DEFAULT, grant, true));
    assertThat(decisions)
        .filteredOn(Renewed.class::isInstance)
        .extracting(each -> ((Renewed) each).answer().unknownWaiting())
        .containsExactly(List.of(new RequestId("lost")));
  }

  @Test
  void aLeaseOfAnOwnerBeforeIsAdoptedAndCounts() {
    Admission admission = open(replicas(1));
    renew(admission, "old", 0);
    assertThat(admission.offer(Ask.of("new").admit(), 1)).isEmpty();
    Release release =
        new Release(
            new RequestId("old"), Samples.POOL, 3, id(0), Outcome.OK, TokenUsage.NONE, 1, 2, 0);
    assertThat(ids(admission.release(release, 2))).containsExactly("new");
  }

  @Test
  void aWaitingRequestThatItsHolderAlreadyRunsLeavesTheQueue() {
    Admission admission = open(replicas(1, 1));
    granted(admission.offer(Ask.of("x").admit(), 0));
    granted(admission.offer(Ask.of("y").admit(), 0));
    admission.offer(Ask.of("old").admit(), 0);
    renew(admission, "old", 1);
    assertThat(admission.waiting(Priority.DEFAULT)).isZero();
    assertThat(admission.live()).isEqualTo(3); // over the limit, since another owner granted it
  }

  @Test
  void theLedgerAdoptsNoMoreThanItsBound() {
    Pool pool = pool(replicas(1));
    Admission admission = new Admission(pool, new Roster(pool, false), new LeastLoaded(), EPOCH, 2);
    List<Lease> leases =
        List.of(
            new Lease(new RequestId("a"), id(0)),
            new Lease(new RequestId("b"), id(0)),
            new Lease(new RequestId("c"), id(0)));
    assertThat(admission.counted(INGRESS, leases, 0))
        .containsExactly(new LeaseNotAdopted(INGRESS, leases.get(2)));
    assertThat(admission.live()).isEqualTo(2);
  }

  @Test
  void aGrantThatTheCensusDoesNotConfirmIsToldAgainUnderTheNewEpoch() {
    Admission admission = open(replicas(2));
    Grant kept = granted(admission.offer(Ask.of("kept").admit(), 0));
    Grant missed = granted(admission.offer(Ask.of("missed").admit(), 0));
    admission.hold(99);
    List<AdmissionDecision> decisions =
        admission.counted(INGRESS, List.of(new Lease(kept.id(), kept.replica())), 1);
    Grant again = granted(decisions);
    assertThat(again.id()).isEqualTo(missed.id());
    assertThat(again.epoch()).isEqualTo(99);
    assertThat(again.replica()).isEqualTo(missed.replica());
  }

  @Test
  void onHoldRequestsQueueAndNothingIsGranted() {
    Pool pool = pool(replicas(2));
    Admission admission = new Admission(pool, new Roster(pool, false), new LeastLoaded(), EPOCH);
    for (String each : List.of("a", "b", "c")) {
      assertThat(admission.offer(Ask.of(each).admit(), 0)).isEmpty();
    }
    assertThat(ids(admission.open(5))).containsExactly("a", "b");
  }

  @Test
  void refusesAtOnceWhenAllReplicasHaveBeenTried() {
    Admission admission = open(replicas(1, 1));
    Refusal refusal =
        refused(admission.offer(Ask.of("a").attempt(3).without(Set.of(id(0), id(1))).admit(), 0));
    assertThat(refusal.fault()).isEqualTo(Fault.NO_REPLICA);
    assertThat(refusal.detail())
        .isEqualTo("Pool 'llama' has no healthy replica for this request beyond the 2 tried.");
    assertThat(refusal.retryAfterMillis()).isEqualTo(5_000);
  }

  @Test
  void waitsAShortWhileForAReplicaNotYetHeardOf() {
    Pool pool = pool(replicas(1));
    Roster roster = new Roster(pool, true);
    Admission admission = open(pool, roster);
    assertThat(admission.offer(Ask.of("a").admit(), 0)).isEmpty();
    long grace = Admission.REPLICA_GRACE_MILLIS;
    assertThat(admission.offer(Ask.of("b").admit(), grace - 500)).isEmpty();
    assertThat(admission.tick(grace - 1)).isEmpty();
    assertThat(refused(admission.tick(grace)).fault()).isEqualTo(Fault.NO_REPLICA);
    roster.report(PROBER, status(spec("r0", 1, 1), ReplicaState.HEALTHY), grace + 100);
    assertThat(granted(admission.rosterChanged(grace + 100)).id().value()).isEqualTo("b");
  }

  @Test
  void refusesAllWhenTheLastReplicaFailsAndKeepsLiveGrants() {
    Pool pool = pool(replicas(1));
    Roster roster = new Roster(pool, false);
    Admission admission = open(pool, roster);
    Grant grant = granted(admission.offer(Ask.of("live").admit(), 0));
    admission.offer(Ask.of("a").admit(), 0);
    admission.offer(Ask.of("b").of(Priority.BULK).admit(), 0);
    roster.report(PROBER, status(spec("r0", 1, 1), ReplicaState.UNHEALTHY), 1);
    assertThat(admission.rosterChanged(1))
        .hasSize(2)
        .allSatisfy(
            each -> assertThat(((Refused) each).refusal().fault()).isEqualTo(Fault.NO_REPLICA));
    assertThat(admission.live()).isEqualTo(1);
    assertThat(refused(admission.offer(Ask.of("c").admit(), 2)).fault())
        .isEqualTo(Fault.NO_REPLICA);
    roster.report(PROBER, status(spec("r0", 1, 1), ReplicaState.HEALTHY), 3);
    admission.rosterChanged(3);
    assertThat(admission.offer(Ask.of("d").admit(), 4)).isEmpty();
    assertThat(ids(admission.release(release(grant), 5))).containsExactly("d");
  }

  @Test
  void nodesThatLeaveFreeTheirSlotsAndTheirPlaces() {
    Admission admission = open(replicas(1));
    Station gone = new Station(new NodeId("gone"), Room.INGRESS, 0);
    granted(admission.offer(Ask.of("live").from(gone).admit(), 0));
    admission.offer(Ask.of("waiting").from(gone).admit(), 0);
    admission.offer(Ask.of("mine").admit(), 0);
    assertThat(ids(admission.departed(Set.of(gone.node()), 1))).containsExactly("mine");
    assertThat(admission.waiting(Priority.DEFAULT)).isZero();
  }

  @Test
  void anUndeliveredGrantIsGivenOn() {
    Admission admission = open(replicas(1));
    Grant grant = granted(admission.offer(Ask.of("a").admit(), 0));
    admission.offer(Ask.of("b").admit(), 0);
    Grant next = granted(admission.undelivered(grant, 1));
    assertThat(next.id().value()).isEqualTo("b");
    assertThat(admission.undelivered(grant, 2)).isEmpty();
  }
}
