package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.View;
import io.penstock.fake.FakeDirectory;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.Role;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.ReplicaStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/**
 * A pool's owner with engines and clients in virtual time. Requests come evenly, are tried up to
 * three times as the ingress does, and what each engine does is a function of the time.
 */
final class Fleetlet {
  /** What an engine does with a request. */
  record Deed(Outcome outcome, long firstTokenMillis, long totalMillis, long retryAfterMillis) {
    static Deed ok(long firstToken, long total) {
      return new Deed(Outcome.OK, firstToken, total, 0);
    }

    static Deed of(Outcome outcome, long total) {
      return new Deed(outcome, -1, total, 0);
    }
  }

  /** An engine. */
  interface Engine {
    Deed serve(long nowMillis);
  }

  private record Event(long at, long order, Runnable happens) {}

  static final NodeId SELF = new NodeId("self");
  private static final View VIEW =
      FakeDirectory.of(
          FakeDirectory.node("self", Role.BATCHER), FakeDirectory.node("p", Role.HEALTH_PROBER));

  final PoolOwner owner;
  final Map<ReplicaId, Engine> engines = new HashMap<>();
  final Map<ReplicaId, List<Long>> grants = new HashMap<>();
  final List<AdmissionDecision> others = new ArrayList<>();
  final List<Refusal> refusals = new ArrayList<>();
  final List<ReplicaSpec> specs;
  int succeeded;
  int failed;
  long now;

  private final PriorityQueue<Event> events =
      new PriorityQueue<>(
          java.util.Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
  private final Map<String, Set<ReplicaId>> tried = new HashMap<>();
  private long order;
  private int asked;

  Fleetlet(Pool pool, List<ReplicaSpec> specs, long seed) {
    this.specs = specs;
    Random random = new Random(seed);
    owner = new PoolOwner(pool, SELF, 300, random::nextDouble);
    carryOut(owner.view(VIEW, 1, 0));
    for (ReplicaSpec spec : specs) {
      grants.put(spec.id(), new ArrayList<>());
      engines.put(spec.id(), at -> Deed.ok(20, 200));
    }
    specs.forEach(spec -> health(spec.id(), ReplicaState.HEALTHY, 1));
  }

  void engine(int i, Engine engine) {
    engines.put(Samples.id(i), engine);
  }

  /** Others are lost, or back: this side of the cluster has such a share of the limits. */
  void share(LimitShare share) {
    carryOut(owner.view(new View(VIEW.nodes(), List.of(), share, 0), 1, now));
  }

  void health(ReplicaId id, ReplicaState state, long checks) {
    ReplicaSpec spec = specs.stream().filter(each -> each.id().equals(id)).findAny().orElseThrow();
    carryOut(
        owner.report(
            Samples.PROBER,
            List.of(
                new ReplicaStatus(
                    Samples.POOL,
                    spec,
                    state,
                    Optional.empty(),
                    "",
                    Optional.empty(),
                    checks,
                    Optional.empty())),
            now));
  }

  /** Lets requests come at this rate until then, and all else happen. */
  void load(int perSecond, long untilMillis) {
    for (long at = now; at < untilMillis; at += 1_000 / perSecond) {
      schedule(at, () -> ask("q" + asked++, 1, Set.of()));
    }
    run(untilMillis);
  }

  void run(long untilMillis) {
    for (long at = now / 50 * 50 + 50; at <= untilMillis; at += 50) {
      schedule(at, () -> carryOut(owner.tick(now)));
    }
    while (!events.isEmpty() && events.peek().at() <= untilMillis) {
      Event event = events.remove();
      now = event.at();
      event.happens().run();
    }
    now = untilMillis;
  }

  private void schedule(long at, Runnable happens) {
    events.add(new Event(at, order++, happens));
  }

  private void ask(String id, int attempt, Set<ReplicaId> excluded) {
    tried.put(id, excluded);
    carryOut(
        owner.admit(Ask.of(id).attempt(attempt).without(excluded).waiting(10_000).admit(), now));
  }

  private void carryOut(List<AdmissionDecision> decisions) {
    for (AdmissionDecision each : decisions) {
      if (each instanceof Granted granted) {
        serve(granted.grant());
      } else if (each instanceof Refused refused) {
        failed++;
        refusals.add(refused.refusal());
      } else {
        others.add(each);
      }
    }
  }

  private void serve(Grant grant) {
    grantsOf(grant.replica()).add(now);
    Deed deed = Objects.requireNonNull(engines.get(grant.replica())).serve(now);
    schedule(now + deed.totalMillis(), () -> ended(grant, deed));
  }

  private void ended(Grant grant, Deed deed) {
    carryOut(
        owner.release(
            new Release(
                grant.id(),
                grant.pool(),
                grant.epoch(),
                grant.replica(),
                deed.outcome(),
                TokenUsage.NONE,
                deed.firstTokenMillis(),
                deed.totalMillis(),
                deed.retryAfterMillis()),
            now));
    if (deed.outcome() == Outcome.OK) {
      succeeded++;
      return;
    }
    Set<ReplicaId> excluded = new HashSet<>(tried.getOrDefault(grant.id().value(), Set.of()));
    excluded.add(grant.replica());
    if (excluded.size() >= 3) {
      failed++;
    } else {
      ask(grant.id().value(), excluded.size() + 1, excluded);
    }
  }

  /** When a replica was granted. */
  List<Long> grantsOf(ReplicaId id) {
    return Objects.requireNonNull(grants.get(id));
  }

  /** Grants to a replica in a span of time. */
  long granted(int i, long fromMillis, long untilMillis) {
    return grantsOf(Samples.id(i)).stream()
        .filter(at -> at >= fromMillis && at < untilMillis)
        .count();
  }

  /** Its share of all grants in a span of time. */
  double share(int i, long fromMillis, long untilMillis) {
    long all = 0;
    for (int each = 0; each < specs.size(); each++) {
      all += granted(each, fromMillis, untilMillis);
    }
    return all == 0 ? 0 : (double) granted(i, fromMillis, untilMillis) / all;
  }

  Standing.OfReplica standing(int i) {
    return owner.standing(now).replicas().stream()
        .filter(each -> each.id().equals(Samples.id(i)))
        .findAny()
        .orElseThrow();
  }
}
