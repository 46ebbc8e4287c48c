package io.penstock.replay;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.message.Grant;
import io.penstock.sim.Sequence;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One request of the trace, on its way through the fleet. */
final class Call {
  /** How a request may end. Each does exactly once. */
  enum End {
    /** All its tokens were generated. */
    OK("ok"),
    /** The pool refused it: its queue was full, it waited for too long, or no replica was left. */
    REFUSED("refused"),
    /** Every attempt broke off with its replica. */
    FAILED("failed"),
    /** Prompt and answer together are longer than the pool's replicas take. */
    TOO_LONG("too long");

    private final String label;

    End(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  /** Place among all requests of the run, from 0. */
  final int number;

  /** Place in the trace. */
  final int row;

  /** Which session of the run it belongs to; -1 for none. */
  final int session;

  final RequestId id;
  final long arrivedNanos;
  final int promptTokens;
  final int outputTokens;

  /** Prompt tokens that a cache without bounds would have had. */
  final int everCached;

  /** Chained hashes of its prompt's full blocks; empty once it has ended. */
  long[] hashes;

  int pool;
  int attempt = 1;
  Set<ReplicaId> excluded = Set.of();

  /** Tokens of its answer that its client has. */
  int received;

  /** Its replica's place; -1 while it has none. */
  int replica = -1;

  /** Its place among those that live on its replica. */
  int placeOnReplica;

  @Nullable Sequence sequence;
  private @Nullable PoolName poolName;
  long grantEpoch;
  long grantedNanos;
  long queuedNanos;
  long firstTokenNanos = -1;
  long lastTokenNanos;
  int cachedTokens;
  boolean toldFirstToken;

  @Nullable End end;

  Call(
      int number,
      int row,
      int session,
      long arrivedNanos,
      int promptTokens,
      int outputTokens,
      int everCached,
      long[] hashes) {
    this.number = number;
    this.row = row;
    this.session = session;
    this.id = new RequestId("r" + number);
    this.arrivedNanos = arrivedNanos;
    this.promptTokens = promptTokens;
    this.outputTokens = outputTokens;
    this.everCached = everCached;
    this.hashes = hashes;
  }

  /** It has a slot. */
  void granted(Grant grant, long nowNanos) {
    grantEpoch = grant.epoch();
    poolName = grant.pool();
    grantedNanos = nowNanos;
    if (attempt == 1) {
      queuedNanos = nowNanos - arrivedNanos;
    }
  }

  /** Its pool, once it has been granted. */
  PoolName poolName() {
    if (poolName == null) {
      throw new IllegalStateException("request " + id + ": no grant (expected: granted)");
    }
    return poolName;
  }

  /** The attempt has broken off on that replica. */
  void brokeOff(ReplicaId on) {
    Set<ReplicaId> tried = new LinkedHashSet<>(excluded);
    tried.add(on);
    excluded = tried;
    attempt++;
    sequence = null;
    replica = -1;
    toldFirstToken = false;
  }

  /** Mean time between the tokens of its answer; 0 for one of a single token. */
  long meanGapNanos() {
    return outputTokens <= 1 ? 0 : (lastTokenNanos - firstTokenNanos) / (outputTokens - 1);
  }
}
