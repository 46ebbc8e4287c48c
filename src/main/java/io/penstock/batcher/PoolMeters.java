package io.penstock.batcher;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.penstock.fault.Fault;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.telemetry.Names;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The meters of one pool. Gauges are read by the thread that scrapes, so they show copies that the
 * owner's event loop writes.
 */
final class PoolMeters {
  private final MeterRegistry registry;
  private final String pool;
  private final AtomicInteger owned = new AtomicInteger();
  private final Map<Priority, AtomicInteger> depths = new EnumMap<>(Priority.class);
  private final Map<Priority, Timer> waits = new EnumMap<>(Priority.class);
  private final Map<Fault, Counter> refusals = new EnumMap<>(Fault.class);
  private final Map<ReplicaId, Level> grants = new HashMap<>();
  private final Counter expired;
  private final Counter dropped;
  private final Counter notAdopted;
  private final Counter ignored;
  private long shownStructure = -1;

  private record Level(AtomicInteger value, Gauge gauge) {}

  PoolMeters(MeterRegistry registry, Pool pool) {
    this.registry = registry;
    this.pool = pool.name().value();
    for (Priority each : Priority.values()) {
      AtomicInteger depth = new AtomicInteger();
      depths.put(each, depth);
      Gauge.builder(Names.QUEUE_DEPTH, depth, AtomicInteger::get)
          .tags("pool", this.pool, "class", each.label())
          .register(registry);
      waits.put(each, registry.timer(Names.QUEUE_WAIT, "pool", this.pool, "class", each.label()));
    }
    Gauge.builder(Names.POOL_OWNED, owned, AtomicInteger::get)
        .tags("pool", this.pool)
        .register(registry);
    expired = event("lease_expired");
    dropped = event("lease_dropped");
    notAdopted = event("lease_not_adopted");
    ignored = event("release_ignored");
  }

  void granted(Priority priority, long queuedMillis) {
    Objects.requireNonNull(waits.get(priority)).record(Duration.ofMillis(queuedMillis));
  }

  void refused(Fault fault) {
    refusals
        .computeIfAbsent(
            fault, each -> registry.counter(Names.REFUSED, "pool", pool, "code", each.code()))
        .increment();
  }

  void leaseExpired() {
    expired.increment();
  }

  void leaseDropped() {
    dropped.increment();
  }

  void leaseNotAdopted() {
    notAdopted.increment();
  }

  void releaseIgnored() {
    ignored.increment();
  }

  /** Copies what the gauges show; of the replicas those only that have changed. */
  void show(PoolOwner owner) {
    owned.setRelease(owner.tenure() == PoolOwner.Tenure.SERVING ? 1 : 0);
    depths.forEach(
        (priority, depth) ->
            depth.setRelease(owner.admission().map(a -> a.waiting(priority)).orElse(0)));
    Roster roster = owner.roster();
    if (shownStructure != roster.structure()) {
      shownStructure = roster.structure();
      forgetAllBut(roster);
    }
    roster.takeTouched(
        each -> grants.computeIfAbsent(each.id(), this::level).value().setRelease(each.live()));
  }

  private void forgetAllBut(Roster roster) {
    for (Iterator<Map.Entry<ReplicaId, Level>> i = grants.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<ReplicaId, Level> entry = i.next();
      if (roster.find(entry.getKey()).isEmpty()) {
        registry.remove(entry.getValue().gauge());
        i.remove();
      }
    }
  }

  private Level level(ReplicaId replica) {
    AtomicInteger value = new AtomicInteger();
    Gauge gauge =
        Gauge.builder(Names.GRANTS, value, AtomicInteger::get)
            .tags("pool", pool, "replica", replica.value())
            .register(registry);
    return new Level(value, gauge);
  }

  private Counter event(String name) {
    return registry.counter(Names.LEDGER_EVENTS, "pool", pool, "event", name);
  }
}
