package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.AlarmChanged;
import io.penstock.batcher.AdmissionDecision.CensusRepeated;
import io.penstock.batcher.AdmissionDecision.CensusTaken;
import io.penstock.batcher.AdmissionDecision.Disowned;
import io.penstock.bus.DrainState;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.Role;
import io.penstock.measure.Rendezvous;
import io.penstock.message.Admit;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.NotOwner;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node's part in the ownership of one pool. Pure, as {@link Admission} is, which it holds while
 * the node owns the pool.
 *
 * <p>Who owns follows from the view of the cluster; there is no election. A new owner does not know
 * what the one before has granted, and may not see it die. So it takes an epoch above all that it
 * has heard of, asks every ingress loop what it holds ({@link Census}), and grants nothing until
 * all have answered or the time for the census is over; who is silent is asked again every {@link
 * #REPEAT_MILLIS}, since a question or its answer may be lost. Requests may queue meanwhile. From
 * the census on the holders refuse grants of lower epochs, so an owner that has not noticed yet can
 * do no harm. A lease that the census missed is adopted when its holder renews it.
 *
 * <p>While nodes are missing that may be working where this one can't see it, the pool uses this
 * side's share of its limits ({@link View#share}). When they are back, what they still run counts
 * before more of the limits is used: the pool is counted again. The dead run nothing: their part is
 * used without a count. What they run while they are away, and ran already when they were lost, is
 * on their side's account.
 *
 * <p>A new owner's queue is fair over what this owner has seen: what tenants were given by the one
 * before is charged to nobody, and all counters start anew.
 *
 * <p>An owner that hears of an epoch above its own has been taken for dead by some, or came after
 * one that is not: it takes a higher one and counts again. Where two believe to be the owner they
 * outbid each other no faster than every {@link #ANNOUNCE_GAP_MILLIS}, until their views agree.
 */
final class PoolOwner {
  /** Least time between two announcements of an epoch. */
  static final long ANNOUNCE_GAP_MILLIS = 100;

  /** How long an ingress loop may be silent before the census asks it again. */
  static final long REPEAT_MILLIS = 200;

  /** Time that a new owner gives the probers to speak before it finds replicas missing. */
  static final long ALARM_GRACE_MILLIS = 5_000;

  private static final Logger LOG = LoggerFactory.getLogger(PoolOwner.class);

  /** Where this node stands. */
  enum Tenure {
    /** Another node owns the pool, or none does. */
    AWAY,
    /** Owner, asking what is held; requests queue, nothing is granted. */
    CENSUS,
    /** Owner, granting. */
    SERVING
  }

  private Pool pool;
  private final NodeId self;
  private final long censusMillis;
  private final Function<Pool, Strategy> strategies;
  private final Roster roster;

  private Tenure tenure = Tenure.AWAY;
  private DrainState drains = DrainState.NONE;
  private long drainedStructure;
  private @Nullable Admission admission;
  private View view = new View(List.of());
  private long epoch;
  private long highestSeen;
  private long censusEndMillis;
  private long nextAnnounceMillis = Long.MIN_VALUE;
  private boolean announceDue;
  private long repeatAtMillis;
  private long alarmFromMillis;
  private boolean belowMin;
  private boolean retired;

  private Set<Station> asked = Set.of();
  private final Set<Station> answered = new HashSet<>();

  /**
   * @param censusMillis longest wait for the ingress loops' answers
   * @param random uniform in [0, 1)
   */
  PoolOwner(Pool pool, NodeId self, long censusMillis, DoubleSupplier random) {
    this(
        pool,
        self,
        of -> Strategy.of(of.routingStrategy(), of.prefixIndexBytes(), random),
        censusMillis);
  }

  /**
   * @param strategies makes the one of a pool
   * @param censusMillis longest wait for the ingress loops' answers
   */
  PoolOwner(Pool pool, NodeId self, Function<Pool, Strategy> strategies, long censusMillis) {
    this.pool = pool;
    this.self = self;
    this.censusMillis = censusMillis;
    this.strategies = strategies;
    this.roster = new Roster(pool, true);
  }

  Tenure tenure() {
    return tenure;
  }

  long epoch() {
    return epoch;
  }

  Roster roster() {
    return roster;
  }

  Optional<Admission> admission() {
    return Optional.ofNullable(admission);
  }

  /** Whether time matters: {@link #tick} is to be called. */
  boolean busy() {
    return tenure == Tenure.CENSUS || (admission != null && admission.busy());
  }

  /**
   * Goes by another definition of the pool from now on, also of one that was {@link #retire}d.
   * Queue, ledger, epoch and what is held against replicas stay.
   */
  List<AdmissionDecision> redefine(Pool next, long nowMillis) {
    boolean sameStrategy =
        next.routingStrategy() == pool.routingStrategy()
            && next.prefixIndexBytes() == pool.prefixIndexBytes();
    retired = false;
    pool = next;
    roster.redefine(next, nowMillis);
    applyDrains();
    if (admission == null) {
      return List.of();
    }
    admission.redefine(next, sameStrategy ? admission.strategy() : strategy());
    return changed(nowMillis);
  }

  /**
   * The pool is not in the configuration any more: who waits or comes is refused, what lives is
   * kept account of to its end.
   */
  List<AdmissionDecision> retire(long nowMillis) {
    retired = true;
    return admission == null ? List.of() : told(admission.retire(), nowMillis);
  }

  /** Whether nothing of a pool is left that is not in the configuration any more. */
  boolean isOver() {
    return retired && !busy();
  }

  private Strategy strategy() {
    return strategies.apply(pool);
  }

  /**
   * The cluster has changed.
   *
   * @param epochSeed wall-clock milliseconds: a start above the epochs of owners that left no trace
   */
  List<AdmissionDecision> view(View next, long epochSeed, long nowMillis) {
    Set<NodeId> departed = new HashSet<>();
    view.nodes().forEach(node -> departed.add(node.id()));
    next.nodes().forEach(node -> departed.remove(node.id()));
    boolean reunited = next.reunions() != view.reunions();
    view = next;
    List<AdmissionDecision> out = new ArrayList<>();
    boolean changed = roster.advance(nowMillis);
    changed |= roster.probed(probes(next));
    changed |= roster.share(next.share());
    boolean mine = next.ownerOf(pool.name()).equals(Optional.of(self));
    if (!mine) {
      resign();
      return told(out, nowMillis);
    }
    if (admission == null) {
      epoch = Math.max(epochSeed, highestSeen + 1);
      highestSeen = epoch;
      admission = new Admission(pool, roster, strategy(), epoch);
      admission.draining(drains.pools().contains(pool.name()));
      enter(Tenure.CENSUS, nowMillis, "owner of the pool now");
      announce(out, nowMillis);
    } else {
      if (!departed.isEmpty()) {
        out.addAll(admission.departed(departed, nowMillis));
      }
      if (reunited) {
        countAgain(epoch + 1, out, nowMillis, "somebody is back who was missing");
      }
    }
    if (changed) {
      out.addAll(admission.rosterChanged(nowMillis));
    }
    if (tenure == Tenure.CENSUS) {
      if (!asked.containsAll(ingressLoops())) {
        announce(out, nowMillis);
      }
      finishWhenCounted(out, nowMillis);
    }
    return told(out, nowMillis);
  }

  /**
   * Which replicas a prober checks. Those of one that serves another fleet, while nodes are
   * reloaded one after another, it may not know of: they are tried instead of waited for.
   */
  private Predicate<ReplicaId> probes(View next) {
    List<NodeId> probers = next.with(Role.HEALTH_PROBER);
    Map<NodeId, String> fleets = new HashMap<>();
    next.nodes().forEach(node -> fleets.put(node.id(), node.fleetHash()));
    String own = fleets.getOrDefault(self, "");
    return id ->
        Rendezvous.pick(id.value(), probers, NodeId::value)
            .filter(prober -> own.equals(fleets.get(prober)))
            .isPresent();
  }

  /** How the pool stands. */
  Standing standing(long nowMillis) {
    if (!busy()) {
      roster.advance(nowMillis); // else the ticks do, and serve who waits
    }
    return Standing.of(roster, pool.failover().minHealthyReplicas(), belowMin);
  }

  /** Whether the pool has too few healthy replicas, by this owner's word. */
  boolean belowMin() {
    return belowMin;
  }

  private List<AdmissionDecision> changed(long nowMillis) {
    return admission == null
        ? told(new ArrayList<>(), nowMillis)
        : told(admission.rosterChanged(nowMillis), nowMillis);
  }

  /** Adds what has been found out about the replicas; who does not own the pool has no say. */
  private List<AdmissionDecision> told(List<AdmissionDecision> decisions, long nowMillis) {
    List<AdmissionDecision> news = roster.takeNews();
    boolean changed = tenure == Tenure.SERVING && takeInAlarm(nowMillis);
    if (admission == null || (news.isEmpty() && !changed)) {
      return decisions;
    }
    List<AdmissionDecision> all = new ArrayList<>(decisions);
    all.addAll(news);
    if (changed) {
      int min = pool.failover().minHealthyReplicas();
      all.add(new AlarmChanged(belowMin, roster.healthy(), min));
    }
    return all;
  }

  private boolean takeInAlarm(long nowMillis) {
    boolean before = belowMin;
    boolean below = roster.healthy() < pool.failover().minHealthyReplicas();
    belowMin = below && (before || nowMillis >= alarmFromMillis);
    return belowMin != before;
  }

  /** A request asks for a slot. */
  List<AdmissionDecision> admit(Admit admit, long nowMillis) {
    if (admission == null) {
      heard(admit.knownEpoch());
      return List.of(new Disowned(admit.replyTo(), new NotOwner(admit.id(), pool.name(), self)));
    }
    List<AdmissionDecision> out = new ArrayList<>(2);
    outbid(admit.knownEpoch(), out, nowMillis);
    out.addAll(admission.offer(admit, nowMillis));
    return told(out, nowMillis);
  }

  /** The client of a waiting request has left. */
  void withdraw(Withdraw withdraw) {
    if (admission != null) {
      admission.withdraw(withdraw.id());
    }
  }

  /** The first token of an answer is there. */
  void firstToken(FirstToken news, long nowMillis) {
    if (admission != null) {
      admission.firstToken(news, nowMillis);
    }
  }

  /** A holder gives its slot back. */
  List<AdmissionDecision> release(Release release, long nowMillis) {
    return admission == null ? List.of() : told(admission.release(release, nowMillis), nowMillis);
  }

  /** A grant could not be told to its holder. */
  List<AdmissionDecision> undelivered(Grant grant, long nowMillis) {
    return admission == null ? List.of() : told(admission.undelivered(grant, nowMillis), nowMillis);
  }

  /** A holder says what it holds and what it waits for. */
  List<AdmissionDecision> renew(Renew renew, long nowMillis) {
    List<AdmissionDecision> out = new ArrayList<>();
    if (admission == null) {
      heard(renew.epoch());
      renew
          .waiting()
          .forEach(
              id -> out.add(new Disowned(renew.holder(), new NotOwner(id, pool.name(), self))));
      return out;
    }
    outbid(renew.epoch(), out, nowMillis);
    out.addAll(admission.renew(renew, nowMillis));
    return out;
  }

  /** An ingress loop has answered the census. */
  List<AdmissionDecision> census(CensusAnswer answer, long nowMillis) {
    if (admission == null) {
      return List.of();
    }
    List<AdmissionDecision> out = new ArrayList<>();
    outbid(answer.highestEpoch(), out, nowMillis);
    out.addAll(admission.counted(answer.holder(), answer.leases(), nowMillis));
    if (tenure == Tenure.CENSUS && answer.epoch() == epoch) {
      answered.add(answer.holder());
      finishWhenCounted(out, nowMillis);
    }
    return out;
  }

  /** A prober's word on replicas of this pool. */
  List<AdmissionDecision> report(NodeId prober, List<ReplicaStatus> replicas, long nowMillis) {
    boolean changed = roster.advance(nowMillis);
    for (ReplicaStatus each : replicas) {
      changed |= roster.report(prober, each, nowMillis);
    }
    if (roster.structure() != drainedStructure) {
      changed |= applyDrains(); // a replica may be new, and drain already
    }
    return changed ? changed(nowMillis) : told(List.of(), nowMillis);
  }

  /** What drains in the cluster has changed. */
  List<AdmissionDecision> drains(DrainState next, long nowMillis) {
    drains = next;
    boolean changed = roster.advance(nowMillis);
    changed |= applyDrains();
    if (admission == null) {
      return List.of();
    }
    admission.draining(next.pools().contains(pool.name()));
    return changed ? changed(nowMillis) : told(List.of(), nowMillis);
  }

  private boolean applyDrains() {
    drainedStructure = roster.structure();
    boolean changed = false;
    for (Replica each : roster.all()) {
      changed |= roster.draining(each.id(), drains.replicas().contains(each.id()));
    }
    return changed;
  }

  /** Whether the pool takes no new requests. */
  boolean draining() {
    return drains.pools().contains(pool.name());
  }

  /** When a request has waited long enough for company; {@link Long#MAX_VALUE} when none does. */
  long companyDueMillis() {
    return admission == null ? Long.MAX_VALUE : admission.companyDueMillis();
  }

  /** Looks at what has run out. */
  List<AdmissionDecision> tick(long nowMillis) {
    if (admission == null) {
      return List.of();
    }
    List<AdmissionDecision> out = new ArrayList<>();
    if (tenure == Tenure.CENSUS) {
      if (announceDue) {
        announce(out, nowMillis);
      }
      finishWhenCounted(out, nowMillis);
      askTheSilentAgain(out, nowMillis);
    }
    out.addAll(admission.tick(nowMillis));
    return told(out, nowMillis);
  }

  private void resign() {
    if (admission != null) {
      admission = null;
      belowMin = false;
      roster.forgetGrants();
      enter(Tenure.AWAY, 0, "not the owner any more");
    }
  }

  private void heard(long otherEpoch) {
    highestSeen = Math.max(highestSeen, otherEpoch);
  }

  /** Takes a higher epoch and counts again when another owner's is above this one's. */
  private void outbid(long otherEpoch, List<AdmissionDecision> out, long nowMillis) {
    heard(otherEpoch);
    if (admission == null || otherEpoch <= epoch) {
      return;
    }
    countAgain(otherEpoch + 1, out, nowMillis, "an owner of epoch " + otherEpoch + " was there");
  }

  private void countAgain(long next, List<AdmissionDecision> out, long nowMillis, String why) {
    epoch = next;
    highestSeen = Math.max(highestSeen, epoch);
    Objects.requireNonNull(admission).hold(epoch);
    answered.clear();
    if (tenure == Tenure.SERVING) {
      enter(Tenure.CENSUS, nowMillis, why);
    }
    announce(out, nowMillis);
  }

  private void announce(List<AdmissionDecision> out, long nowMillis) {
    announceDue = nowMillis < nextAnnounceMillis;
    if (!announceDue) {
      nextAnnounceMillis = nowMillis + ANNOUNCE_GAP_MILLIS;
      repeatAtMillis = nowMillis + REPEAT_MILLIS;
      asked = ingressLoops();
      out.add(new CensusTaken(question()));
    }
  }

  private void askTheSilentAgain(List<AdmissionDecision> out, long nowMillis) {
    if (tenure != Tenure.CENSUS || announceDue || nowMillis < repeatAtMillis) {
      return;
    }
    repeatAtMillis = nowMillis + REPEAT_MILLIS;
    for (Station each : ingressLoops()) {
      if (!answered.contains(each)) {
        out.add(new CensusRepeated(each, question()));
      }
    }
  }

  private Census question() {
    return new Census(pool.name(), epoch, new Station(self, Room.BATCHER, 0));
  }

  private void finishWhenCounted(List<AdmissionDecision> out, long nowMillis) {
    if (admission == null || announceDue) {
      return;
    }
    boolean complete = answered.containsAll(ingressLoops());
    if (complete || nowMillis >= censusEndMillis) {
      enter(Tenure.SERVING, nowMillis, complete ? "all have answered" : "census is over");
      out.addAll(admission.open(nowMillis));
    }
  }

  private Set<Station> ingressLoops() {
    Set<Station> loops = new LinkedHashSet<>();
    for (View.Node node : view.nodes()) {
      if (node.roles().contains(Role.INGRESS)) {
        for (int lane = 0; lane < node.lanes(); lane++) {
          loops.add(new Station(node.id(), Room.INGRESS, lane));
        }
      }
    }
    return loops;
  }

  private void enter(Tenure next, long nowMillis, String why) {
    LOG.info("pool {}: {} -> {}, epoch {} ({})", pool.name(), tenure, next, epoch, why);
    tenure = next;
    if (next == Tenure.SERVING) {
      alarmFromMillis = nowMillis + ALARM_GRACE_MILLIS;
    }
    if (next == Tenure.CENSUS) {
      censusEndMillis = nowMillis + censusMillis;
      answered.clear();
    }
  }
}
