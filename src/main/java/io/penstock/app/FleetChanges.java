package io.penstock.app;

import io.penstock.inference.Capability;
import io.penstock.inference.Fleet;
import io.penstock.inference.KvEventSource;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What is different in another fleet, in the words of its file. Pure. */
final class FleetChanges {
  private static final int NAMES_MAX = 20;

  /** A key of a pool and what it says, as text. */
  private record Key(String name, Function<Pool, String> value) {}

  private static final List<Key> KEYS =
      List.of(
          new Key("model_id", pool -> pool.model().value()),
          new Key("aliases", pool -> names(pool.aliases())),
          new Key("engine", pool -> pool.engine().label()),
          new Key("engine_model_id", pool -> pool.engineModel().map(ModelName::value).orElse("")),
          new Key("routing_strategy", pool -> pool.routingStrategy().label()),
          new Key("prefix_index_bytes", pool -> "" + pool.prefixIndexBytes()),
          new Key("kv_events.endpoint", pool -> kv(pool, KvEventSource::endpoint)),
          new Key(
              "kv_events.replay_endpoint", pool -> kv(pool, e -> e.replayEndpoint().orElse(""))),
          new Key("kv_events.topic", pool -> kv(pool, KvEventSource::topic)),
          new Key("kv_events.data_parallel_size", pool -> kv(pool, events -> "" + events.ranks())),
          new Key("max_concurrent", pool -> "" + pool.maxConcurrent()),
          new Key("capabilities", pool -> labels(pool.capabilities())),
          new Key("context_tokens", pool -> "" + pool.contextTokens()),
          new Key("queue.max_requests", pool -> "" + pool.queue().maxRequests()),
          new Key("queue.max_bytes", pool -> "" + pool.queue().maxBytes()),
          new Key("queue.queue_ms.interactive", pool -> millis(pool.queue().interactive())),
          new Key("queue.queue_ms.default", pool -> millis(pool.queue().standard())),
          new Key("queue.queue_ms.bulk", pool -> millis(pool.queue().bulk())),
          new Key(
              "health.health_check_interval_seconds",
              pool -> seconds(pool.health().checkInterval())),
          new Key(
              "health.health_check_timeout_seconds", pool -> seconds(pool.health().checkTimeout())),
          new Key(
              "health.consecutive_failures_for_unhealthy",
              pool -> "" + pool.health().consecutiveFailuresForUnhealthy()),
          new Key(
              "health.recovery_probe_interval_seconds",
              pool -> seconds(pool.health().recoveryProbeInterval())),
          new Key("health.signal_interval_ms", pool -> millis(pool.health().signalInterval())),
          new Key("failover.strategy", pool -> pool.failover().strategy().label()),
          new Key(
              "failover.min_healthy_replicas", pool -> "" + pool.failover().minHealthyReplicas()),
          new Key("failover.spread_across_zones", pool -> "" + pool.failover().spreadAcrossZones()),
          new Key("failover.failback_seconds", pool -> seconds(pool.failover().failback())),
          new Key("circuit_breaker.circuit_breaker_enabled", pool -> "" + pool.breaker().enabled()),
          new Key(
              "circuit_breaker.circuit_breaker_threshold", pool -> "" + pool.breaker().threshold()),
          new Key("circuit_breaker.window_seconds", pool -> seconds(pool.breaker().window())),
          new Key("circuit_breaker.min_requests", pool -> "" + pool.breaker().minRequests()),
          new Key(
              "circuit_breaker.circuit_breaker_recovery_seconds",
              pool -> seconds(pool.breaker().recovery())),
          new Key(
              "circuit_breaker.slow_start_seconds", pool -> seconds(pool.breaker().slowStart())),
          new Key("resume", pool -> pool.resume().label()),
          new Key("enable_dynamic_batching", pool -> "" + pool.batching().enabled()),
          new Key("max_batch_size", pool -> "" + pool.batching().maxSize()),
          new Key("batch_timeout_ms", pool -> millis(pool.batching().timeout())),
          new Key("batching", pool -> pool.batching().completions() ? "gateway" : "engine"));

  private FleetChanges() {}

  /** One line for each pool that is new, gone or changed, and for each other key. */
  static List<String> of(Fleet before, Fleet read) {
    List<String> lines = new ArrayList<>();
    if (before.enableFallback() != read.enableFallback()) {
      lines.add(
          "fleet.enable_fallback: " + before.enableFallback() + " -> " + read.enableFallback());
    }
    if (!before.fallbackModel().equals(read.fallbackModel())) {
      lines.add(
          "fleet.fallback_model_id: "
              + orNone(before.fallbackModel().map(ModelName::value).orElse(""))
              + " -> "
              + orNone(read.fallbackModel().map(ModelName::value).orElse("")));
    }
    lines.addAll(TierChanges.of(before.tiers(), read.tiers()));
    Map<PoolName, Pool> gone = new LinkedHashMap<>();
    before.pools().forEach(pool -> gone.put(pool.name(), pool));
    List<PoolName> kept = new ArrayList<>();
    for (Pool pool : read.pools()) {
      Pool was = gone.remove(pool.name());
      if (was == null) {
        lines.add("pool " + pool.name() + ": added");
      } else {
        kept.add(pool.name());
        List<String> changes = changes(was, pool);
        if (!was.equals(pool)) {
          lines.add(
              "pool "
                  + pool.name()
                  + ": "
                  + (changes.isEmpty() ? "defined anew" : String.join(", ", changes)));
        }
      }
    }
    gone.keySet().forEach(name -> lines.add("pool " + name + ": removed"));
    List<PoolName> order = before.pools().stream().map(Pool::name).filter(kept::contains).toList();
    if (!order.equals(kept)) {
      lines.add("fleet.pools: in another order, which is the order in which a model's are tried");
    }
    return lines;
  }

  private static List<String> changes(Pool before, Pool read) {
    List<String> changes = new ArrayList<>();
    for (Key key : KEYS) {
      String was = key.value().apply(before);
      String is = key.value().apply(read);
      if (!was.equals(is)) {
        changes.add(key.name() + " " + orNone(was) + " -> " + orNone(is));
      }
    }
    if (!before.engineApiKey().equals(read.engineApiKey())) {
      changes.add("engine_api_key is another");
    }
    if (!before.replicas().equals(read.replicas())) {
      replicas(before, read, changes);
    }
    return changes;
  }

  private static void replicas(Pool before, Pool read, List<String> changes) {
    if (!(before.replicas() instanceof ReplicaSource.Listed was)
        || !(read.replicas() instanceof ReplicaSource.Listed is)) {
      changes.add("replicas " + text(before.replicas()) + " -> " + text(read.replicas()));
      return;
    }
    Map<ReplicaId, ReplicaSpec> gone = new LinkedHashMap<>();
    was.replicas().forEach(spec -> gone.put(spec.id(), spec));
    List<ReplicaId> added = new ArrayList<>();
    List<ReplicaId> changed = new ArrayList<>();
    for (ReplicaSpec spec : is.replicas()) {
      ReplicaSpec known = gone.remove(spec.id());
      if (known == null) {
        added.add(spec.id());
      } else if (!isSame(known, before, spec, read)) {
        changed.add(spec.id());
      }
    }
    say("added", added, changes);
    say("removed", gone.keySet(), changes);
    say("changed", changed, changes);
  }

  /** Whether the lists say the same of it, what they leave to the pool left out. */
  private static boolean isSame(ReplicaSpec a, Pool ofA, ReplicaSpec b, Pool ofB) {
    boolean limit =
        a.maxConcurrent() == b.maxConcurrent()
            || (a.maxConcurrent() == ofA.maxConcurrent()
                && b.maxConcurrent() == ofB.maxConcurrent());
    boolean can =
        a.capabilities().equals(b.capabilities())
            || (a.capabilities().equals(ofA.capabilities())
                && b.capabilities().equals(ofB.capabilities()));
    return limit
        && can
        && a.url().equals(b.url())
        && a.weight() == b.weight()
        && a.zone().equals(b.zone());
  }

  private static void say(String what, Collection<ReplicaId> ids, List<String> changes) {
    if (!ids.isEmpty()) {
      changes.add("replicas " + what + ": " + names(ids));
    }
  }

  private static String text(ReplicaSource source) {
    if (source instanceof ReplicaSource.Listed listed) {
      return "a list of " + listed.replicas().size();
    }
    if (source instanceof ReplicaSource.Dns dns) {
      return dns.type() + " records of " + dns.name();
    }
    if (source instanceof ReplicaSource.Simulated simulated) {
      return simulated.count() + " simulated " + simulated.profile();
    }
    return "file " + ((ReplicaSource.Watched) source).file();
  }

  private static String kv(Pool pool, Function<KvEventSource, String> of) {
    return pool.kvEvents().map(of).orElse("");
  }

  private static String names(Collection<?> names) {
    int more = names.size() - NAMES_MAX;
    return names.stream().limit(NAMES_MAX).map(Object::toString).collect(Collectors.joining(" "))
        + (more > 0 ? " and " + more + " more" : "");
  }

  private static String labels(Collection<Capability> capabilities) {
    return capabilities.stream().map(Capability::label).sorted().collect(Collectors.joining(" "));
  }

  private static String orNone(String text) {
    return text.isEmpty() ? "none" : text;
  }

  private static String millis(Duration time) {
    return "" + time.toMillis();
  }

  private static String seconds(Duration time) {
    return "" + time.toSeconds();
  }
}
