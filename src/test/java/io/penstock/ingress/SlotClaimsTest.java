package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.View;
import io.penstock.fault.Fault;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Batch;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Company;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Message;
import io.penstock.message.NotOwner;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Room;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SlotClaimsTest {
  private static final PoolName POOL = new PoolName("llama");
  private static final RequestId ID = new RequestId("r-1");
  private static final NodeId A = new NodeId("a");
  private static final NodeId B = new NodeId("b");
  private static final Station SELF = new Station(new NodeId("me"), Room.INGRESS, 0);

  private final List<String> told = new ArrayList<>();
  private final List<Sent> sent = new ArrayList<>();
  private final List<Sent> along = new ArrayList<>();
  private final SlotClaims claims =
      new SlotClaims(
          SELF,
          owned(A),
          new SlotClaims.Outlet() {
            @Override
            public void seated(Seat seat) {
              told.add("seated " + seat.id());
            }

            @Override
            public void hosts(Batch batch) {
              told.add("hosts " + batch.grant().id());
            }

            @Override
            public void declined(Seat seat) {
              told.add("declined " + seat.id());
            }

            @Override
            public void send(NodeId owner, Message message) {
              sent.add(new Sent(owner, message));
            }

            @Override
            public void sendAlong(NodeId owner, Message message) {
              along.add(new Sent(owner, message));
            }

            @Override
            public void granted(Grant grant) {
              told.add("granted " + grant.id());
            }

            @Override
            public void refused(Refusal refusal) {
              told.add("refused " + refusal.id());
            }
          });

  private static Seat seat(long epoch) {
    return new Seat(ID, POOL, epoch, new RequestId("r-1-b1"), SELF, new ReplicaId("r0"), 3, true);
  }

  private static Admit mayShare() {
    Admit alone = admit(1_000);
    return new Admit(
        alone.id(),
        alone.callerId(),
        alone.replyTo(),
        alone.pool(),
        alone.tenant(),
        alone.weight(),
        alone.priority(),
        alone.attempt(),
        alone.promptTokens(),
        alone.maxTokens(),
        alone.bodyBytes(),
        alone.affinity(),
        alone.needs(),
        alone.excluded(),
        alone.waitMillis(),
        alone.knownEpoch(),
        Optional.of(new Company("k", 2)),
        true,
        PromptBlocks.of(new long[] {3}, 64));
  }

  @Test
  void tellsOfTheFirstTokenOfWhatItHolds() {
    claims.ask(admit(1_000), 0);
    claims.firstToken(POOL, ID, 5);
    assertThat(sent).as("nothing is held").hasSize(1);
    claims.onGrant(
        new Grant(ID, POOL, 3, new ReplicaId("r0"), "http://r0", 0, Optional.empty(), false), 10);
    claims.firstToken(POOL, ID, 40);
    assertThat(sent.get(sent.size() - 1).message())
        .isEqualTo(new FirstToken(ID, POOL, 3, new ReplicaId("r0"), 40));
    claims.release(POOL, ID, Outcome.OK, TokenUsage.NONE, 40, 90, 0);
    int before = sent.size();
    claims.firstToken(POOL, ID, 41);
    assertThat(sent).hasSize(before);
  }

  @Test
  void whatCanWaitGoesAlongWhereThereIsRoom() {
    claims.ask(admit(1_000), 0);
    Grant grant =
        new Grant(ID, POOL, 3, new ReplicaId("r0"), "http://r0", 0, Optional.empty(), true);
    claims.onGrant(grant, 10);
    claims.firstToken(POOL, ID, 40);
    claims.release(POOL, ID, Outcome.OK, TokenUsage.NONE, 40, 90, 0);
    assertThat(sent).extracting(Sent::message).hasOnlyElementsOfType(Admit.class);
    assertThat(along)
        .extracting(Sent::message)
        .containsExactly(
            new FirstToken(ID, POOL, 3, new ReplicaId("r0"), 40),
            new Release(ID, POOL, 3, new ReplicaId("r0"), Outcome.OK, TokenUsage.NONE, 40, 90, 0));
  }

  @Test
  void nothingWaitsWhereItsOwnRequestsDoOrTheLastGrantLeftNoRoom() {
    RequestId second = new RequestId("r-2");
    claims.ask(admit(1_000), 0);
    claims.onGrant(
        new Grant(ID, POOL, 3, new ReplicaId("r0"), "http://r0", 0, Optional.empty(), true), 10);
    claims.ask(admit(second, 1_000), 20);
    claims.firstToken(POOL, ID, 40);
    assertThat(along).as("one of its own waits").isEmpty();
    claims.onGrant(
        new Grant(second, POOL, 3, new ReplicaId("r0"), "http://r0", 0, Optional.empty(), false),
        50);
    claims.release(POOL, ID, Outcome.OK, TokenUsage.NONE, 40, 90, 0);
    assertThat(along).as("the pool is full by now").isEmpty();
    assertThat(lastSent()).isInstanceOf(Release.class);
  }

  @Test
  void aFailureIsToldAtOnce() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(
        new Grant(ID, POOL, 3, new ReplicaId("r0"), "http://r0", 0, Optional.empty(), true), 10);
    claims.release(POOL, ID, Outcome.TRANSPORT, TokenUsage.NONE, -1, 90, 0);
    assertThat(along).isEmpty();
    assertThat(lastSent()).isInstanceOf(Release.class);
  }

  @Test
  void aSeatIsTakenOnceAndOnlyByWhoAskedForCompany() {
    claims.ask(mayShare(), 0);
    claims.onSeat(seat(7));
    claims.onSeat(seat(7));
    assertThat(told).containsExactly("seated r-1", "declined r-1");
    assertThat(claims.waiting()).isZero();
    told.clear();
    claims.ask(admit(1_000), 0);
    claims.onSeat(seat(7));
    claims.onSeat(seat(6));
    assertThat(told).containsExactly("declined r-1", "declined r-1");
    assertThat(claims.waiting()).isEqualTo(1);
  }

  @Test
  void aRequestThatMayShareSaysSoWheneverItIsAskedForAgain() {
    claims.ask(mayShare(), 0);
    claims.onCensus(new Census(POOL, 7, new Station(A, Room.BATCHER, 0)), 10);
    assertThat(sent.stream().map(Sent::message).filter(Admit.class::isInstance))
        .hasSize(2)
        .allSatisfy(each -> assertThat(((Admit) each).company()).contains(new Company("k", 2)));
  }

  @Test
  void theSlotOfABatchIsHeldAndReleasedUnderItsOwnId() {
    RequestId slot = new RequestId("r-1-b1");
    Grant grant =
        new Grant(slot, POOL, 7, new ReplicaId("r0"), "http://r0", 3, Optional.empty(), false);
    claims.onBatch(new Batch(grant, List.of(new Batch.Lane(ID, SELF))), 0);
    claims.onBatch(new Batch(grant, List.of(new Batch.Lane(ID, SELF))), 1);
    assertThat(told).containsExactly("hosts r-1-b1");
    assertThat(claims.held()).isEqualTo(1);
    claims.tick(SlotClaims.RENEW_MILLIS);
    assertThat(((Renew) sent.get(0).message()).leases())
        .containsExactly(new Lease(slot, new ReplicaId("r0")));
    claims.release(POOL, slot, Outcome.OK, TokenUsage.NONE, -1, 5, 0);
    assertThat(((Release) sent.get(1).message()).id()).isEqualTo(slot);
    assertThat(claims.held()).isZero();
  }

  @Test
  void anOwnerThatBeginsAnewOnTheSameNodeIsAskedAgain() {
    claims.ask(admit(1_000), 0);
    claims.onCensus(new Census(POOL, 7, new Station(A, Room.BATCHER, 0)), 10);
    sent.clear();
    claims.onCensus(new Census(POOL, 8, new Station(A, Room.BATCHER, 0)), 20);
    assertThat(sent.stream().map(Sent::to)).containsOnly(A);
    assertThat(sent.stream().map(Sent::message).filter(Admit.class::isInstance))
        .singleElement()
        .satisfies(
            again -> {
              assertThat(((Admit) again).id()).isEqualTo(ID);
              assertThat(((Admit) again).waitMillis()).isEqualTo(980);
              assertThat(((Admit) again).knownEpoch()).isEqualTo(8);
            });
    sent.clear();
    claims.onCensus(new Census(POOL, 8, new Station(A, Room.BATCHER, 0)), 30);
    assertThat(sent.stream().map(Sent::message)).hasOnlyElementsOfType(CensusAnswer.class);
  }

  private record Sent(NodeId to, Message message) {}

  private static View owned(NodeId... batchers) {
    List<View.Node> nodes = new ArrayList<>();
    for (NodeId id : batchers) {
      nodes.add(new View.Node(id, id.value(), "", Set.of(Role.BATCHER), 1, "", false));
    }
    return new View(nodes);
  }

  private static Admit admit(long waitMillis) {
    return admit(ID, waitMillis);
  }

  private static Admit admit(RequestId id, long waitMillis) {
    return new Admit(
        id,
        "caller-1",
        SELF,
        POOL,
        new TenantId("t"),
        1,
        Priority.DEFAULT,
        1,
        10,
        0,
        100,
        7L,
        Set.of(),
        Set.of(),
        waitMillis,
        0,
        Optional.empty(),
        false,
        PromptBlocks.NONE);
  }

  private static Admit retry(long waitMillis, String excluded) {
    return new Admit(
        ID,
        "caller-1",
        SELF,
        POOL,
        new TenantId("t"),
        1,
        Priority.DEFAULT,
        1,
        10,
        0,
        100,
        7L,
        Set.of(),
        Set.of(new ReplicaId(excluded)),
        waitMillis,
        0,
        Optional.empty(),
        false,
        PromptBlocks.NONE);
  }

  private static Grant grant(long epoch) {
    return new Grant(
        ID, POOL, epoch, new ReplicaId("r0"), "http://127.0.0.1:1", 3, Optional.empty(), false);
  }

  private Message lastSent() {
    return sent.get(sent.size() - 1).message();
  }

  @Test
  void asksTheOwnerAndReleasesToIt() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(grant(5), 1);
    claims.release(POOL, ID, Outcome.OK, TokenUsage.NONE, 4, 9, 0);

    assertThat(sent).extracting(Sent::to).containsExactly(A, A);
    assertThat(told).containsExactly("granted r-1");
    assertThat(lastSent()).isInstanceOf(Release.class);
    assertThat(claims.held()).isZero();
    claims.release(POOL, ID, Outcome.OK, TokenUsage.NONE, 4, 9, 0);
    assertThat(sent).hasSize(2);
  }

  @Test
  void aReleaseSaysWhenTheEngineWantsToBeAskedAgain() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(grant(5), 1);
    claims.release(POOL, ID, Outcome.BACK_PRESSURE, TokenUsage.NONE, -1, 9, 7_000);

    assertThat(((Release) lastSent()).retryAfterMillis()).isEqualTo(7_000);
    assertThat(((Release) lastSent()).outcome()).isEqualTo(Outcome.BACK_PRESSURE);
  }

  @Test
  void aGrantOfTheAttemptBeforeIsNotTakenForThatOfTheNext() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(grant(5), 1);
    claims.release(POOL, ID, Outcome.FAULT, TokenUsage.NONE, -1, 9, 0);
    claims.ask(retry(1_000, "r0"), 10);
    claims.onGrant(grant(5), 11); // told again, before the owner heard of the release
    assertThat(told).containsExactly("granted r-1");
    assertThat(claims.waiting()).isEqualTo(1);

    claims.onGrant(
        new Grant(
            ID, POOL, 5, new ReplicaId("r1"), "http://127.0.0.1:2", 3, Optional.empty(), false),
        12);
    assertThat(told).containsExactly("granted r-1", "granted r-1");
    assertThat(claims.held()).isEqualTo(1);
  }

  @Test
  void asksTheNewOwnerWithTheTimeThatIsLeft() {
    claims.ask(admit(1_000), 0);
    claims.onView(owned(B), 400);

    assertThat(sent.get(1).to()).isEqualTo(B);
    assertThat(((Admit) lastSent()).waitMillis()).isEqualTo(600);
  }

  @Test
  void waitsForAnOwnerWhenThereIsNone() {
    claims.onView(owned(), 0);
    claims.ask(admit(1_000), 0);
    assertThat(sent).isEmpty();
    claims.onView(owned(B), 10);
    assertThat(sent).extracting(Sent::to).containsExactly(B);
  }

  @Test
  void sendsAgainAfterAFailedSendAndAfterNotOwner() {
    claims.ask(admit(1_000), 0);
    claims.sendFailed(sent.get(0).message(), 0);
    claims.tick(SlotClaims.RESEND_MILLIS - 1);
    assertThat(sent).hasSize(1);
    claims.tick(SlotClaims.RESEND_MILLIS);
    assertThat(sent).hasSize(2);
    claims.onNotOwner(new NotOwner(ID, POOL, A), 100);
    claims.tick(150);
    assertThat(sent).hasSize(3);
  }

  /**
   * A node that joins may believe for a moment that it owns the pool; nobody else's view changes.
   */
  @Test
  void whoTookACensusAndIsNoOwnerIsLeftForTheOneOfTheView() {
    claims.ask(admit(10_000), 0);
    claims.onCensus(new Census(POOL, 7, new Station(B, Room.BATCHER, 0)), 10);
    sent.clear();
    claims.onNotOwner(new NotOwner(ID, POOL, A), 20);
    claims.tick(20 + SlotClaims.RESEND_MILLIS);
    assertThat(sent).extracting(Sent::to).as("a late word of another").containsOnly(B);
    sent.clear();
    claims.onNotOwner(new NotOwner(ID, POOL, B), 200);
    claims.tick(200 + SlotClaims.RESEND_MILLIS);
    assertThat(sent).extracting(Sent::to).containsOnly(A);
    assertThat(sent.stream().map(Sent::message).filter(Admit.class::isInstance))
        .singleElement()
        .satisfies(again -> assertThat(((Admit) again).knownEpoch()).isEqualTo(7));
  }

  @Test
  void whatIsHeldIsRenewedAtTheOwnerOfTheViewWhereACensusWasTakenInError() {
    claims.ask(admit(10_000), 0);
    claims.onGrant(grant(5), 1);
    claims.onCensus(new Census(POOL, 7, new Station(B, Room.BATCHER, 0)), 10);
    claims.tick(10 + SlotClaims.VIEW_LAG_MILLIS - 1);
    assertThat(sent).extracting(Sent::to).last().isEqualTo(B);
    sent.clear();
    claims.tick(10 + SlotClaims.VIEW_LAG_MILLIS);
    assertThat(sent).extracting(Sent::to).containsExactly(A);
    assertThat(((Renew) lastSent()).leases()).hasSize(1);
  }

  @Test
  void sendsAgainWhatTheOwnerDoesNotKnow() {
    claims.ask(admit(10_000), 0);
    claims.tick(SlotClaims.RENEW_WAITING_MILLIS);
    assertThat(((Renew) lastSent()).waiting()).containsExactly(ID);
    claims.onRenewAnswer(new RenewAnswer(POOL, 3, List.of(ID)), 1_001);
    assertThat(lastSent()).isInstanceOf(Admit.class);
    assertThat(((Admit) lastSent()).knownEpoch()).isEqualTo(3);
  }

  @Test
  void givesBackAGrantThatNobodyWaitsFor() {
    claims.ask(admit(1_000), 0);
    claims.withdraw(POOL, ID);
    assertThat(lastSent()).isEqualTo(new Withdraw(ID, POOL));
    claims.onGrant(grant(5), 1);
    assertThat(told).isEmpty();
    assertThat(((Release) lastSent()).outcome()).isEqualTo(Outcome.CANCELLED);
  }

  @Test
  void ignoresAGrantOfAnOwnerThatIsNoneAnyMore() {
    claims.ask(admit(1_000), 0);
    claims.onCensus(new Census(POOL, 9, new Station(B, Room.BATCHER, 0)), 1);
    claims.onGrant(grant(8), 1);
    assertThat(told).isEmpty();
    assertThat(claims.waiting()).isEqualTo(1);
    claims.onGrant(grant(9), 2);
    assertThat(told).containsExactly("granted r-1");
  }

  @Test
  void answersACensusWithWhatItHoldsAndTheEpochItKnew() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(grant(5), 1);
    claims.onCensus(new Census(POOL, 4, new Station(B, Room.BATCHER, 0)), 1);

    assertThat(sent.get(1).to()).isEqualTo(B);
    assertThat(lastSent())
        .isEqualTo(new CensusAnswer(POOL, 4, SELF, 5, List.of(new Lease(ID, new ReplicaId("r0")))));
  }

  @Test
  void aRepeatedGrantIsNotGivenBack() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(grant(5), 1);
    claims.onGrant(grant(5), 2);
    assertThat(sent).hasSize(1);
    assertThat(told).hasSize(1);
  }

  @Test
  void renewsWhatItHoldsAndStopsWhenNothingIsLeft() {
    claims.ask(admit(1_000), 0);
    claims.onGrant(grant(5), 0);
    claims.tick(SlotClaims.RENEW_WAITING_MILLIS);
    assertThat(((Renew) lastSent()).leases()).hasSize(1);
    claims.release(POOL, ID, Outcome.OK, TokenUsage.NONE, 4, 9, 0);
    int before = sent.size();
    claims.tick(100_000);
    claims.tick(200_000);
    assertThat(sent).hasSize(before);
  }

  @Test
  void aRefusalOfAnotherPoolIsNotForThisWait() {
    claims.ask(admit(1_000), 0);
    claims.onRefusal(
        new Refusal(ID, Optional.of(new PoolName("other")), Fault.NO_REPLICA, "none", "", 0));
    assertThat(told).isEmpty();
    assertThat(claims.waiting()).isEqualTo(1);
  }

  @Test
  void tellsARefusalOnce() {
    claims.ask(admit(1_000), 0);
    Refusal refusal = new Refusal(ID, Optional.of(POOL), Fault.QUEUE_FULL, "full", "", 100);
    claims.onRefusal(refusal);
    claims.onRefusal(refusal);
    assertThat(told).containsExactly("refused r-1");
  }
}
