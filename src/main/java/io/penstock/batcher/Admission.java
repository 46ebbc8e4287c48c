package io.penstock.batcher;

import static java.util.stream.Collectors.toSet;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.LeaseDropped;
import io.penstock.batcher.AdmissionDecision.LeaseExpired;
import io.penstock.batcher.AdmissionDecision.ReleaseIgnored;
import io.penstock.batcher.AdmissionDecision.Renewed;
import io.penstock.batcher.Ledger.Live;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One pool's queue and its ledger of live grants, while this node owns the pool. Pure: the caller
 * brings the time, in milliseconds of a monotonic clock, and carries out what is returned.
 *
 * <p>What holds after every call:
 *
 * <ul>
 *   <li>no grant is made on a replica that has {@code max_concurrent} live ones, or as many as it
 *       gets now by what its requests came to ({@link Roster});
 *   <li>unless on hold, nobody waits in the queue whom a replica with a free slot could serve;
 *   <li>a request is in the queue or in the ledger, never in both, and leaves the queue by exactly
 *       one grant, refusal or withdrawal.
 * </ul>
 *
 * <p>A replica is chosen when a slot is free, not when the request arrives. Who is next is for
 * {@link FairQueue} to say, and how long others will wait for {@link Outlook}. All calls cost O(log
 * n) in the queue's length or less.
 *
 * <p>Requests that may share a call wait for company outside of the queue, and one slot is given to
 * all of a batch ({@link Gathering}).
 *
 * <p>Messages are idempotent by request id. An Admit that comes twice waits once; if it is granted
 * already its Grant is told again; with a higher attempt it ends the grant of the attempt before,
 * whose release was lost. An Admit that comes late, after its release, is queued anew: no memory of
 * past ids is kept for that, since the ingress releases a grant that it does not expect and a lease
 * that nobody renews expires.
 */
final class Admission {
  /** How long a grant lives without being renewed. */
  static final long LEASE_MILLIS = 15_000;

  /** How long messages between a holder and the owner may be under way at most. */
  static final long CROSSING_MILLIS = 2_000;

  /**
   * How long a request waits for a replica that is starting or not yet heard of: as long as a new
   * owner gives the probers to speak.
   */
  static final long REPLICA_GRACE_MILLIS = PoolOwner.ALARM_GRACE_MILLIS;

  /** Most live grants of a pool; those of others are not adopted beyond it. */
  static final int LEDGER_MAX = 100_000;

  /** Attempt of a lease that was adopted: lower than that of any Admit. */
  private static final int ATTEMPT_UNKNOWN = 0;

  private Pool pool;
  private final Roster roster;
  private Strategy strategy;
  private final int ledgerMax;
  private final FairQueue queue;
  private final Gathering gathering;
  private final JointPlacing bursts = new JointPlacing();
  private final Ledger ledger = new Ledger();
  private final WaitForecast forecast = new WaitForecast();
  private final Outlook outlook;
  private final DecisionLog decisions = new DecisionLog();
  private final CacheTally caches = new CacheTally();
  private final List<Replica> candidates = new ArrayList<>();
  private long epoch;
  private boolean held = true;
  private boolean draining;
  private boolean retired;
  private long ordinals;

  /** On hold until {@link #open}. */
  Admission(Pool pool, Roster roster, Strategy strategy, long epoch) {
    this(pool, roster, strategy, epoch, LEDGER_MAX);
  }

  Admission(Pool pool, Roster roster, Strategy strategy, long epoch, int ledgerMax) {
    this.pool = pool;
    this.roster = roster;
    this.strategy = strategy;
    this.epoch = epoch;
    this.ledgerMax = ledgerMax;
    this.queue = new FairQueue(roster::opens);
    this.outlook = new Outlook(queue, forecast);
    this.gathering = new Gathering(pool.batching());
  }

  /** Stops granting, under a new epoch, until {@link #open}. Requests may still queue. */
  void hold(long newEpoch) {
    held = true;
    epoch = newEpoch;
  }

  /** Starts granting. */
  List<AdmissionDecision> open(long nowMillis) {
    held = false;
    letTimePass(nowMillis);
    return dispatch(new ArrayList<>(), nowMillis);
  }

  /**
   * Takes no new requests, or takes them again. What waits or is tried again was accepted, and is
   * served; so is whatever comes while on hold, since that has mostly waited at the owner before.
   */
  void draining(boolean now) {
    draining = now;
  }

  boolean draining() {
    return draining;
  }

  /**
   * Goes by another definition of the pool from now on; whoever waits does so under the limits of
   * its arrival.
   *
   * @param chooses how from now on
   */
  void redefine(Pool next, Strategy chooses) {
    pool = next;
    strategy = chooses;
    gathering.redefine(next.batching());
    retired = false;
  }

  Strategy strategy() {
    return strategy;
  }

  /** The pool is not in the configuration any more: nobody gets in, who waits is told. */
  List<AdmissionDecision> retire() {
    retired = true;
    List<AdmissionDecision> out = new ArrayList<>();
    for (Waiting each : queue.all()) {
      leave(each);
      out.add(Refusals.retired(each.admit));
    }
    return out;
  }

  /** A request asks for a slot. */
  List<AdmissionDecision> offer(Admit admit, long nowMillis) {
    Live live = ledger.find(admit.id());
    if (live != null && admit.attempt() <= live.attempt()) {
      return List.of(again(admit.replyTo(), live));
    }
    Waiting known = queue.find(admit.id());
    if (known != null && admit.attempt() <= known.admit.attempt()) {
      return List.of();
    }
    List<AdmissionDecision> out = new ArrayList<>(2);
    if (known != null) {
      leave(known);
    }
    if (live != null) {
      end(live, nowMillis);
      dispatch(out, nowMillis);
    }
    if (queue.size() == 0) {
      letTimePass(nowMillis); // else the next tick does, and serves who waits in order
    }
    place(admit, out, nowMillis);
    return out;
  }

  /** The client of a waiting request has left. A grant that it has is for its holder to release. */
  void withdraw(RequestId id) {
    Waiting known = queue.find(id);
    if (known != null) {
      leave(known);
    }
  }

  /** The first token of an answer is there. */
  void firstToken(FirstToken news, long nowMillis) {
    Live live = ledger.find(news.id());
    if (live == null || !live.grant().replica().equals(news.replica())) {
      return;
    }
    Errand errand = live.errand();
    if (errand != null && errand.by == strategy) {
      strategy.firstToken(errand, roster, news.firstTokenMillis(), nowMillis);
    }
  }

  /** A holder gives its slot back. */
  List<AdmissionDecision> release(Release release, long nowMillis) {
    Live live = ledger.find(release.id());
    if (live == null || !live.grant().replica().equals(release.replica())) {
      return List.of(new ReleaseIgnored(release.id()));
    }
    letTimePass(nowMillis);
    if (roster.outcome(release, live.ordinal())) {
      queue.review(roster, nowMillis);
    }
    int lanes = gathering.lanesOf(live.id());
    learn(live, release, nowMillis);
    free(live, Math.max(lanes, live.attempt() == ATTEMPT_UNKNOWN ? 0 : 1), nowMillis);
    Charge charge = live.charge();
    if (charge != null && lanes > 0) {
      charge.by().settle(charge, charge.tokens()); // what was used is all lanes' together
    } else if (charge != null) {
      charge.by().settle(charge, release);
    }
    return dispatch(new ArrayList<>(2), nowMillis);
  }

  /** A grant that could not be told: its slot is free again. */
  List<AdmissionDecision> undelivered(Grant grant, long nowMillis) {
    Live live = ledger.find(grant.id());
    if (live == null || !live.grant().equals(grant)) {
      return List.of();
    }
    learn(live, null, nowMillis);
    free(live, 0, nowMillis);
    Charge charge = live.charge();
    if (charge != null) {
      charge.by().settle(charge, 0);
    }
    return dispatch(new ArrayList<>(2), nowMillis);
  }

  /**
   * A holder says what it holds and what it waits for, which is the whole truth about it. Leases
   * live on, or are adopted where an owner before gave them; grants that it has not heard of are
   * told again; Admits that are not known here are asked for. What it neither holds nor waits for
   * it has released, and the release was lost: its slot is free again, unless it was granted so
   * lately that its Admit may have overtaken this message. Where that goes wrong the holder's next
   * renewal has the lease adopted.
   */
  List<AdmissionDecision> renew(Renew renew, long nowMillis) {
    List<AdmissionDecision> out = new ArrayList<>();
    adopt(renew.holder(), renew.leases(), out, nowMillis);
    dropUnlisted(renew, out, nowMillis);
    List<RequestId> unknown = new ArrayList<>();
    for (RequestId id : renew.waiting()) {
      Live live = ledger.find(id);
      if (live == null) {
        if (!queue.isWaiting(id)) {
          unknown.add(id);
        }
      } else if (live.attempt() == ATTEMPT_UNKNOWN) {
        end(live, nowMillis);
        unknown.add(id);
      } else {
        out.add(again(renew.holder(), live));
      }
    }
    out.add(new Renewed(renew.holder(), new RenewAnswer(pool.name(), epoch, unknown)));
    return dispatch(out, nowMillis);
  }

  /**
   * A holder has answered a census. Its leases are adopted. A grant of ours that is not among them
   * it has refused, since its epoch was too low, and still waits for: it is told again under the
   * epoch of now.
   */
  List<AdmissionDecision> counted(Station holder, List<Lease> leases, long nowMillis) {
    List<AdmissionDecision> out = new ArrayList<>();
    adopt(holder, leases, out, nowMillis);
    Set<RequestId> held = new HashSet<>();
    leases.forEach(lease -> held.add(lease.id()));
    for (Live live : ledger.of(holder)) {
      if (held.contains(live.id())) {
        continue;
      }
      if (live.attempt() == ATTEMPT_UNKNOWN) {
        end(live, nowMillis);
      } else {
        out.add(again(holder, live));
      }
    }
    return dispatch(out, nowMillis);
  }

  /** Nodes have left the cluster, and what they held and waited for with them. */
  List<AdmissionDecision> departed(Set<NodeId> nodes, long nowMillis) {
    queue.of(nodes).forEach(this::leave);
    ledger.of(nodes).forEach(live -> end(live, nowMillis));
    return dispatch(new ArrayList<>(), nowMillis);
  }

  /** A replica of the roster came, went or changed. */
  List<AdmissionDecision> rosterChanged(long nowMillis) {
    List<AdmissionDecision> out = new ArrayList<>();
    letTimePass(nowMillis);
    queue.review(roster, nowMillis);
    dispatch(out, nowMillis);
    refuseHopeless(out, nowMillis);
    return out;
  }

  /** Looks at what has run out: leases first, since their slots may save who is due. */
  List<AdmissionDecision> tick(long nowMillis) {
    List<AdmissionDecision> out = new ArrayList<>();
    letTimePass(nowMillis);
    for (@Nullable Live live = ledger.oldest();
        live != null && live.expiresMillis() <= nowMillis;
        live = ledger.oldest()) {
      end(live, nowMillis);
      out.add(new LeaseExpired(live.holder(), live.lease()));
    }
    dispatch(out, nowMillis);
    for (@Nullable Waiting due = queue.nearest();
        due != null && due.deadlineMillis <= nowMillis;
        due = queue.nearest()) {
      leave(due);
      out.add(timedOut(due.admit, due.deadlineMillis - due.arrivedMillis));
    }
    refuseHopeless(out, nowMillis);
    return out;
  }

  /** Whether anything waits or lives, so that time matters. */
  boolean busy() {
    return queue.size() > 0 || ledger.size() > 0;
  }

  int waiting(Priority priority) {
    return queue.of(priority).size() + gathering.held(priority);
  }

  /** When a request has waited long enough for company; {@link Long#MAX_VALUE} when none does. */
  long companyDueMillis() {
    return gathering.dueMillis();
  }

  int live() {
    return ledger.size();
  }

  /**
   * The live grant of a request, by the id that its client knows; of one that shares a call, that
   * of the call. O(n).
   */
  Optional<Live> liveByCaller(String callerId) {
    return Optional.ofNullable(ledger.findByCaller(callerId))
        .or(
            () ->
                gathering
                    .find(callerId)
                    .flatMap(
                        along ->
                            Optional.ofNullable(ledger.find(along.slot()))
                                .map(live -> live.of(along))));
  }

  /** What waits; to be read only. */
  FairQueue queue() {
    return queue;
  }

  /** The receipts of its choices; to be read only. */
  DecisionLog decisions() {
    return decisions;
  }

  /** How long what waits, and what might, will do so. */
  Outlook outlook() {
    return outlook;
  }

  private void letTimePass(long nowMillis) {
    if (roster.advance(nowMillis)) {
      queue.review(roster, nowMillis);
    }
  }

  /** Whether it has been accepted before, and is tried again. */
  private boolean wasHere(Admit admit) {
    return admit.attempt() > 1
        && admit.excluded().stream().anyMatch(id -> roster.find(id).isPresent());
  }

  private void place(Admit admit, List<AdmissionDecision> out, long nowMillis) {
    if (retired) {
      out.add(Refusals.retired(admit));
      return;
    }
    if (draining && !held && !wasHere(admit)) {
      out.add(Refusals.drained(admit));
      return;
    }
    int needs = CapabilityMask.of(admit.needs());
    Reach reach = roster.reach(needs, admit.excluded());
    if (reach == Reach.NONE) {
      out.add(Refusals.noReplica(admit, pool, roster));
      return;
    }
    boolean gathers = false;
    if (!held) {
      roster.candidates(needs, admit.excluded(), candidates);
      gathers = gathering.keepsWaiting(admit, candidates);
      if (!candidates.isEmpty() && !gathers) {
        grant(admit, queue.pass(admit), nowMillis, out, nowMillis);
        return;
      }
    }
    long maxWaitMillis =
        Math.min(admit.waitMillis(), pool.queue().waitOf(admit.priority()).toMillis());
    if (maxWaitMillis <= 0) {
      out.add(timedOut(admit, 0));
      return;
    }
    long pausedMillis = roster.pausedMillis(needs, admit.excluded());
    if (!held && reach == Reach.SERVED && pausedMillis > maxWaitMillis) {
      out.add(Refusals.paused(admit, pausedMillis));
      return;
    }
    @Nullable AdmissionDecision full = full(admit, reach, maxWaitMillis, out, nowMillis);
    if (full != null) {
      out.add(full);
      return;
    }
    Waiting entry = queue.enter(admit, maxWaitMillis, nowMillis);
    gathering.add(entry, gathers);
    if (gathers) {
      dispatch(out, nowMillis); // it may have made a batch full
    } else {
      queue.lineUp(entry, reach);
    }
  }

  /**
   * Why the request may not queue; null when it may. Retries may pass the bound of their class by
   * as many as the pool has slots: they had one, and turning them away for newcomers wastes their
   * work. In a full queue those who crowd it make room for others ({@link Crowd}).
   */
  private @Nullable AdmissionDecision full(
      Admit admit, Reach reach, long maxWaitMillis, List<AdmissionDecision> out, long nowMillis) {
    int slots = roster.slots();
    int size = waiting(admit.priority());
    int sizeMax = pool.queue().maxRequests() + (admit.attempt() > 1 ? slots : 0);
    Crowd crowd = queue.crowd();
    @Nullable Waiting placeOf = size < sizeMax ? null : crowd.placeFor(admit);
    long lacking = lacking(admit) - (placeOf == null ? 0 : placeOf.admit.bodyBytes());
    String why = "";
    if (size >= sizeMax && placeOf == null) {
      why = size + " requests of class " + admit.priority() + " wait (at most " + sizeMax + ")";
    } else if (lacking > 0
        && !crowd.makesRoom(
            admit, pool.queue().maxBytes() - queue.bytesAbove(admit.priority()), lacking(admit))) {
      why = queue.bytes() + " bytes wait (at most " + pool.queue().maxBytes() + ")";
    }
    if (!why.isEmpty()) {
      return Refusals.queueFull(admit, why, outlook.wait(admit.priority(), size / 10.0, slots));
    }
    long predicted =
        held || reach != Reach.SERVED ? -1 : outlook.ofNew(admit, nowMillis + maxWaitMillis, slots);
    if (predicted <= maxWaitMillis) {
      makeRoom(admit, placeOf, out);
      return null;
    }
    why =
        "the predicted wait is "
            + predicted
            + " ms (the request may wait "
            + maxWaitMillis
            + " ms)";
    return Refusals.queueFull(
        admit, why, outlook.untilInTime(admit, predicted, maxWaitMillis, nowMillis));
  }

  /** Bytes that must go before a newcomer may wait; none when not over 0. */
  private long lacking(Admit newcomer) {
    return queue.bytes() + newcomer.bodyBytes() - pool.queue().maxBytes();
  }

  private void makeRoom(Admit newcomer, @Nullable Waiting placeOf, List<AdmissionDecision> out) {
    if (placeOf != null) {
      int size = waiting(newcomer.priority());
      pushOut(placeOf, size + " requests of class " + newcomer.priority(), out);
    }
    while (lacking(newcomer) > 0) {
      @Nullable Waiting next = queue.crowd().mostBytes(newcomer.priority());
      if (next == null) {
        throw new IllegalStateException(
            "request " + newcomer.id() + ": nobody makes room (expected: as was found before)");
      }
      pushOut(next, queue.bytes() + " bytes", out);
    }
  }

  private void pushOut(Waiting entry, String waiting, List<AdmissionDecision> out) {
    Admit admit = entry.admit;
    int size = waiting(admit.priority());
    leave(entry);
    out.add(
        Refusals.queueFull(
            admit,
            waiting
                + " wait, of which tenant '"
                + admit.tenant()
                + "' has more than its share; this one, its newest, made room for another's",
            outlook.wait(admit.priority(), size / 10.0, roster.slots())));
  }

  private AdmissionDecision timedOut(Admit admit, long waitedMillis) {
    int waiting = queue.of(admit.priority()).size();
    long again = outlook.wait(admit.priority(), waiting, roster.slots());
    return Refusals.timedOut(admit, waitedMillis, again);
  }

  private List<AdmissionDecision> dispatch(List<AdmissionDecision> out, long nowMillis) {
    queueUp(gathering.ripe(nowMillis));
    while (!held && roster.open() > 0 && queue.size() > 0) {
      @Nullable Waiting next = queue.next(nowMillis);
      if (next == null && queueUp(gathering.forIdle(roster))) {
        next = queue.next(nowMillis);
      }
      if (next == null) {
        break;
      }
      Admit admit = next.admit;
      gathering.remove(next);
      Charge charge = queue.grant(next, nowMillis);
      roster.candidates(CapabilityMask.of(admit.needs()), admit.excluded(), candidates);
      grant(admit, charge, next.arrivedMillis, out, nowMillis);
    }
    return out;
  }

  /** Requests that wait for company no more wait for their turn. */
  private boolean queueUp(List<Waiting> ripe) {
    for (Waiting each : ripe) {
      int needs = CapabilityMask.of(each.admit.needs());
      queue.lineUp(each, roster.reach(needs, each.admit.excluded()));
    }
    return !ripe.isEmpty();
  }

  /** Grants to one of {@link #candidates}. */
  private void grant(
      Admit admit, Charge charge, long arrivedMillis, List<AdmissionDecision> out, long nowMillis) {
    gathering.preferIdle(admit, candidates);
    boolean joint = arrivedMillis < nowMillis && isPlacedJointly(admit);
    if (joint) {
      bursts.follow(admit.affinity(), candidates, nowMillis);
    }
    Replica replica = strategy.pick(candidates, roster, admit, nowMillis);
    List<Waiting> company = gathering.company(admit);
    if (decisions.samples(nowMillis)) {
      Explanation why = strategy.explain(candidates, roster, admit, nowMillis);
      decisions.add(
          why.decision(known(admit), ordinals + 1, pool.routingStrategy(), replica)
              .appraised(admit.appraisal()),
          company.stream().map(each -> known(each.admit)).collect(toSet()),
          nowMillis);
    }
    if (joint) {
      bursts.placed(admit.affinity(), replica, nowMillis);
    }
    List<Charge> charges = new ArrayList<>();
    for (Waiting each : company) {
      gathering.remove(each);
      charges.add(queue.grant(each, nowMillis));
    }
    Grant grant =
        new Grant(
            company.isEmpty()
                ? admit.id()
                : gathering.begin(admit, company, charges, epoch, ordinals),
            pool.name(),
            epoch,
            replica.id(),
            replica.spec().url(),
            nowMillis - arrivedMillis,
            replica.continuesMessages,
            isRoomy(admit, replica));
    roster.take(replica.id(), ++ordinals);
    hold(
        new Live(
            admit.replyTo(),
            admit.callerId(),
            admit.priority(),
            company.isEmpty() ? admit.attempt() : ATTEMPT_UNKNOWN,
            grant,
            charge,
            strategy.granted(replica, admit, nowMillis),
            ordinals,
            nowMillis,
            nowMillis + LEASE_MILLIS));
    gathering.tell(admit, company, grant, out, nowMillis);
  }

  /**
   * Whether no slot is missed that comes back a little late, before this grant is taken in. Those
   * that gather wait for a replica that is idle, however many slots are free.
   */
  private boolean isRoomy(Admit admit, Replica replica) {
    return 2 * (ledger.size() + 1) <= roster.slots()
        && 2 * (replica.live() + 1) <= replica.limit()
        && admit.company().isEmpty()
        && gathering.isEmpty();
  }

  /** The id that its client knows. */
  private static RequestId known(Admit admit) {
    return new RequestId(admit.callerId().isBlank() ? admit.id().value() : admit.callerId());
  }

  /**
   * Whether those of its session that wait with it are to go where it goes: to engines that batch
   * by themselves, unless the pool's strategy has its own view of what belongs together or apart,
   * and while more wait than slots are free.
   */
  private boolean isPlacedJointly(Admit admit) {
    return pool.routingStrategy() == RoutingStrategy.LEAST_LOADED
        && queue.size() >= roster.slots() - ledger.size()
        && admit.company().isEmpty()
        && switch (pool.engine()) {
          case VLLM, SGLANG, TGI, TENSORRT_LLM -> true;
          case LLAMA_CPP, OPENAI -> false;
        };
  }

  private void adopt(
      Station holder, List<Lease> leases, List<AdmissionDecision> out, long nowMillis) {
    for (Lease lease : leases) {
      Live live = ledger.find(lease.id());
      if (live != null && live.grant().replica().equals(lease.replica())) {
        ledger.remove(lease.id());
        ledger.add(live.renewed(holder, nowMillis + LEASE_MILLIS));
        continue;
      }
      if (live != null) {
        end(live, nowMillis); // the holder knows best where its request runs
      }
      withdraw(lease.id());
      if (ledger.size() >= ledgerMax) {
        out.add(new AdmissionDecision.LeaseNotAdopted(holder, lease));
        continue;
      }
      roster.take(lease.replica(), ++ordinals);
      Grant grant =
          new Grant(
              lease.id(), pool.name(), epoch, lease.replica(), "", 0, Optional.empty(), false);
      hold(
          new Live(
              holder,
              "",
              Priority.DEFAULT,
              ATTEMPT_UNKNOWN,
              grant,
              null,
              null,
              ordinals,
              nowMillis,
              nowMillis + LEASE_MILLIS));
    }
  }

  private void dropUnlisted(Renew renew, List<AdmissionDecision> out, long nowMillis) {
    Set<RequestId> listed = new HashSet<>(renew.waiting());
    renew.leases().forEach(lease -> listed.add(lease.id()));
    for (Live live : ledger.of(renew.holder())) {
      boolean settled = nowMillis - live.sinceMillis() > CROSSING_MILLIS;
      if (settled && !listed.contains(live.id())) {
        end(live, nowMillis);
        out.add(new LeaseDropped(live.holder(), live.lease()));
      }
    }
  }

  private Granted again(Station to, Live live) {
    Grant told = live.grant();
    Grant grant =
        new Grant(
            told.id(),
            told.pool(),
            epoch,
            told.replica(),
            told.url(),
            told.queuedMillis(),
            told.continuesMessages(),
            told.roomy());
    ledger.tellAnew(live, grant);
    Charge charge = live.charge();
    TenantId tenant = charge == null ? TenantId.ANONYMOUS : charge.account().tenant;
    return new Granted(to, tenant, live.priority(), grant, true);
  }

  private void hold(Live live) {
    forecast.advance(ledger.size(), live.sinceMillis());
    ledger.add(live);
  }

  /** Its end is known by other ways than its release: what was charged stays. */
  private void end(Live live, long nowMillis) {
    learn(live, null, nowMillis);
    free(live, 0, nowMillis);
    Charge charge = live.charge();
    if (charge != null) {
      charge.by().settle(charge, charge.tokens());
    }
  }

  /** One of another strategy's, before the pool was defined anew, teaches nobody. */
  private void learn(Live live, @Nullable Release release, long nowMillis) {
    Errand errand = live.errand();
    boolean own = errand != null && errand.by == strategy;
    if (release != null) {
      caches.add(own ? errand : null, release.usage());
      roster
          .find(release.replica())
          .ifPresent(
              replica -> {
                replica.caches.add(own ? errand : null, release.usage());
                replica.engineCache().ended(release.usage(), live.sinceMillis(), nowMillis);
              });
    }
    if (errand != null && own) {
      strategy.ended(errand, roster, release, nowMillis);
    }
  }

  /** What engines found in their prefix caches, of all replicas. */
  CacheTally caches() {
    return caches;
  }

  /**
   * @param ended requests of which it is known how long they ran
   */
  private void free(Live live, int ended, long nowMillis) {
    forecast.advance(ledger.size(), nowMillis);
    if (ended == 0) {
      forecast.lost(nowMillis - live.sinceMillis());
    }
    for (int i = 0; i < ended; i++) {
      forecast.ended(nowMillis);
    }
    ledger.remove(live.id());
    gathering.ended(live.id());
    roster.giveBack(live.grant().replica(), live.ordinal());
  }

  /** It waits no more, wherever it did, and gets nothing. */
  private void leave(Waiting entry) {
    gathering.remove(entry);
    queue.remove(entry);
  }

  private void refuseHopeless(List<AdmissionDecision> out, long nowMillis) {
    for (Waiting each : queue.hopeless(REPLICA_GRACE_MILLIS, nowMillis)) {
      leave(each);
      out.add(Refusals.noReplica(each.admit, pool, roster));
    }
  }
}
