package io.penstock.ingress;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Batch;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Message;
import io.penstock.message.NotOwner;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Remark;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One ingress loop's side of admission: what it waits for and what it holds at each pool's owner.
 * Pure; the caller brings the time and the view of the cluster.
 *
 * <p>Messages may be lost, and owners may die or change while requests wait. So everything that
 * waits is kept here and sent again to whoever owns the pool now: at once when the view changes,
 * soon after a failed send or a {@link NotOwner}, and whenever the owner's answer to a renewal says
 * that it does not know it. An Admit is idempotent by id, so sending too often does no harm.
 *
 * <p>The size is bounded by the requests that the loop carries.
 */
final class SlotClaims {
  /** What the shell carries out. */
  interface Outlet {
    /** Sends to the node's batcher. A failure comes back through {@link #sendFailed}. */
    void send(NodeId owner, Message message);

    /** Sends what may come a little later. No failure comes back. */
    void sendAlong(NodeId owner, Message message);

    /** The request has its slot. */
    void granted(Grant grant);

    /** The request shares a call. */
    void seated(Seat seat);

    /** A call that this loop makes for several requests; its slot is held. */
    void hosts(Batch batch);

    /** A seat for a request that does not wait for one. */
    void declined(Seat seat);

    /** The owner will not serve it. */
    void refused(Refusal refusal);
  }

  static final long RESEND_MILLIS = 50;
  static final long RENEW_MILLIS = 5_000;
  static final long RENEW_WAITING_MILLIS = 1_000;

  private static final class Waiting {
    final Admit admit;
    final long deadlineMillis;
    long resendAtMillis = Long.MAX_VALUE;

    Waiting(Admit admit, long deadlineMillis) {
      this.admit = admit;
      this.deadlineMillis = deadlineMillis;
    }
  }

  /** How much later than a new owner's census the view that names it comes at most. */
  static final long VIEW_LAG_MILLIS = 5_000;

  private static final class PoolClaims {
    final PoolName pool;
    final Map<RequestId, Waiting> waiting = new LinkedHashMap<>();
    final Map<RequestId, Grant> held = new HashMap<>();
    @Nullable NodeId owner;
    long epoch;
    long renewAtMillis;
    boolean resendSoon;

    /** Whether the owner's last grant was a roomy one. */
    boolean roomy;

    /** Until when the owner is whoever took the last census, whatever the view says. */
    long censusCountsUntilMillis = Long.MAX_VALUE;

    PoolClaims(PoolName pool) {
      this.pool = pool;
    }
  }

  private final Station self;
  private final Outlet outlet;
  private final Map<PoolName, PoolClaims> pools = new HashMap<>();
  private View view;

  SlotClaims(Station self, View view, Outlet outlet) {
    this.self = self;
    this.view = view;
    this.outlet = outlet;
  }

  /**
   * Asks the pool's owner for a slot. Answered through the outlet, once, or never after {@link
   * #withdraw}.
   */
  void ask(Admit admit, long nowMillis) {
    PoolClaims claims = claims(admit.pool());
    Waiting waiting = new Waiting(admit, nowMillis + admit.waitMillis());
    claims.waiting.put(admit.id(), waiting);
    claims.renewAtMillis = Math.min(claims.renewAtMillis, nowMillis + RENEW_WAITING_MILLIS);
    send(claims, waiting, nowMillis);
  }

  /** The client has left, or the deadline has passed, while the request waited. */
  void withdraw(PoolName pool, RequestId id) {
    PoolClaims claims = claims(pool);
    if (claims.waiting.remove(id) != null && claims.owner != null) {
      outlet.send(claims.owner, new Withdraw(id, pool));
    }
  }

  /**
   * Gives a slot back. Without effect where it is not held any more.
   *
   * @param retryAfterMillis how long the engine wants to be left alone; 0 when it did not say
   */
  void release(
      PoolName pool,
      RequestId id,
      Outcome outcome,
      TokenUsage usage,
      long firstTokenMillis,
      long totalMillis,
      long retryAfterMillis) {
    PoolClaims claims = claims(pool);
    Grant grant = claims.held.remove(id);
    if (grant != null) {
      tell(
          claims,
          mayWait(claims, grant) && outcome == Outcome.OK,
          new Release(
              id,
              pool,
              claims.epoch,
              grant.replica(),
              outcome,
              usage,
              firstTokenMillis,
              totalMillis,
              retryAfterMillis));
    }
  }

  /**
   * The first token of an answer is there. Without effect where the slot is not held any more.
   *
   * @param millis from the grant to the token
   */
  void firstToken(PoolName pool, RequestId id, long millis) {
    PoolClaims claims = claims(pool);
    Grant grant = claims.held.get(id);
    if (grant != null) {
      tell(
          claims,
          mayWait(claims, grant),
          new FirstToken(id, pool, claims.epoch, grant.replica(), millis));
    }
  }

  /** Whether there was room when it was granted and there is, as far as can be seen from here. */
  private static boolean mayWait(PoolClaims claims, Grant grant) {
    return grant.roomy() && claims.roomy && claims.waiting.isEmpty();
  }

  private void tell(PoolClaims claims, boolean mayWait, Message message) {
    if (claims.owner == null) {
      return;
    }
    if (mayWait) {
      outlet.sendAlong(claims.owner, message);
    } else {
      outlet.send(claims.owner, message);
    }
  }

  /**
   * Something is to be said of a choice of the pool's owner.
   *
   * @param callerId the request's id as the client knows it
   */
  void remark(PoolName pool, RequestId callerId, String text) {
    NodeId owner = claims(pool).owner;
    if (owner != null) {
      outlet.send(owner, new Remark(callerId, pool, text));
    }
  }

  void onGrant(Grant grant, long nowMillis) {
    PoolClaims claims = claims(grant.pool());
    if (grant.epoch() < claims.epoch) {
      return; // by an owner that is none any more; the Admit waits at the new one
    }
    claims.epoch = grant.epoch();
    Waiting waiting = claims.waiting.get(grant.id());
    if (waiting != null && waiting.admit.excluded().contains(grant.replica())) {
      return; // of an attempt before, told again; its slot has been given back
    }
    if (waiting != null) {
      claims.waiting.remove(grant.id());
      claims.held.put(grant.id(), grant);
      claims.roomy = grant.roomy();
      claims.renewAtMillis = Math.min(claims.renewAtMillis, nowMillis + RENEW_MILLIS);
      outlet.granted(grant);
      return;
    }
    Grant held = claims.held.get(grant.id());
    boolean repeated = held != null && held.replica().equals(grant.replica());
    if (!repeated && claims.owner != null) {
      outlet.send(
          claims.owner,
          new Release(
              grant.id(),
              grant.pool(),
              grant.epoch(),
              grant.replica(),
              Outcome.CANCELLED,
              TokenUsage.NONE,
              -1,
              0,
              0));
    }
  }

  void onSeat(Seat seat) {
    PoolClaims claims = claims(seat.pool());
    if (seat.epoch() < claims.epoch) {
      outlet.declined(seat); // by an owner that is none any more; the Admit waits at the new one
      return;
    }
    claims.epoch = seat.epoch();
    Waiting waiting = claims.waiting.get(seat.id());
    if (waiting != null && waiting.admit.company().isPresent()) {
      claims.waiting.remove(seat.id());
      outlet.seated(seat);
    } else { // of an attempt before, or of one that has left
      outlet.declined(seat);
    }
  }

  void onBatch(Batch batch, long nowMillis) {
    Grant grant = batch.grant();
    PoolClaims claims = claims(grant.pool());
    if (grant.epoch() < claims.epoch) {
      return; // by an owner that is none any more; the next one has not heard of it
    }
    claims.epoch = grant.epoch();
    if (claims.held.putIfAbsent(grant.id(), grant) == null) {
      claims.renewAtMillis = Math.min(claims.renewAtMillis, nowMillis + RENEW_MILLIS);
      outlet.hosts(batch);
    }
  }

  /** A late or doubled refusal of another pool than the one that is waited for has no effect. */
  void onRefusal(Refusal refusal) {
    if (refusal.pool().isPresent()
        && claims(refusal.pool().get()).waiting.remove(refusal.id()) != null) {
      outlet.refused(refusal);
    }
  }

  void onNotOwner(NotOwner answer, long nowMillis) {
    PoolClaims claims = claims(answer.pool());
    if (answer.by().equals(claims.owner)) {
      goByView(claims);
    }
    Waiting waiting = claims.waiting.get(answer.id());
    if (waiting != null) {
      resendSoon(claims, waiting, nowMillis);
    }
  }

  /** A message to a batcher could not be delivered. */
  void sendFailed(Message message, long nowMillis) {
    if (message instanceof Admit admit) {
      PoolClaims claims = claims(admit.pool());
      Waiting waiting = claims.waiting.get(admit.id());
      if (waiting != null) {
        resendSoon(claims, waiting, nowMillis);
      }
    }
  }

  /**
   * Owners may have changed: whatever waits at a node that does not own its pool any more is asked
   * for again.
   */
  void onView(View next, long nowMillis) {
    view = next;
    for (PoolClaims claims : pools.values()) {
      NodeId owner = next.ownerOf(claims.pool).orElse(null);
      boolean changed = owner == null ? claims.owner != null : !owner.equals(claims.owner);
      claims.owner = owner;
      claims.censusCountsUntilMillis = Long.MAX_VALUE;
      if (changed && owner != null) {
        askAgain(claims, nowMillis);
      }
    }
  }

  /**
   * Whoever took a census may have done so by a view that was soon put right, as a node that joins
   * can; of that no word comes.
   */
  private void goByView(PoolClaims claims) {
    claims.owner = view.ownerOf(claims.pool).orElse(null);
    claims.censusCountsUntilMillis = Long.MAX_VALUE;
  }

  private void askAgain(PoolClaims claims, long nowMillis) {
    for (Waiting waiting : claims.waiting.values()) {
      send(claims, waiting, nowMillis);
    }
    claims.renewAtMillis = nowMillis;
  }

  /**
   * An owner begins, or begins anew. It may be heard before the view that names it, and it may be
   * the node that was the owner before, whose queue was lost: what waits is asked of it at once.
   */
  void onCensus(Census census, long nowMillis) {
    PoolClaims claims = claims(census.pool());
    long before = claims.epoch;
    NodeId sender = census.owner().node();
    if (census.epoch() > before) {
      claims.epoch = census.epoch();
      claims.owner = sender;
      claims.censusCountsUntilMillis = nowMillis + VIEW_LAG_MILLIS;
      askAgain(claims, nowMillis);
    }
    outlet.send(
        sender, new CensusAnswer(census.pool(), census.epoch(), self, before, leases(claims)));
  }

  void onRenewAnswer(RenewAnswer answer, long nowMillis) {
    PoolClaims claims = claims(answer.pool());
    claims.epoch = Math.max(claims.epoch, answer.epoch());
    for (RequestId id : answer.unknownWaiting()) {
      Waiting waiting = claims.waiting.get(id);
      if (waiting != null) {
        send(claims, waiting, nowMillis);
      }
    }
  }

  /**
   * Sends again what could not be delivered, and renews what is held. To be called every {@link
   * #RESEND_MILLIS}.
   */
  void tick(long nowMillis) {
    for (PoolClaims claims : pools.values()) {
      if (claims.censusCountsUntilMillis <= nowMillis) {
        NodeId before = claims.owner;
        goByView(claims);
        if (claims.owner != null && !claims.owner.equals(before)) {
          askAgain(claims, nowMillis);
        }
      }
      if (claims.resendSoon) {
        claims.resendSoon = false;
        for (Waiting waiting : claims.waiting.values()) {
          if (waiting.resendAtMillis <= nowMillis) {
            send(claims, waiting, nowMillis);
          } else if (waiting.resendAtMillis != Long.MAX_VALUE) {
            claims.resendSoon = true;
          }
        }
      }
      if (claims.renewAtMillis <= nowMillis) {
        renew(claims, nowMillis);
      }
    }
  }

  /** How many requests wait for a slot. */
  int waiting() {
    int sum = 0;
    for (PoolClaims claims : pools.values()) {
      sum += claims.waiting.size();
    }
    return sum;
  }

  /** How many slots are held. */
  int held() {
    int sum = 0;
    for (PoolClaims claims : pools.values()) {
      sum += claims.held.size();
    }
    return sum;
  }

  private void renew(PoolClaims claims, long nowMillis) {
    boolean idle = claims.waiting.isEmpty() && claims.held.isEmpty();
    claims.renewAtMillis =
        idle
            ? Long.MAX_VALUE
            : nowMillis + (claims.waiting.isEmpty() ? RENEW_MILLIS : RENEW_WAITING_MILLIS);
    if (!idle && claims.owner != null) {
      outlet.send(
          claims.owner,
          new Renew(
              claims.pool,
              self,
              claims.epoch,
              leases(claims),
              List.copyOf(claims.waiting.keySet())));
    }
  }

  private static List<Lease> leases(PoolClaims claims) {
    List<Lease> leases = new ArrayList<>(claims.held.size());
    for (Grant grant : claims.held.values()) {
      leases.add(new Lease(grant.id(), grant.replica()));
    }
    return leases;
  }

  private void send(PoolClaims claims, Waiting waiting, long nowMillis) {
    waiting.resendAtMillis = Long.MAX_VALUE;
    if (claims.owner == null) {
      return; // sent with the first view that has an owner
    }
    Admit a = waiting.admit;
    long left = Math.max(0, waiting.deadlineMillis - nowMillis);
    boolean asWritten = left == a.waitMillis() && claims.epoch == a.knownEpoch();
    outlet.send(
        claims.owner,
        asWritten
            ? a
            : new Admit(
                a.id(),
                a.callerId(),
                a.replyTo(),
                a.pool(),
                a.tenant(),
                a.weight(),
                a.priority(),
                a.attempt(),
                a.promptTokens(),
                a.maxTokens(),
                a.bodyBytes(),
                a.affinity(),
                a.needs(),
                a.excluded(),
                left,
                claims.epoch,
                a.company(),
                a.streams(),
                a.blocks(),
                a.appraisal()));
  }

  private static void resendSoon(PoolClaims claims, Waiting waiting, long nowMillis) {
    waiting.resendAtMillis = nowMillis + RESEND_MILLIS;
    claims.resendSoon = true;
  }

  private PoolClaims claims(PoolName pool) {
    PoolClaims claims = pools.get(pool);
    if (claims == null) {
      claims = new PoolClaims(pool);
      claims.owner = view.ownerOf(pool).orElse(null);
      claims.renewAtMillis = Long.MAX_VALUE;
      pools.put(pool, claims);
    }
    return claims;
  }
}
