package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.admin.AdminConfig;
import io.penstock.bus.ClusterConfig;
import io.penstock.inference.BatchPolicy;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.EngineKind;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.FailoverStrategy;
import io.penstock.inference.Fleet;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.KvEventSource;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ResumeMode;
import io.penstock.inference.Role;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TierPolicy;
import io.penstock.ingress.IngressConfig;
import io.penstock.prefix.PrefixConfig;
import io.penstock.tenancy.TenancyConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Turns trees that have passed every check, defaults filled in, into records. */
final class Records {
  private Records() {}

  static NodeConfig node(Section root, Fleet fleet, Section tenants) {
    JsonNode node = root.tree().path("node");
    JsonNode ports = node.path("ports");
    return new NodeConfig(
        node.path("name").asText("penstock"),
        node.path("zone").asText(),
        node.path("region").asText(),
        Set.copyOf(each(node.path("roles"), r -> constant(Role.of(r.asText()), r))),
        node.path("event_loops").asInt(),
        optional(root.tree().path("cluster")).map(c -> cluster(c, ports, root.directory())),
        ingress(root.tree().path("ingress"), node, root.directory()),
        optional(ports.path("admin")).map(port -> admin(root.tree().path("admin"), port)),
        tenants.tree().isMissingNode()
            ? TenancyConfig.OPEN
            : TenantRecords.of(tenants, root.directory(), node.path("name").asText("penstock")),
        prefixes(
            root.tree().path("prefixes"), root.directory(), node.path("name").asText("penstock")),
        fleet);
  }

  private static PrefixConfig prefixes(JsonNode prefixes, Path directory, String node) {
    Optional<String> redis = text(prefixes.path("redis_url"));
    Path file = file(text(prefixes.path("file")).orElse("prefixes-" + node + ".json"), directory);
    return new PrefixConfig(redis.isPresent() ? Optional.empty() : Optional.of(file), redis);
  }

  private static AdminConfig admin(JsonNode admin, JsonNode port) {
    return new AdminConfig(admin.path("host").asText(), port.asInt(), text(admin.path("key")));
  }

  private static ClusterConfig cluster(JsonNode cluster, JsonNode ports, Path directory) {
    return new ClusterConfig(
        cluster.path("name").asText(),
        cluster.path("host").asText(),
        ports.path("cluster").asInt(),
        ports.path("bus").asInt(),
        join(cluster.path("join")),
        seconds(cluster.path("heartbeat_interval_seconds")),
        seconds(cluster.path("max_no_heartbeat_seconds")),
        millis(cluster.path("census_ms")),
        seconds(cluster.path("forget_missing_after_seconds")),
        text(cluster.path("hazelcast_file")).map(f -> file(f, directory)));
  }

  private static ClusterConfig.Join join(JsonNode join) {
    if (join.has("dns")) {
      return new ClusterConfig.Join.Dns(join.path("dns").path("service").asText());
    }
    if (join.has("kubernetes")) {
      JsonNode kubernetes = join.path("kubernetes");
      return new ClusterConfig.Join.Kubernetes(
          kubernetes.path("namespace").asText(), kubernetes.path("service").asText());
    }
    return new ClusterConfig.Join.Static(
        each(join.path("static").path("members"), JsonNode::asText));
  }

  private static IngressConfig ingress(JsonNode ingress, JsonNode node, Path directory) {
    JsonNode deadlines = ingress.path("deadlines");
    JsonNode retries = ingress.path("retries");
    return new IngressConfig(
        node.path("host").asText(),
        node.path("ports").path("http").asInt(),
        ingress.path("max_body_bytes").asInt(),
        new IngressConfig.Deadlines(
            millis(deadlines.path("connect_ms")),
            millis(deadlines.path("first_token_ms")),
            millis(deadlines.path("idle_ms")),
            millis(deadlines.path("total_ms"))),
        new IngressConfig.Retries(
            retries.path("max_attempts").asInt(),
            retries.path("budget_percent").asInt(),
            retries.path("budget_min").asInt(),
            millis(retries.path("backoff_ms"))),
        millis(ingress.path("ping_after_ms")),
        seconds(ingress.path("drain_seconds")),
        optional(ingress.path("tls"))
            .map(
                tls ->
                    new IngressConfig.Tls(
                        file(tls.path("certificate_file").asText(), directory),
                        file(tls.path("key_file").asText(), directory))),
        optional(ingress.path("cors"))
            .map(
                cors ->
                    new IngressConfig.Cors(
                        each(cors.path("origins"), JsonNode::asText),
                        cors.path("credentials").asBoolean())));
  }

  static Fleet fleet(Section fleet, String hash) {
    JsonNode tree = fleet.tree();
    Optional<TierPolicy> tiers = TierRecords.of(fleet);
    return new Fleet(
        each(tree.path("pools"), pool -> pool(pool, fleet.directory())),
        tree.path("enable_fallback").asBoolean(),
        text(tree.path("fallback_model_id")).map(n -> model(FleetRules.modelOf(tree, n))),
        tiers,
        tiers
            .flatMap(TierPolicy::estimator)
            .map(estimator -> hash + estimator.model().digest())
            .orElse(hash));
  }

  private static Pool pool(JsonNode pool, Path directory) {
    PoolName name = new PoolName(FleetRules.nameOf(pool));
    return new Pool(
        name,
        model(pool.path("model_id").asText()),
        each(pool.path("aliases"), a -> model(a.asText())),
        constant(EngineKind.of(pool.path("engine").asText()), pool.path("engine")),
        text(pool.path("engine_model_id")).map(Records::model),
        text(pool.path("engine_api_key")),
        constant(
            RoutingStrategy.of(pool.path("routing_strategy").asText()),
            pool.path("routing_strategy")),
        replicas(name, pool, directory),
        pool.path("max_concurrent").asInt(),
        capabilities(pool.path("capabilities")),
        pool.path("context_tokens").asInt(),
        queue(pool.path("queue")),
        health(pool.path("health")),
        failover(pool.path("failover")),
        breaker(pool.path("circuit_breaker")),
        constant(ResumeMode.of(pool.path("resume").asText()), pool.path("resume")),
        new BatchPolicy(
            pool.path("enable_dynamic_batching").asBoolean(),
            pool.path("max_batch_size").asInt(),
            millis(pool.path("batch_timeout_ms")),
            pool.path("batching").asText().equals("gateway")),
        pool.path("prefix_index_bytes").asLong(),
        optional(pool.path("kv_events")).map(Records::kvEvents));
  }

  private static KvEventSource kvEvents(JsonNode events) {
    return new KvEventSource(
        events.path("endpoint").asText(),
        text(events.path("replay_endpoint")),
        events.path("topic").asText(),
        events.path("data_parallel_size").asInt());
  }

  private static ReplicaSource replicas(PoolName name, JsonNode pool, Path directory) {
    JsonNode replicas = pool.path("replicas");
    if (replicas.isArray()) {
      List<ReplicaSpec> specs = new ArrayList<>(replicas.size());
      for (int i = 0; i < replicas.size(); i++) {
        specs.add(replica(replicas.path(i), new ReplicaId(name + "-" + i), pool));
      }
      return new ReplicaSource.Listed(specs);
    }
    if (replicas.has("dns")) {
      return dns(replicas.path("dns"));
    }
    if (replicas.has("file")) {
      return new ReplicaSource.Watched(file(replicas.path("file").asText(), directory));
    }
    JsonNode simulated = replicas.path("simulated");
    return new ReplicaSource.Simulated(
        simulated.path("count").asInt(), simulated.path("profile").asText());
  }

  private static ReplicaSpec replica(JsonNode replica, ReplicaId fallback, JsonNode pool) {
    return new ReplicaSpec(
        text(replica.path("id")).map(ReplicaId::new).orElse(fallback),
        Addresses.engineUrl(replica.path("url").asText()).orElseThrow(),
        replica.path("weight").asDouble(),
        replica.path("max_concurrent").asInt(pool.path("max_concurrent").asInt()),
        capabilities(
            replica.has("capabilities") ? replica.path("capabilities") : pool.path("capabilities")),
        replica.path("zone").asText());
  }

  private static ReplicaSource.Dns dns(JsonNode dns) {
    return new ReplicaSource.Dns(
        dns.path("name").asText(),
        ReplicaSource.RecordType.valueOf(dns.path("type").asText()),
        dns.path("scheme").asText(),
        dns.path("port").asInt(),
        seconds(dns.path("refresh_seconds")),
        text(dns.path("name_server")));
  }

  private static QueueLimits queue(JsonNode queue) {
    JsonNode waits = queue.path("queue_ms");
    return new QueueLimits(
        queue.path("max_requests").asInt(),
        queue.path("max_bytes").asLong(),
        millis(waits.path("interactive")),
        millis(waits.path("default")),
        millis(waits.path("bulk")));
  }

  private static HealthPolicy health(JsonNode health) {
    return new HealthPolicy(
        seconds(health.path("health_check_interval_seconds")),
        seconds(health.path("health_check_timeout_seconds")),
        health.path("consecutive_failures_for_unhealthy").asInt(),
        seconds(health.path("recovery_probe_interval_seconds")),
        millis(health.path("signal_interval_ms")));
  }

  private static FailoverPolicy failover(JsonNode failover) {
    JsonNode strategy = failover.path("strategy");
    return new FailoverPolicy(
        constant(FailoverStrategy.of(strategy.asText()), strategy),
        failover.path("min_healthy_replicas").asInt(),
        failover.path("spread_across_zones").asBoolean(),
        seconds(failover.path("failback_seconds")));
  }

  private static BreakerPolicy breaker(JsonNode breaker) {
    return new BreakerPolicy(
        breaker.path("circuit_breaker_enabled").asBoolean(),
        breaker.path("circuit_breaker_threshold").asDouble(),
        seconds(breaker.path("window_seconds")),
        breaker.path("min_requests").asInt(),
        seconds(breaker.path("circuit_breaker_recovery_seconds")),
        seconds(breaker.path("slow_start_seconds")));
  }

  private static Set<Capability> capabilities(JsonNode labels) {
    return Set.copyOf(each(labels, c -> constant(Capability.of(c.asText()), c)));
  }

  static Path file(String name, Path directory) {
    return directory.resolve(name).normalize();
  }

  static ModelName model(String name) {
    return new ModelName(name);
  }

  static Duration seconds(JsonNode value) {
    return Duration.ofSeconds(value.asLong());
  }

  private static Duration millis(JsonNode value) {
    return Duration.ofMillis(value.asLong());
  }

  static Optional<String> text(JsonNode value) {
    return optional(value).map(JsonNode::asText);
  }

  static Optional<JsonNode> optional(JsonNode value) {
    return value.isMissingNode() ? Optional.empty() : Optional.of(value);
  }

  static <T> List<T> each(JsonNode array, Function<JsonNode, T> function) {
    List<T> list = new ArrayList<>(array.size());
    array.forEach(value -> list.add(function.apply(value)));
    return list;
  }

  static <E> E constant(Optional<E> known, JsonNode label) {
    return known.orElseThrow(
        () -> new IllegalStateException(label + " passes the schema, but no constant has it"));
  }
}
