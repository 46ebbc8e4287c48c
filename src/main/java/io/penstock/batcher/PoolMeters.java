package io.penstock.batcher;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.penstock.fault.Fault;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.TenantId;
import io.penstock.telemetry.Names;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The meters of one pool. Gauges are read by the thread that scrapes, so they show copies that the
 * owner's event loop writes.
 */
final class PoolMeters {
  /** Most tenants that a pool shows by name. */
  static final int TENANTS_MAX = 50;

  private static final String OTHER_TENANTS = "other";

  private static final double[] BATCH_SIZES = {1, 4, 8, 16, 32, 64, 128};
  private static final Duration[] BATCH_WAITS = {
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500)
  };

  private final MeterRegistry registry;
  private final String pool;
  private final AtomicInteger owned = new AtomicInteger();
  private final Map<Priority, AtomicInteger> depths = new EnumMap<>(Priority.class);
  private final Map<Priority, Timer> waits = new EnumMap<>(Priority.class);
  private final Map<TenantId, Timer> tenantWaits = new HashMap<>();
  private final Map<Fault, Counter> refusals = new EnumMap<>(Fault.class);
  private final Map<ReplicaId, Shown> shown = new HashMap<>();
  private final Map<String, ShownZone> shownZones = new HashMap<>();
  private final List<Gauge> levels = new ArrayList<>();
  private final AtomicInteger belowMin = new AtomicInteger();
  private final Map<Bar, Counter> ejections = new EnumMap<>(Bar.class);
  private final Counter promptTokens;
  private final Counter cachedTokens;
  private final Counter predictedTokens;
  private final Counter expired;
  private final Counter dropped;
  private final Counter notAdopted;
  private final Counter ignored;
  private long shownStructure = -1;

  // What has been counted of the tally of the owner that is shown.
  private @Nullable CacheTally tally;
  private long countedPrompt;
  private long countedCached;
  private long countedPredicted;

  /** Whether this node owns the pool: another's limits and breakers are not for it to show. */
  private boolean shownAsOwner;

  private boolean closed;

  /** What is shown of one replica. */
  private record Shown(
      AtomicInteger grants,
      AtomicInteger limit,
      AtomicInteger breaker,
      AtomicInteger indexBytes,
      List<Gauge> gauges) {}

  /** What is shown of one zone. */
  private record ShownZone(AtomicInteger grants, Gauge gauge) {}

  PoolMeters(MeterRegistry registry, Pool pool) {
    this.registry = registry;
    this.pool = pool.name().value();
    for (Priority each : Priority.values()) {
      AtomicInteger depth = new AtomicInteger();
      depths.put(each, depth);
      levels.add(
          Gauge.builder(Names.QUEUE_DEPTH, depth, AtomicInteger::get)
              .tags("pool", this.pool, "class", each.label())
              .register(registry));
      waits.put(each, registry.timer(Names.QUEUE_WAIT, "pool", this.pool, "class", each.label()));
    }
    levels.add(
        Gauge.builder(Names.POOL_OWNED, owned, AtomicInteger::get)
            .tags("pool", this.pool)
            .register(registry));
    levels.add(
        Gauge.builder(Names.POOL_BELOW_MIN, belowMin, AtomicInteger::get)
            .tags("pool", this.pool)
            .register(registry));
    promptTokens = prefixTokens("prompt");
    cachedTokens = prefixTokens("cached");
    predictedTokens = prefixTokens("predicted");
    expired = event("lease_expired");
    dropped = event("lease_dropped");
    notAdopted = event("lease_not_adopted");
    ignored = event("release_ignored");
  }

  /** The pool or its owner is gone: levels are shown no more, what was counted stays. */
  void close() {
    closed = true;
    levels.forEach(registry::remove);
    shown.values().forEach(each -> each.gauges().forEach(registry::remove));
    shown.clear();
    shownZones.values().forEach(each -> registry.remove(each.gauge()));
    shownZones.clear();
  }

  void granted(Priority priority, TenantId tenant, long queuedMillis) {
    Duration queued = Duration.ofMillis(queuedMillis);
    Objects.requireNonNull(waits.get(priority)).record(queued);
    Timer known = tenantWaits.get(tenant);
    if (known == null) {
      String label = tenantWaits.size() < TENANTS_MAX ? tenant.value() : OTHER_TENANTS;
      known = registry.timer(Names.TENANT_QUEUE_WAIT, "pool", pool, "tenant", label);
      if (tenantWaits.size() < TENANTS_MAX) {
        tenantWaits.put(tenant, known);
      }
    }
    known.record(queued);
  }

  /** A call that requests might share has so many inputs, and each waited so long for it. */
  void called(int inputs, List<Long> waitedMillis) {
    DistributionSummary.builder(Names.BATCH_SIZE)
        .serviceLevelObjectives(BATCH_SIZES)
        .tags("pool", pool)
        .register(registry)
        .record(inputs);
    Timer wait =
        Timer.builder(Names.BATCH_WAIT)
            .serviceLevelObjectives(BATCH_WAITS)
            .tags("pool", pool)
            .register(registry);
    waitedMillis.forEach(millis -> wait.record(Duration.ofMillis(millis)));
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

  /** A replica gets no ordinary work any more. */
  void ejected(Bar bar) {
    ejections
        .computeIfAbsent(
            bar, each -> registry.counter(Names.EJECTIONS, "pool", pool, "reason", each.label()))
        .increment();
  }

  /** Copies what the gauges show; of the replicas those only that have changed. */
  void show(PoolOwner owner) {
    if (closed) {
      return;
    }
    owned.setRelease(owner.tenure() == PoolOwner.Tenure.SERVING ? 1 : 0);
    belowMin.setRelease(owner.belowMin() ? 1 : 0);
    depths.forEach(
        (priority, depth) ->
            depth.setRelease(owner.admission().map(a -> a.waiting(priority)).orElse(0)));
    owner.admission().ifPresent(admission -> count(admission.caches()));
    Roster roster = owner.roster();
    boolean isOwner = owner.admission().isPresent();
    if (shownAsOwner != isOwner) {
      shownAsOwner = isOwner;
      roster.all().forEach(this::show);
    }
    if (shownStructure != roster.structure()) {
      shownStructure = roster.structure();
      forgetAllBut(roster);
    }
    roster.takeTouched(this::show);
    for (ZoneLoad each : roster.zones()) {
      shownZones.computeIfAbsent(each.zone(), this::shownZone).grants().setRelease(each.live());
    }
  }

  /** What has come since. */
  private void count(CacheTally now) {
    if (tally != now) {
      tally = now;
      countedPrompt = 0;
      countedCached = 0;
      countedPredicted = 0;
    }
    if (now.promptTokens() > countedPrompt) {
      promptTokens.increment(now.promptTokens() - countedPrompt);
      cachedTokens.increment(now.cachedTokens() - countedCached);
      predictedTokens.increment(now.predictedTokens() - countedPredicted);
      countedPrompt = now.promptTokens();
      countedCached = now.cachedTokens();
      countedPredicted = now.predictedTokens();
    }
  }

  private Counter prefixTokens(String kind) {
    return registry.counter(Names.PREFIX_TOKENS, "pool", pool, "kind", kind);
  }

  private ShownZone shownZone(String zone) {
    AtomicInteger grants = new AtomicInteger();
    return new ShownZone(
        grants,
        Gauge.builder(Names.ZONE_GRANTS, grants, AtomicInteger::get)
            .tags("pool", pool, "zone", zone)
            .register(registry));
  }

  private void show(Replica replica) {
    Shown levels = shown.computeIfAbsent(replica.id(), this::shown);
    levels.grants().setRelease(replica.live());
    levels.limit().setRelease(shownAsOwner ? replica.limit() : 0);
    @Nullable Prospect prospect = shownAsOwner ? replica.prospect : null;
    levels.indexBytes().setRelease(prospect == null ? 0 : (int) prospect.index().bytes());
    levels
        .breaker()
        .setRelease(
            switch (replica.conduct().breaker().state()) {
              case CLOSED -> 0;
              case HALF_OPEN -> 1;
              case OPEN -> 2;
            });
  }

  private void forgetAllBut(Roster roster) {
    for (Iterator<Map.Entry<ReplicaId, Shown>> i = shown.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<ReplicaId, Shown> entry = i.next();
      if (roster.find(entry.getKey()).isEmpty()) {
        entry.getValue().gauges().forEach(registry::remove);
        i.remove();
      }
    }
    Set<String> zones = new HashSet<>();
    roster.zones().forEach(each -> zones.add(each.zone()));
    for (String gone : List.copyOf(shownZones.keySet())) {
      if (!zones.contains(gone)) {
        registry.remove(Objects.requireNonNull(shownZones.remove(gone)).gauge());
      }
    }
  }

  private Shown shown(ReplicaId replica) {
    AtomicInteger grants = new AtomicInteger();
    AtomicInteger limit = new AtomicInteger();
    AtomicInteger breaker = new AtomicInteger();
    AtomicInteger indexBytes = new AtomicInteger();
    return new Shown(
        grants,
        limit,
        breaker,
        indexBytes,
        List.of(
            gauge(Names.GRANTS, replica, grants),
            gauge(Names.REPLICA_LIMIT, replica, limit),
            gauge(Names.BREAKER_STATE, replica, breaker),
            gauge(Names.PREFIX_INDEX_BYTES, replica, indexBytes)));
  }

  private Gauge gauge(String name, ReplicaId replica, AtomicInteger value) {
    return Gauge.builder(name, value, AtomicInteger::get)
        .tags("pool", pool, "replica", replica.value())
        .register(registry);
  }

  private Counter event(String name) {
    return registry.counter(Names.LEDGER_EVENTS, "pool", pool, "event", name);
  }
}
