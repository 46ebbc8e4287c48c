package io.penstock.batcher;

import io.penstock.fake.Pools;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Release;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What the tests of this room talk about. */
final class Samples {
  static final PoolName POOL = new PoolName("llama");
  static final NodeId PROBER = new NodeId("prober");
  static final Station INGRESS = new Station(new NodeId("ingress"), Room.INGRESS, 0);

  private Samples() {}

  static ReplicaId id(int i) {
    return new ReplicaId("r" + i);
  }

  static ReplicaSpec spec(String id, double weight, int maxConcurrent, Capability... can) {
    return new ReplicaSpec(
        new ReplicaId(id), "http://" + id + ":8000", weight, maxConcurrent, Set.of(can), "");
  }

  /** The same in a zone. */
  static ReplicaSpec in(String zone, ReplicaSpec spec) {
    return new ReplicaSpec(
        spec.id(), spec.url(), spec.weight(), spec.maxConcurrent(), spec.capabilities(), zone);
  }

  /** Replicas r0, r1, … of weight 1 with 4 slots each, in these zones. */
  static List<ReplicaSpec> inZones(String... zones) {
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < zones.length; i++) {
      specs.add(in(zones[i], spec("r" + i, 1, 4)));
    }
    return specs;
  }

  /** Replicas r0, r1, … of weight 1 with this many slots each. */
  static List<ReplicaSpec> replicas(int... slots) {
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < slots.length; i++) {
      specs.add(spec("r" + i, 1, slots[i]));
    }
    return specs;
  }

  static Pool pool(List<ReplicaSpec> replicas) {
    return pool(replicas, RoutingStrategy.LEAST_LOADED, QueueLimits.DEFAULT);
  }

  static Pool pool(List<ReplicaSpec> replicas, RoutingStrategy strategy, QueueLimits queue) {
    return pool(replicas, strategy, queue, FailoverPolicy.DEFAULT, BreakerPolicy.DEFAULT);
  }

  static Pool pool(
      List<ReplicaSpec> replicas,
      RoutingStrategy strategy,
      QueueLimits queue,
      FailoverPolicy failover,
      BreakerPolicy breaker) {
    return Pools.of(POOL.value(), "llama-3")
        .strategy(strategy)
        .replicas(replicas)
        .queue(queue)
        .failover(failover)
        .breaker(breaker)
        .make();
  }

  /** The same pool, but the probers tell its list. */
  static Pool followed(Pool of) {
    return replicas(of, new ReplicaSource.Watched(Path.of("replicas.json")));
  }

  /** The same pool with other replicas. */
  static Pool replicas(Pool of, ReplicaSource source) {
    return Pools.like(of).replicas(source).make();
  }

  /** A roster of these replicas, which a prober has told of and calls healthy. */
  static Roster followed(List<ReplicaSpec> specs) {
    Roster roster = new Roster(followed(pool(List.of())), true);
    specs.forEach(spec -> roster.report(PROBER, status(spec, ReplicaState.HEALTHY), 0));
    return roster;
  }

  /** Asks; the fields that a test cares about are changed on the copy. */
  record Ask(
      String id,
      Station from,
      TenantId tenant,
      double weight,
      Priority priority,
      int attempt,
      int promptTokens,
      int maxTokens,
      int bodyBytes,
      long affinity,
      Set<Capability> needs,
      Set<ReplicaId> excluded,
      long waitMillis,
      long knownEpoch) {
    private static final TenantId TENANT = new TenantId("t");

    static Ask of(String id) {
      return new Ask(
          id,
          INGRESS,
          TENANT,
          1,
          Priority.DEFAULT,
          1,
          100,
          0,
          1_000,
          0,
          Set.of(),
          Set.of(),
          1_000_000,
          0);
    }

    static Ask of(RequestId id, TenantId tenant, double weight, int promptTokens, int maxTokens) {
      return of(id.value()).by(tenant, weight).tokens(promptTokens, maxTokens);
    }

    Ask from(Station it) {
      return with(it, tenant, weight, priority, attempt, bodyBytes, needs, excluded, waitMillis);
    }

    Ask by(TenantId it, double itsWeight) {
      return with(from, it, itsWeight, priority, attempt, bodyBytes, needs, excluded, waitMillis);
    }

    Ask by(String it) {
      return by(new TenantId(it), 1);
    }

    Ask of(Priority it) {
      return with(from, tenant, weight, it, attempt, bodyBytes, needs, excluded, waitMillis);
    }

    Ask attempt(int it) {
      return with(from, tenant, weight, priority, it, bodyBytes, needs, excluded, waitMillis);
    }

    Ask bytes(int it) {
      return with(from, tenant, weight, priority, attempt, it, needs, excluded, waitMillis);
    }

    Ask needing(Set<Capability> it) {
      return with(from, tenant, weight, priority, attempt, bodyBytes, it, excluded, waitMillis);
    }

    Ask without(Set<ReplicaId> it) {
      return with(from, tenant, weight, priority, attempt, bodyBytes, needs, it, waitMillis);
    }

    Ask waiting(long it) {
      return with(from, tenant, weight, priority, attempt, bodyBytes, needs, excluded, it);
    }

    Ask tokens(int prompt, int max) {
      return new Ask(
          id,
          from,
          tenant,
          weight,
          priority,
          attempt,
          prompt,
          max,
          bodyBytes,
          affinity,
          needs,
          excluded,
          waitMillis,
          knownEpoch);
    }

    Ask knowing(long it) {
      return new Ask(
          id,
          from,
          tenant,
          weight,
          priority,
          attempt,
          promptTokens,
          maxTokens,
          bodyBytes,
          affinity,
          needs,
          excluded,
          waitMillis,
          it);
    }

    private Ask with(
        Station newFrom,
        TenantId newTenant,
        double newWeight,
        Priority newPriority,
        int newAttempt,
        int newBytes,
        Set<Capability> newNeeds,
        Set<ReplicaId> newExcluded,
        long newWait) {
      return new Ask(
          id,
          newFrom,
          newTenant,
          newWeight,
          newPriority,
          newAttempt,
          promptTokens,
          maxTokens,
          newBytes,
          affinity,
          newNeeds,
          newExcluded,
          newWait,
          knownEpoch);
    }

    Admit admit() {
      return new Admit(
          new RequestId(id),
          "x-" + id,
          from,
          POOL,
          tenant,
          weight,
          priority,
          attempt,
          promptTokens,
          maxTokens,
          bodyBytes,
          affinity,
          needs,
          excluded,
          waitMillis,
          knownEpoch,
          Optional.empty(),
          false,
          PromptBlocks.NONE);
    }
  }

  /** The same request, of another session. */
  static Admit ofSession(Admit admit, long affinity) {
    return prompted(admit, admit.promptTokens(), affinity, admit.streams(), admit.blocks());
  }

  /** The same request with such a prompt, on a stream. */
  static Admit prompted(Admit admit, int tokens, PromptBlocks blocks) {
    return prompted(admit, tokens, admit.affinity(), true, blocks);
  }

  private static Admit prompted(
      Admit a, int tokens, long affinity, boolean streams, PromptBlocks blocks) {
    return new Admit(
        a.id(),
        a.callerId(),
        a.replyTo(),
        a.pool(),
        a.tenant(),
        a.weight(),
        a.priority(),
        a.attempt(),
        tokens,
        a.maxTokens(),
        a.bodyBytes(),
        affinity,
        a.needs(),
        a.excluded(),
        a.waitMillis(),
        a.knownEpoch(),
        a.company(),
        streams,
        blocks);
  }

  static Release release(Grant grant) {
    return new Release(
        grant.id(),
        grant.pool(),
        grant.epoch(),
        grant.replica(),
        Outcome.OK,
        TokenUsage.NONE,
        10,
        100,
        0);
  }

  static ReplicaStatus status(ReplicaSpec spec, ReplicaState state) {
    return new ReplicaStatus(
        POOL, spec, state, Optional.empty(), "", Optional.empty(), 0, Optional.empty());
  }

  /** A request waits for its turn. */
  static void add(FairQueue queue, Admit admit, Reach reach, long maxWaitMillis, long nowMillis) {
    queue.lineUp(queue.enter(admit, maxWaitMillis, nowMillis), reach);
  }
}
