package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.LeaseDropped;
import io.penstock.batcher.AdmissionDecision.LeaseExpired;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.AdmissionDecision.ReleaseIgnored;
import io.penstock.batcher.AdmissionDecision.Renewed;
import io.penstock.batcher.Ledger.Live;
import io.penstock.fault.Fault;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
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
 * <p>A replica is chosen when a slot is free, not when the request arrives. Classes are served in
 * strict order; within a class retries go first, then the order of arrival. All calls cost O(log n)
 * in the queue's length or less.
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

  /** How long a request waits for a replica that is starting or not yet heard of. */
  static final long REPLICA_GRACE_MILLIS = 2_000;

  /** Most live grants of a pool; those of others are not adopted beyond it. */
  static final int LEDGER_MAX = 100_000;

  private static final long RETRY_AFTER_MIN_MILLIS = 1_000;
  private static final long RETRY_AFTER_MAX_MILLIS = 60_000;
  private static final long RETRIES_FIRST = 1L << 62;

  /** Attempt of a lease that was adopted: lower than that of any Admit. */
  private static final int ATTEMPT_UNKNOWN = 0;

  private Pool pool;
  private final Roster roster;
  private Strategy strategy;
  private final int ledgerMax;
  private final Map<Priority, ClassQueue> queues = new EnumMap<>(Priority.class);
  private final Map<RequestId, Waiting> waiting = new HashMap<>();
  private final TreeSet<Waiting> deadlines = new TreeSet<>(Waiting.BY_DEADLINE);

  private final Gathering gathering;
  private final Ledger ledger = new Ledger();
  private final WaitForecast forecast = new WaitForecast();
  private final List<Replica> candidates = new ArrayList<>();
  private long epoch;
  private boolean held = true;
  private boolean draining;
  private boolean retired;
  private long arrivals;
  private long grants;
  private long waitingBytes;

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
    this.gathering = new Gathering(pool.batching());
    for (Priority each : Priority.values()) {
      queues.put(each, new ClassQueue());
    }
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
    for (Waiting each : List.copyOf(waiting.values())) {
      leave(each);
      out.add(retired(each.admit));
    }
    return out;
  }

  /** A request asks for a slot. */
  List<AdmissionDecision> offer(Admit admit, long nowMillis) {
    Live live = ledger.find(admit.id());
    if (live != null && admit.attempt() <= live.attempt()) {
      return List.of(again(admit.replyTo(), live));
    }
    Waiting known = waiting.get(admit.id());
    if (known != null && admit.attempt() <= known.admit.attempt()) {
      return List.of();
    }
    List<AdmissionDecision> out = new ArrayList<>(2);
    if (known != null) {
      leave(known);
    }
    if (live != null) {
      end(live);
    }
    if (live != null) {
      dispatch(out, nowMillis);
    }
    if (waiting.isEmpty()) {
      letTimePass(nowMillis); // else the next tick does, and serves who waits in order
    }
    place(admit, out, nowMillis);
    return out;
  }

  /** The client of a waiting request has left. A grant that it has is for its holder to release. */
  void withdraw(RequestId id) {
    Waiting known = waiting.get(id);
    if (known != null) {
      leave(known);
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
      review(nowMillis);
    }
    int lanes = gathering.lanesOf(live.id());
    end(live);
    if (live.attempt() != ATTEMPT_UNKNOWN || lanes > 0) {
      forecast.ended((nowMillis - live.sinceMillis()) / Math.max(1, lanes));
    }
    return dispatch(new ArrayList<>(2), nowMillis);
  }

  /** A grant that could not be told: its slot is free again. */
  List<AdmissionDecision> undelivered(Grant grant, long nowMillis) {
    Live live = ledger.find(grant.id());
    if (live == null || !live.grant().equals(grant)) {
      return List.of();
    }
    end(live);
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
        if (!waiting.containsKey(id)) {
          unknown.add(id);
        }
      } else if (live.attempt() == ATTEMPT_UNKNOWN) {
        end(live);
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
        end(live);
      } else {
        out.add(again(holder, live));
      }
    }
    return dispatch(out, nowMillis);
  }

  /** Nodes have left the cluster, and what they held and waited for with them. */
  List<AdmissionDecision> departed(Set<NodeId> nodes, long nowMillis) {
    for (Waiting each : List.copyOf(waiting.values())) {
      if (nodes.contains(each.admit.replyTo().node())) {
        leave(each);
      }
    }
    ledger.of(nodes).forEach(this::end);
    return dispatch(new ArrayList<>(), nowMillis);
  }

  /** A replica of the roster came, went or changed. */
  List<AdmissionDecision> rosterChanged(long nowMillis) {
    List<AdmissionDecision> out = new ArrayList<>();
    letTimePass(nowMillis);
    review(nowMillis);
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
      end(live);
      out.add(new LeaseExpired(live.holder(), live.lease()));
    }
    dispatch(out, nowMillis);
    while (!deadlines.isEmpty() && deadlines.first().deadlineMillis <= nowMillis) {
      Waiting due = deadlines.first();
      leave(due);
      out.add(timedOut(due.admit, due.deadlineMillis - due.arrivedMillis));
    }
    refuseHopeless(out, nowMillis);
    return out;
  }

  /** Whether anything waits or lives, so that time matters. */
  boolean busy() {
    return !waiting.isEmpty() || ledger.size() > 0;
  }

  int waiting(Priority priority) {
    return queue(priority).size() + gathering.held(priority);
  }

  /** When a request has waited long enough for company; {@link Long#MAX_VALUE} when none does. */
  long companyDueMillis() {
    return gathering.dueMillis();
  }

  int live() {
    return ledger.size();
  }

  private void letTimePass(long nowMillis) {
    if (roster.advance(nowMillis)) {
      review(nowMillis);
    }
  }

  /** Looks again at what the waiting may hope for. */
  private void review(long nowMillis) {
    for (ClassQueue queue : queues.values()) {
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
      out.add(retired(admit));
      return;
    }
    if (draining && !held && !wasHere(admit)) {
      out.add(drained(admit));
      return;
    }
    int needs = CapabilityMask.of(admit.needs());
    Reach reach = roster.reach(needs, admit.excluded());
    if (reach == Reach.NONE) {
      out.add(noReplica(admit));
      return;
    }
    boolean gathers = false;
    if (!held) {
      roster.candidates(needs, admit.excluded(), candidates);
      gathers = gathering.keepsWaiting(admit, candidates);
      if (!candidates.isEmpty() && !gathers) {
        grant(admit, nowMillis, out, nowMillis);
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
      out.add(paused(admit, pausedMillis));
      return;
    }
    boolean retry = admit.attempt() > 1;
    @Nullable AdmissionDecision full = full(admit, retry, reach, maxWaitMillis);
    if (full != null) {
      out.add(full);
      return;
    }
    long rank = arrivals++ - (retry ? RETRIES_FIRST : 0);
    Waiting entry = new Waiting(admit, nowMillis, nowMillis + maxWaitMillis, rank);
    gathering.add(entry, gathers);
    if (!gathers) {
      queue(admit.priority()).add(entry, new Line.Key(retry, needs, admit.excluded()), reach);
    }
    waiting.put(admit.id(), entry);
    deadlines.add(entry);
    waitingBytes += admit.bodyBytes();
    if (gathers) {
      dispatch(out, nowMillis); // it may have made a batch full
    }
  }

  /**
   * Why the request may not queue; null when it may. Retries may pass the bound of their class by
   * as many as the pool has slots: they had one, and turning them away for newcomers wastes their
   * work.
   */
  private @Nullable AdmissionDecision full(
      Admit admit, boolean retry, Reach reach, long maxWaitMillis) {
    int size = waiting(admit.priority());
    int sizeMax = pool.queue().maxRequests() + (retry ? roster.slots() : 0);
    int ahead = ahead(admit.priority(), retry);
    if (size >= sizeMax) {
      return queueFull(
          admit,
          size + " requests of class " + admit.priority() + " wait (at most " + sizeMax + ")",
          forecast.waitMillis(size / 10, roster.slots()));
    }
    if (waitingBytes + admit.bodyBytes() > pool.queue().maxBytes()) {
      return queueFull(
          admit,
          waitingBytes + " bytes wait (at most " + pool.queue().maxBytes() + ")",
          forecast.waitMillis(waiting.size() / 10, roster.slots()));
    }
    if (!held && reach == Reach.SERVED) {
      long predicted = forecast.waitMillis(ahead, roster.slots());
      if (predicted > maxWaitMillis) {
        return queueFull(
            admit,
            "the predicted wait is "
                + predicted
                + " ms (the request may wait "
                + maxWaitMillis
                + " ms)",
            predicted - maxWaitMillis);
      }
    }
    return null;
  }

  private int ahead(Priority priority, boolean retry) {
    int ahead = 0;
    for (Priority each : Priority.values()) {
      if (each.compareTo(priority) < 0 || (each == priority && !retry)) {
        ahead += waiting(each);
      }
    }
    return ahead;
  }

  private List<AdmissionDecision> dispatch(List<AdmissionDecision> out, long nowMillis) {
    queueUp(gathering.ripe(nowMillis));
    while (!held && roster.open() > 0 && !waiting.isEmpty()) {
      @Nullable Waiting next = nextServable();
      if (next == null && queueUp(gathering.forIdle(roster))) {
        next = nextServable();
      }
      if (next == null) {
        break;
      }
      Admit admit = next.admit;
      leave(next);
      roster.candidates(CapabilityMask.of(admit.needs()), admit.excluded(), candidates);
      grant(admit, next.arrivedMillis, out, nowMillis);
    }
    return out;
  }

  /** Requests that wait for company no more wait for their turn. */
  private boolean queueUp(List<Waiting> ripe) {
    for (Waiting each : ripe) {
      int needs = CapabilityMask.of(each.admit.needs());
      Set<ReplicaId> excluded = each.admit.excluded();
      queue(each.admit.priority())
          .add(
              each,
              new Line.Key(each.admit.attempt() > 1, needs, excluded),
              roster.reach(needs, excluded));
    }
    return !ripe.isEmpty();
  }

  private @Nullable Waiting nextServable() {
    for (ClassQueue each : queues.values()) {
      @Nullable Waiting first = each.size() == 0 ? null : each.firstServable(roster);
      if (first != null) {
        return first;
      }
    }
    return null;
  }

  /** Grants to one of {@link #candidates}. */
  private void grant(Admit admit, long arrivedMillis, List<AdmissionDecision> out, long nowMillis) {
    gathering.preferIdle(admit, candidates);
    Replica replica = strategy.pick(candidates, roster, admit.affinity());
    List<Waiting> company = gathering.company(admit);
    company.forEach(this::leave);
    Grant grant =
        new Grant(
            company.isEmpty() ? admit.id() : gathering.begin(admit, company, epoch, grants),
            pool.name(),
            epoch,
            replica.id(),
            replica.spec().url(),
            nowMillis - arrivedMillis,
            replica.continuesMessages);
    roster.take(replica.id(), ++grants);
    ledger.add(
        new Live(
            admit.replyTo(),
            admit.priority(),
            company.isEmpty() ? admit.attempt() : ATTEMPT_UNKNOWN,
            grant,
            grants,
            nowMillis,
            nowMillis + LEASE_MILLIS));
    gathering.tell(admit, company, grant, out, nowMillis);
  }

  private void adopt(
      Station holder, List<Lease> leases, List<AdmissionDecision> out, long nowMillis) {
    for (Lease lease : leases) {
      Live live = ledger.remove(lease.id());
      if (live != null && live.grant().replica().equals(lease.replica())) {
        ledger.add(live.renewed(holder, nowMillis + LEASE_MILLIS));
        continue;
      }
      if (live != null) {
        // The holder knows best where its request runs.
        roster.giveBack(live.grant().replica(), live.ordinal());
      }
      Waiting known = waiting.get(lease.id());
      if (known != null) {
        leave(known);
      }
      if (ledger.size() >= ledgerMax) {
        out.add(new AdmissionDecision.LeaseNotAdopted(holder, lease));
        continue;
      }
      roster.take(lease.replica(), ++grants);
      Grant grant =
          new Grant(lease.id(), pool.name(), epoch, lease.replica(), "", 0, Optional.empty());
      ledger.add(
          new Live(
              holder,
              Priority.DEFAULT,
              ATTEMPT_UNKNOWN,
              grant,
              grants,
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
        end(live);
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
            told.continuesMessages());
    ledger.tellAnew(live, grant);
    return new Granted(to, live.priority(), grant, true);
  }

  private void end(Live live) {
    ledger.remove(live.id());
    gathering.ended(live.id());
    roster.giveBack(live.grant().replica(), live.ordinal());
  }

  private void leave(Waiting entry) {
    if (!gathering.remove(entry)) {
      queue(entry.admit.priority()).remove(entry);
    }
    waiting.remove(entry.admit.id());
    deadlines.remove(entry);
    waitingBytes -= entry.admit.bodyBytes();
  }

  private void refuseHopeless(List<AdmissionDecision> out, long nowMillis) {
    for (ClassQueue queue : queues.values()) {
      for (Waiting each : queue.hopeless(REPLICA_GRACE_MILLIS, nowMillis)) {
        leave(each);
        out.add(noReplica(each.admit));
      }
    }
  }

  private AdmissionDecision noReplica(Admit admit) {
    if (!roster.share().isWhole() && roster.isShareNothing()) {
      return noShare(admit);
    }
    if (roster.allDrain()) {
      return refused(
          admit,
          Fault.DRAINING,
          "All replicas of pool '" + pool.name() + "' are being drained.",
          RETRY_AFTER_MIN_MILLIS);
    }
    String tried =
        admit.excluded().isEmpty() ? "" : " beyond the " + admit.excluded().size() + " tried";
    String detail =
        "Pool '" + pool.name() + "' has no healthy replica for this request" + tried + ".";
    return refused(
        admit, Fault.NO_REPLICA, detail, pool.health().recoveryProbeInterval().toMillis());
  }

  private AdmissionDecision noShare(Admit admit) {
    LimitShare share = roster.share();
    return refused(
        admit,
        Fault.NO_REPLICA,
        "The cluster is split: "
            + share.present()
            + " of "
            + share.expected()
            + " nodes are on this side, whose share of pool '"
            + pool.name()
            + "' is no slot at all. The other side may serve the request.",
        RETRY_AFTER_MIN_MILLIS);
  }

  private AdmissionDecision paused(Admit admit, long pausedMillis) {
    return refused(
        admit,
        Fault.QUEUE_FULL,
        "All replicas of pool '"
            + pool.name()
            + "' that could serve this request have asked to be left alone for another "
            + pausedMillis
            + " ms, which is longer than it may wait.",
        bounded(pausedMillis));
  }

  private AdmissionDecision drained(Admit admit) {
    return refused(
        admit,
        Fault.DRAINING,
        "Pool '"
            + pool.name()
            + "' is being drained and takes no new requests; no other pool could serve this one.",
        RETRY_AFTER_MIN_MILLIS);
  }

  private AdmissionDecision retired(Admit admit) {
    return refused(
        admit,
        Fault.UNKNOWN_POOL,
        "Pool '" + pool.name() + "' has been taken out of the configuration.",
        RETRY_AFTER_MIN_MILLIS);
  }

  private AdmissionDecision queueFull(Admit admit, String why, long retryAfterMillis) {
    return refused(
        admit,
        Fault.QUEUE_FULL,
        "The queue of pool '" + pool.name() + "' is full: " + why + ".",
        bounded(retryAfterMillis));
  }

  private AdmissionDecision timedOut(Admit admit, long waitedMillis) {
    return refused(
        admit,
        Fault.QUEUE_TIMEOUT,
        "Pool '" + pool.name() + "' had no free slot within " + waitedMillis + " ms.",
        bounded(forecast.waitMillis(ahead(admit.priority(), false), roster.slots())));
  }

  private static long bounded(long retryAfterMillis) {
    return Math.max(RETRY_AFTER_MIN_MILLIS, Math.min(RETRY_AFTER_MAX_MILLIS, retryAfterMillis));
  }

  private static AdmissionDecision refused(
      Admit admit, Fault fault, String detail, long retryAfterMillis) {
    return new Refused(
        admit.replyTo(),
        new Refusal(admit.id(), Optional.of(admit.pool()), fault, detail, "", retryAfterMillis));
  }

  private ClassQueue queue(Priority priority) {
    return Objects.requireNonNull(queues.get(priority));
  }
}
