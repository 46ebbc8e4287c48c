package io.penstock.replay;

import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.measure.Hash64;
import io.penstock.message.Admit;
import io.penstock.message.FirstToken;
import io.penstock.message.Release;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Signals;
import io.penstock.message.Station;
import io.penstock.sim.EngineCore;
import io.penstock.sim.Sequence;
import java.util.Optional;
import java.util.Set;

/** What an ingress loop and a prober would say. */
final class Messages {
  static final Station INGRESS = new Station(new NodeId("replay"), Room.INGRESS, 0);

  private static final TenantId TENANT = new TenantId("trace");
  private static final int BODY_BYTES_PER_TOKEN = 4;
  private static final long MILLI = 1_000_000L;

  private Messages() {}

  /** Asks for a slot, for all that its client has not received yet. */
  static Admit admit(Call call, Pool pool, int blockTokens) {
    return new Admit(
        call.id,
        call.id.value(),
        INGRESS,
        pool.name(),
        TENANT,
        1,
        Priority.DEFAULT,
        call.attempt,
        call.promptTokens + call.received,
        call.outputTokens - call.received,
        BODY_BYTES_PER_TOKEN * call.promptTokens,
        Hash64.mix(call.session >= 0 ? call.session : call.number),
        Set.of(),
        call.excluded,
        pool.queue().waitOf(Priority.DEFAULT).toMillis(),
        0,
        Optional.empty(),
        true,
        PromptBlocks.of(call.hashes, blockTokens));
  }

  /** Of this attempt. */
  static FirstToken firstToken(Call call, VirtualReplica on) {
    Sequence sequence = call.sequence;
    long first = sequence == null ? call.grantedNanos : sequence.firstTokenNanos();
    return new FirstToken(
        call.id, call.poolName(), call.grantEpoch, on.id(), (first - call.grantedNanos) / MILLI);
  }

  /** The slot is given back. */
  static Release release(Call call, VirtualReplica on, Outcome outcome, long atNanos) {
    Sequence sequence = call.sequence;
    long first = sequence == null ? -1 : sequence.firstTokenNanos();
    int prompt = sequence == null ? 0 : sequence.promptTokens();
    int generated = sequence == null ? 0 : sequence.generated();
    int cached = sequence == null ? 0 : Math.max(0, sequence.cachedTokens());
    return new Release(
        call.id,
        call.poolName(),
        call.grantEpoch,
        on.id(),
        outcome,
        new TokenUsage(prompt, generated, cached),
        first < 0 ? -1 : (first - call.grantedNanos) / MILLI,
        (atNanos - call.grantedNanos) / MILLI,
        0);
  }

  /** What a prober sees. */
  static ReplicaStatus status(PoolName pool, VirtualReplica replica) {
    EngineCore core = replica.core();
    Signals signals = new Signals(core.waiting(), core.running(), core.kvUsage(), Double.NaN, 0);
    replica.checks++;
    return new ReplicaStatus(
        pool,
        replica.described.spec(),
        replica.isUp() ? ReplicaState.HEALTHY : ReplicaState.UNHEALTHY,
        replica.isUp() ? Optional.of(signals) : Optional.empty(),
        replica.isUp() ? "" : "connection refused",
        Optional.of(true),
        replica.checks,
        Optional.empty());
  }
}
