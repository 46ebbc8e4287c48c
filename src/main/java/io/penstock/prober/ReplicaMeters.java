package io.penstock.prober;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.penstock.inference.ReplicaState;
import io.penstock.message.KvCacheState;
import io.penstock.message.Signals;
import io.penstock.prober.ProberDecision.Target;
import io.penstock.telemetry.Names;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The meters of one replica under watch; they go when the watch ends. */
final class ReplicaMeters {
  /** What the registry reads, on threads of its own. */
  private static final class Readings {
    private volatile double healthy;
    private volatile double waiting = Double.NaN;
    private volatile double running = Double.NaN;
    private volatile double kvCacheUsage = Double.NaN;
    private volatile double kvBlocks = Double.NaN;
    private volatile double kvTokens = Double.NaN;
  }

  private final MeterRegistry registry;
  private final Readings readings = new Readings();
  private final Counter checksOk;
  private final Counter checksFailed;
  private final Counter scrapesOk;
  private final Counter scrapesFailed;
  private final Map<ReplicaState, Counter> changes = new EnumMap<>(ReplicaState.class);
  private final List<Meter> gauges;
  private final Tags pool;
  private KvCacheState counted = KvCacheState.NONE;

  ReplicaMeters(MeterRegistry registry, Target target) {
    this.registry = registry;
    this.pool = Tags.of("pool", target.pool().value());
    Tags replica = pool.and("replica", target.id().value());
    this.checksOk = registry.counter(Names.PROBES, pool.and("kind", "check", "outcome", "ok"));
    this.checksFailed =
        registry.counter(Names.PROBES, pool.and("kind", "check", "outcome", "failed"));
    this.scrapesOk = registry.counter(Names.PROBES, pool.and("kind", "scrape", "outcome", "ok"));
    this.scrapesFailed =
        registry.counter(Names.PROBES, pool.and("kind", "scrape", "outcome", "failed"));
    for (ReplicaState state : ReplicaState.values()) {
      changes.put(state, registry.counter(Names.REPLICA_CHANGES, pool.and("to", state.label())));
    }
    this.gauges =
        List.of(
            Gauge.builder(Names.REPLICA_HEALTHY, readings, r -> r.healthy)
                .tags(replica)
                .strongReference(true)
                .register(registry),
            Gauge.builder(Names.REPLICA_WAITING, readings, r -> r.waiting)
                .tags(replica)
                .strongReference(true)
                .register(registry),
            Gauge.builder(Names.REPLICA_RUNNING, readings, r -> r.running)
                .tags(replica)
                .strongReference(true)
                .register(registry),
            Gauge.builder(Names.REPLICA_KV_CACHE_USAGE, readings, r -> r.kvCacheUsage)
                .tags(replica)
                .strongReference(true)
                .register(registry),
            Gauge.builder(Names.KV_BLOCKS, readings, r -> r.kvBlocks)
                .tags(replica)
                .strongReference(true)
                .register(registry),
            Gauge.builder(Names.KV_TOKENS, readings, r -> r.kvTokens)
                .tags(replica)
                .strongReference(true)
                .register(registry));
  }

  void checked(boolean ok) {
    (ok ? checksOk : checksFailed).increment();
  }

  void scraped(boolean ok) {
    (ok ? scrapesOk : scrapesFailed).increment();
  }

  void signals(Signals signals) {
    readings.waiting = signals.waiting() < 0 ? Double.NaN : signals.waiting();
    readings.running = signals.running() < 0 ? Double.NaN : signals.running();
    readings.kvCacheUsage = signals.kvCacheUsage();
  }

  /** What its engine's events say of its prefix cache. */
  void kvCache(KvCacheState state) {
    boolean isAnother = state.batches() < counted.batches();
    KvCacheState before = isAnother ? KvCacheState.NONE : counted;
    counted = state;
    readings.kvBlocks = state.blocks();
    readings.kvTokens = state.tokens();
    count(Names.KV_EVENTS, "event", before.events(), state.events());
    count(Names.KV_EVENTS, "batch", before.batches(), state.batches());
    count(Names.KV_EVENTS, "emptied", before.empties(), state.empties());
    count(Names.KV_FAULTS, "gap", before.gaps(), state.gaps());
    count(Names.KV_FAULTS, "replay", before.replays(), state.replays());
    count(Names.KV_FAULTS, "restart", before.restarts(), state.restarts());
    count(Names.KV_FAULTS, "loss", before.losses(), state.losses());
    count(Names.KV_FAULTS, "overflow", before.overflows(), state.overflows());
    count(Names.KV_FAULTS, "malformed", before.malformed(), state.malformed());
  }

  /** Its engine's events are followed no more, or anew. */
  void noKvCache() {
    counted = KvCacheState.NONE;
    readings.kvBlocks = Double.NaN;
    readings.kvTokens = Double.NaN;
  }

  private void count(String name, String kind, long before, long now) {
    registry.counter(name, pool.and("kind", kind)).increment(Math.max(0, now - before));
  }

  void changed(ReplicaState to) {
    readings.healthy = to == ReplicaState.HEALTHY ? 1 : 0;
    Counter counter = changes.get(to);
    if (counter != null) {
      counter.increment();
    }
  }

  /** Removes what bears the replica's name; the pool's counters stay. */
  void close() {
    gauges.forEach(registry::remove);
  }
}
