package io.penstock.replay;

import io.penstock.inference.ReplicaId;
import io.penstock.sim.EngineCore;
import io.penstock.sim.SimProfile;
import java.util.ArrayList;
import java.util.List;

/** One replica in virtual time: its engine, and what runs there. */
final class VirtualReplica {
  final int index;
  final int pool;
  final SimFleet.OfReplica described;
  private final int blockTokens;
  private EngineCore core;
  private boolean up = true;
  private double factor = 1;
  private final List<Call> live = new ArrayList<>();

  /** When its engine has to be looked at; {@link Source#NEVER} when it has nothing to do. */
  long dueNanos = Source.NEVER;

  /** Health checks that a prober has finished. */
  long checks;

  private long computedBefore;
  private long generatedBefore;
  private long preemptionsBefore;

  VirtualReplica(int index, int pool, SimFleet.OfReplica described, int blockTokens) {
    this.index = index;
    this.pool = pool;
    this.described = described;
    this.blockTokens = blockTokens;
    this.core = new EngineCore(described.profile(), 0, blockTokens);
  }

  ReplicaId id() {
    return described.spec().id();
  }

  SimProfile profile() {
    return described.profile();
  }

  EngineCore core() {
    return core;
  }

  boolean isUp() {
    return up;
  }

  /** How many times as long as its profile says its steps take. */
  double factor() {
    return factor;
  }

  /** What runs there or waits in its engine. */
  List<Call> live() {
    return live;
  }

  void begin(Call call) {
    call.replica = index;
    call.placeOnReplica = live.size();
    live.add(call);
  }

  void end(Call call) {
    Call last = live.remove(live.size() - 1);
    if (last != call) {
      live.set(call.placeOnReplica, last);
      last.placeOnReplica = call.placeOnReplica;
    }
  }

  /** Its process dies: what it has cached is lost. */
  void die() {
    up = false;
    computedBefore = computedTokens();
    generatedBefore = generatedTokens();
    preemptionsBefore = preemptions();
    core = new EngineCore(profile(), 0, blockTokens);
    dueNanos = Source.NEVER;
  }

  /** It is there again, empty and at its own speed. */
  void rise(long nowNanos) {
    up = true;
    factor = 1;
    core = new EngineCore(profile(), nowNanos, blockTokens);
  }

  void slowDown(double times) {
    factor = times;
    core.slowDown(times);
  }

  /** Prompt tokens that it has computed, since they were not cached. */
  long computedTokens() {
    return computedBefore + core.promptTokens() - core.prefixHits();
  }

  long generatedTokens() {
    return generatedBefore + core.generatedTokens();
  }

  long preemptions() {
    return preemptionsBefore + core.preemptions();
  }
}
