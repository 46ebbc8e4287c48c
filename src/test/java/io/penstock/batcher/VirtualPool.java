package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;

/** A pool's admission in virtual time: requests take as long as they say, and end. */
final class VirtualPool {
  /** Hears what becomes of requests. */
  interface Ear {
    void granted(Admit admit, long waitedMillis);

    default void refused(Admit admit, Refusal refusal) {}

    default void ended(Admit admit) {}
  }

  /** Something to do at a time. */
  private record Due(long atMillis, long number, Runnable what) implements Comparable<Due> {
    @Override
    public int compareTo(Due other) {
      return atMillis != other.atMillis
          ? Long.compare(atMillis, other.atMillis)
          : Long.compare(number, other.number);
    }
  }

  /** How long one runs and what it generates. */
  record Work(long millis, int outputTokens) {}

  private static final long TICK_MILLIS = 50;

  final Admission admission;
  private final Roster roster;
  private final Ear ear;
  private final PriorityQueue<Due> due = new PriorityQueue<>();
  private final Map<RequestId, Admit> asked = new HashMap<>();
  private final Map<RequestId, Work> work = new HashMap<>();
  private long number;
  private long now;

  /**
   * @param slots of each replica
   */
  VirtualPool(QueueLimits limits, Ear ear, int... slots) {
    Pool pool = Samples.pool(Samples.replicas(slots), RoutingStrategy.LEAST_LOADED, limits);
    this.ear = ear;
    roster = new Roster(pool, false);
    admission = new Admission(pool, roster, new LeastLoaded(), 1);
    take(admission.open(0));
    at(TICK_MILLIS, this::tick);
  }

  long now() {
    return now;
  }

  void at(long millis, Runnable what) {
    due.add(new Due(Math.max(now, millis), number++, what));
  }

  private void tick() {
    take(admission.tick(now));
    at(now + TICK_MILLIS, this::tick);
  }

  void offer(Admit admit, Work its) {
    asked.put(admit.id(), admit);
    work.put(admit.id(), its);
    take(admission.offer(admit, now));
  }

  /** Slots that the pool has now. */
  int slots() {
    return roster.slots();
  }

  /** A replica is unhealthy from now on; what runs there ends as it would. */
  void lose(int replica) {
    ReplicaSpec spec = roster.find(Samples.id(replica)).orElseThrow().spec();
    roster.report(Samples.PROBER, Samples.status(spec, ReplicaState.UNHEALTHY), now);
    take(admission.rosterChanged(now));
  }

  /**
   * How long a refusal of such a request would have it wait for another try; 0 where it is let in.
   */
  long retryAfterMillis(Admit admit) {
    for (AdmissionDecision each : admission.offer(admit, now)) {
      if (each instanceof Refused refused) {
        return refused.refusal().retryAfterMillis();
      }
      throw new AssertionError(each + " (expected: a refusal, or nothing)");
    }
    admission.withdraw(admit.id());
    return 0;
  }

  /** Lets time pass until then. */
  void run(long untilMillis) {
    for (Due next = due.peek(); next != null && next.atMillis() <= untilMillis; next = due.peek()) {
      due.remove();
      now = next.atMillis();
      next.what().run();
    }
    now = untilMillis;
  }

  private void take(List<AdmissionDecision> decisions) {
    for (AdmissionDecision each : decisions) {
      if (each instanceof Granted granted) {
        granted(granted.grant());
      } else if (each instanceof Refused refused) {
        work.remove(refused.refusal().id());
        ear.refused(forget(refused.refusal().id()), refused.refusal());
      } else {
        throw new AssertionError(each + " (expected: a grant or a refusal)");
      }
    }
  }

  private void granted(Grant grant) {
    Work its = Objects.requireNonNull(work.remove(grant.id()));
    Admit admit = forget(grant.id());
    ear.granted(admit, grant.queuedMillis());
    at(
        now + its.millis(),
        () -> {
          ear.ended(admit);
          take(
              admission.release(
                  new Release(
                      grant.id(),
                      grant.pool(),
                      grant.epoch(),
                      grant.replica(),
                      Outcome.OK,
                      new TokenUsage(admit.promptTokens(), its.outputTokens(), 0),
                      1,
                      its.millis(),
                      0),
                  now));
        });
  }

  private Admit forget(RequestId id) {
    return Objects.requireNonNull(asked.remove(id), id.value());
  }
}
