package io.penstock.app;

import io.penstock.admin.AdminConfig;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Fleet;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSource;
import io.penstock.ingress.IngressConfig;
import java.util.List;
import java.util.Optional;

/** Copies with one thing changed. */
final class Configs {
  private Configs() {}

  /** The ports that were taken. */
  static NodeConfig withPorts(NodeConfig config, int port, Optional<AdminConfig> admin) {
    IngressConfig of = config.ingress();
    IngressConfig ingress =
        new IngressConfig(
            of.host(),
            port,
            of.maxBodyBytes(),
            of.deadlines(),
            of.retries(),
            of.pingAfter(),
            of.drain(),
            of.tls(),
            of.cors());
    return new NodeConfig(
        config.name(),
        config.zone(),
        config.region(),
        config.roles(),
        config.eventLoops(),
        config.cluster(),
        ingress,
        admin,
        config.tenants(),
        config.prefixes(),
        config.fleet());
  }

  static Fleet withPools(Fleet of, List<Pool> pools) {
    return new Fleet(pools, of.enableFallback(), of.fallbackModel(), of.tiers(), of.hash());
  }

  static NodeConfig withFleet(NodeConfig config, Fleet fleet) {
    return new NodeConfig(
        config.name(),
        config.zone(),
        config.region(),
        config.roles(),
        config.eventLoops(),
        config.cluster(),
        config.ingress(),
        config.admin(),
        config.tenants(),
        config.prefixes(),
        fleet);
  }

  static Pool withReplicas(Pool of, ReplicaSource replicas) {
    return new Pool(
        of.name(),
        of.model(),
        of.aliases(),
        of.engine(),
        of.engineModel(),
        of.engineApiKey(),
        of.routingStrategy(),
        replicas,
        of.maxConcurrent(),
        of.capabilities(),
        of.contextTokens(),
        of.queue(),
        of.health(),
        of.failover(),
        of.breaker(),
        of.resume(),
        of.batching(),
        of.prefixIndexBytes(),
        of.kvEvents());
  }
}
