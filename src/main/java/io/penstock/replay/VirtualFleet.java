package io.penstock.replay;

import io.penstock.batcher.StandalonePool;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.load.Goodput;
import io.penstock.measure.Hash64;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.ReplicaStatus;
import io.penstock.sim.EngineCore;
import io.penstock.sim.Sequence;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One run: a workload against a fleet under a policy, event by event. Plays the ingress and the
 * probers for the pools' owners; the engines' answers are events of their own.
 *
 * <p>What a dead replica lost is asked for anew, up to {@link #ATTEMPTS_MAX} times in all, without
 * it, and goes on behind what its client has received. Probers see that a replica is dead or back
 * at their next report, every {@link #REPORT_NANOS}; until then whatever is sent to a dead one
 * fails at once.
 */
final class VirtualFleet implements Survey {
  static final int ATTEMPTS_MAX = 3;
  static final long REPORT_NANOS = 1_000_000_000L;

  private static final long MILLI = 1_000_000L;
  private static final long RENEW_NANOS = 5_000 * MILLI;
  private static final int KIND_SHIFT = 24;
  private static final int ARGUMENT = (1 << KIND_SHIFT) - 1;

  /** Kinds of events; the argument is a replica or a pool. */
  private static final int ENGINE = 0;

  private static final int TICK = 1;
  private static final int REPORT = 2;
  private static final int RENEW = 3;
  private final SimFleet fleet;
  private final Workload workload;
  private final Policy policy;
  private final double rate;
  private final Source source;
  private final Tally tally;
  private final Timeline timeline;
  private final long seed;
  private final List<VirtualReplica> replicas = new ArrayList<>();
  private final Map<ReplicaId, VirtualReplica> byId = new HashMap<>();
  private final List<StandalonePool> owners = new ArrayList<>();
  private final boolean[] ticking;
  private final double[] shares;
  private final EventHeap events = new EventHeap();
  private final Map<RequestId, Call> open = new HashMap<>();

  /**
   * Have got a slot of a replica that is dead; all that waits for it may, before probers see it.
   */
  private final Deque<Call> unreached = new ArrayDeque<>();

  private boolean reporting;
  private long now;

  VirtualFleet(
      SimFleet fleet,
      Workload workload,
      double rate,
      Policy policy,
      Goodput bounds,
      Duration warmup,
      long seed) {
    this.fleet = fleet;
    this.workload = workload;
    this.policy = policy;
    this.rate = rate;
    this.source = workload.source(rate);
    this.tally = new Tally(bounds, warmup.toNanos());
    this.seed = seed;
    this.timeline = new Timeline(fleet.size(), warmup.toNanos());
    this.ticking = new boolean[fleet.pools().size()];
    this.shares = new double[fleet.pools().size()];
    SplittableRandom random = new SplittableRandom(seed ^ Hash64.of(policy.name()));
    double share = 0;
    for (int pool = 0; pool < fleet.pools().size(); pool++) {
      SimFleet.OfPool each = fleet.pools().get(pool);
      for (SimFleet.OfReplica described : each.replicas()) {
        VirtualReplica replica =
            new VirtualReplica(replicas.size(), pool, described, workload.blockTokens());
        replicas.add(replica);
        byId.put(replica.id(), replica);
      }
      share += each.share();
      shares[pool] = share;
      owners.add(policy.owner(each.pool(), this, bounds, random, new Ingress()));
    }
  }

  /** Lets everything happen, until all requests have ended. */
  Result run() {
    int scripted = 0;
    owners.forEach(owner -> owner.open(0));
    report();
    while (true) {
      long arrival = source.nextNanos();
      if (arrival == Source.NEVER && open.isEmpty()) {
        return tally.result(policy.name(), rate, replicas, timeline);
      }
      long next = Math.min(arrival, events.nextNanos());
      if (scripted < fleet.events().size() && fleet.events().get(scripted).atNanos() <= next) {
        now = fleet.events().get(scripted).atNanos();
        carryOut(fleet.events().get(scripted++));
      } else if (arrival == next) {
        now = arrival;
        arrived(source.take());
      } else {
        now = events.nextNanos();
        int what = events.take();
        happened(what >>> KIND_SHIFT, what & ARGUMENT);
      }
      while (!unreached.isEmpty()) {
        Call call = unreached.remove();
        brokeOff(call, replicas.get(call.replica));
      }
    }
  }

  @Override
  public Call call(RequestId id) {
    Call found = open.get(id);
    if (found == null) {
      throw new IllegalStateException("request " + id + " (expected: one that is under way)");
    }
    return found;
  }

  @Override
  public VirtualReplica replica(ReplicaId id) {
    VirtualReplica found = byId.get(id);
    if (found == null) {
      throw new IllegalStateException("replica " + id + " (expected: one of the fleet's)");
    }
    return found;
  }

  @Override
  public int replicas() {
    return replicas.size();
  }

  @Override
  public int blockTokens() {
    return workload.blockTokens();
  }

  @Override
  public long nowNanos() {
    return now;
  }

  private long nowMillis() {
    return now / MILLI;
  }

  private void event(long atNanos, int kind, int argument) {
    events.add(atNanos, kind << KIND_SHIFT | argument);
  }

  private void happened(int kind, int argument) {
    switch (kind) {
      case ENGINE -> {
        VirtualReplica replica = replicas.get(argument);
        if (replica.dueNanos == now) {
          replica.dueNanos = Source.NEVER;
          replica.core().advance(now);
          watch(replica);
        }
      }
      case TICK -> {
        owners.get(argument).tick(nowMillis());
        ticking[argument] = false;
        keepTicking(argument);
      }
      case REPORT -> {
        reporting = !open.isEmpty();
        if (reporting) {
          report();
          event(now + REPORT_NANOS, REPORT, 0);
        }
      }
      case RENEW -> renew(argument);
      default -> throw new IllegalStateException("event " + kind + " (expected: 0 to 3)");
    }
  }

  /** Its engine's next decision becomes an event, where it is not one already. */
  private void watch(VirtualReplica replica) {
    long due = replica.core().nextScheduleNanos();
    if (due != replica.dueNanos) {
      replica.dueNanos = due;
      if (due != EngineCore.IDLE) {
        event(Math.max(now, due), ENGINE, replica.index);
        replica.dueNanos = Math.max(now, due);
      }
    }
  }

  private void keepTicking(int pool) {
    if (!ticking[pool] && owners.get(pool).busy()) {
      ticking[pool] = true;
      event(now + StandalonePool.TICK_MILLIS * MILLI, TICK, pool);
    }
  }

  private void arrived(Call call) {
    tally.sent();
    call.pool = poolOf(call);
    open.put(call.id, call);
    if (!reporting) {
      reporting = true;
      report();
      event(now + REPORT_NANOS, REPORT, 0);
      for (int pool = 0; pool < owners.size(); pool++) {
        event(now + RENEW_NANOS, RENEW, pool);
      }
    }
    int most = longest(fleet.pools().get(call.pool));
    if ((long) call.promptTokens + call.outputTokens > most) {
      ended(call, Call.End.TOO_LONG, now);
      return;
    }
    ask(call);
  }

  /** What every replica of the pool takes, and what fits its cache in whole blocks. */
  private int longest(SimFleet.OfPool pool) {
    int most = pool.contextTokens();
    for (SimFleet.OfReplica each : pool.replicas()) {
      int blocks = each.profile().kvTokens() / workload.blockTokens();
      most = Math.min(most, blocks * workload.blockTokens());
    }
    return most;
  }

  private int poolOf(Call call) {
    if (shares.length == 1) {
      return 0;
    }
    long of = call.session >= 0 ? call.session : call.number;
    double at = (Hash64.combine(seed, of) >>> 11) * 0x1.0p-53 * shares[shares.length - 1];
    int pool = 0;
    while (pool < shares.length - 1 && at >= shares[pool]) {
      pool++;
    }
    return pool;
  }

  private void ask(Call call) {
    Pool pool = fleet.pools().get(call.pool).pool();
    owners.get(call.pool).admit(Messages.admit(call, pool, workload.blockTokens()), nowMillis());
    keepTicking(call.pool);
  }

  private void renew(int pool) {
    if (open.isEmpty()) {
      return;
    }
    List<Lease> leases = new ArrayList<>();
    for (VirtualReplica each : replicas) {
      if (each.pool == pool) {
        each.live().forEach(call -> leases.add(new Lease(call.id, each.id())));
      }
    }
    owners.get(pool).renew(fleet.pools().get(pool).pool(), Messages.INGRESS, leases, nowMillis());
    event(now + RENEW_NANOS, RENEW, pool);
  }

  /** All probers say what they see. */
  private void report() {
    for (int pool = 0; pool < owners.size(); pool++) {
      PoolName name = fleet.pools().get(pool).pool().name();
      List<ReplicaStatus> statuses = new ArrayList<>();
      for (VirtualReplica each : replicas) {
        if (each.pool == pool) {
          statuses.add(Messages.status(name, each));
        }
      }
      owners.get(pool).report(statuses, nowMillis());
      keepTicking(pool);
    }
  }

  private void carryOut(SimFleet.Event event) {
    VirtualReplica replica = replicas.get(event.replica());
    switch (event.what()) {
      case DOWN -> {
        replica.core().advance(now);
        List<Call> lost = List.copyOf(replica.live());
        for (Call each : lost) {
          Sequence sequence = each.sequence;
          each.received += sequence == null ? 0 : sequence.generated();
        }
        replica.die();
        lost.forEach(call -> brokeOff(call, replica));
      }
      case UP -> {
        if (!replica.isUp()) {
          replica.rise(now);
        }
      }
      case SLOW -> {
        if (replica.isUp()) {
          replica.core().advance(now);
          replica.slowDown(event.factor());
          watch(replica);
        }
      }
    }
  }

  private void brokeOff(Call call, VirtualReplica replica) {
    leave(call, replica);
    Release release = Messages.release(call, replica, Outcome.TRANSPORT, now);
    call.brokeOff(replica.id());
    owners.get(call.pool).release(release, nowMillis());
    if (call.attempt > ATTEMPTS_MAX) {
      ended(call, Call.End.FAILED, now);
    } else {
      tally.retried();
      ask(call);
    }
  }

  private void leave(Call call, VirtualReplica replica) {
    replica.end(call);
    timeline.live(replica.index, -1, now);
  }

  private void ended(Call call, Call.End how, long atNanos) {
    call.end = how;
    open.remove(call.id);
    timeline.ended(call.arrivedNanos, tally.ended(call, atNanos));
    call.hashes = new long[0];
    source.ended(call, atNanos);
  }

  /** What the ingress does with an owner's answers. */
  private final class Ingress implements StandalonePool.Listener {
    @Override
    public void granted(Grant grant) {
      Call call = call(grant.id());
      VirtualReplica replica = replica(grant.replica());
      replica.begin(call);
      timeline.live(replica.index, 1, now);
      call.granted(grant, now);
      if (!replica.isUp()) {
        unreached.add(call);
        return;
      }
      call.sequence =
          replica
              .core()
              .submit(
                  new Progress(call, replica),
                  call.hashes,
                  call.promptTokens + call.received,
                  call.outputTokens - call.received,
                  now);
      watch(replica);
    }

    @Override
    public void refused(Refusal refusal) {
      ended(call(refusal.id()), Call.End.REFUSED, now);
    }
  }

  /** What an engine says of one request. */
  private final class Progress implements Sequence.Owner {
    private final Call call;
    private final VirtualReplica replica;

    Progress(Call call, VirtualReplica replica) {
      this.call = call;
      this.replica = replica;
    }

    @Override
    public void onTokens(Sequence sequence, int count, long atNanos) {
      int gaps = count;
      if (call.firstTokenNanos < 0) {
        call.firstTokenNanos = sequence.firstTokenNanos();
        call.lastTokenNanos = sequence.firstTokenNanos();
        gaps--;
      }
      if (gaps > 0) {
        tally.gaps(call, (atNanos - call.lastTokenNanos) / gaps, gaps);
      }
      call.lastTokenNanos = atNanos;
      if (!call.toldFirstToken) {
        call.toldFirstToken = true;
        owners.get(call.pool).firstToken(Messages.firstToken(call, replica), nowMillis());
      }
    }

    @Override
    public void onFinished(Sequence sequence, long atNanos) {
      call.received += sequence.generated();
      if (call.attempt == 1) {
        call.cachedTokens = sequence.cachedTokens();
      }
      leave(call, replica);
      Release release = Messages.release(call, replica, Outcome.OK, atNanos);
      ended(call, Call.End.OK, atNanos);
      owners.get(call.pool).release(release, nowMillis());
    }
  }
}
