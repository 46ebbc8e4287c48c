package io.penstock.config;

import io.penstock.admin.AdminConfig;
import io.penstock.bus.ClusterConfig;
import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.ComplexityModel;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.Role;
import io.penstock.inference.TierPolicy;
import io.penstock.ingress.IngressConfig;
import io.penstock.tenancy.TenancyConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Looks for what can be run and will be regretted: an architecture without a model server or a load
 * balancer, a pool that one failure empties, limits that get in each other's way.
 */
public final class Advisor {
  /** Heartbeats that may be lost before a member is. */
  private static final int HEARTBEATS_MIN = 3;

  private static final int ADMIN_KEY_MIN = 24;

  private final List<Advice> advice = new ArrayList<>();

  private Advisor() {}

  /** Advice on one node by itself. */
  public static List<Advice> advise(NodeConfig config) {
    Advisor advisor = new Advisor();
    advisor.node(config);
    config.cluster().ifPresent(advisor::cluster);
    advisor.ingress(config);
    advisor.tenants(config);
    config.admin().ifPresent(advisor::admin);
    advisor.fleet(config.fleet(), config.ingress());
    return List.copyOf(advisor.advice);
  }

  /** Advice on the nodes of one cluster together; nothing that {@link #advise} says of each. */
  public static List<Advice> adviseTogether(List<NodeConfig> nodes) {
    Advisor advisor = new Advisor();
    if (nodes.size() > 1) {
      advisor.together(nodes);
    }
    return List.copyOf(advisor.advice);
  }

  private void say(String path, String text) {
    advice.add(new Advice(path, text));
  }

  private void node(NodeConfig config) {
    if (!config.roles().contains(Role.INGRESS)) {
      boolean alone = config.cluster().isEmpty();
      say(
          "node.roles",
          "no load balancer: without the role ingress the node takes no requests"
              + (alone ? ", and it is alone" : "; at least two other nodes should have it"));
    }
  }

  private void cluster(ClusterConfig cluster) {
    if (cluster.join() instanceof ClusterConfig.Join.Static join) {
      members(join.members(), cluster);
    } else if (Addresses.isLoopback(cluster.host())) {
      say(
          "cluster.host",
          cluster.host()
              + " can be reached from this machine only; members found by DNS or"
              + " Kubernetes are elsewhere");
    }
    Duration heartbeat = cluster.heartbeatInterval();
    if (cluster.maxNoHeartbeat().compareTo(heartbeat.multipliedBy(HEARTBEATS_MIN)) < 0) {
      say(
          "cluster.max_no_heartbeat_seconds",
          cluster.maxNoHeartbeat().toSeconds()
              + " is less than "
              + HEARTBEATS_MIN
              + " heartbeats: a pause of the JVM removes a live member");
    }
  }

  private void members(List<String> members, ClusterConfig cluster) {
    Set<String> all = new HashSet<>(members);
    all.add(cluster.host() + ":" + cluster.port());
    if (cluster.hazelcastFile().isPresent()) {
      return;
    }
    if (all.size() == 1) {
      say("cluster.join.static.members", "one node: without another, nothing takes over from it");
    } else if (all.size() == 2) {
      say(
          "cluster.join.static.members",
          "two nodes: while they can not reach each other each uses half of every limit, also when"
              + " the other's host is lost, until somebody says so (DELETE /admin/v1/nodes/NAME);"
              + " of three nodes the two that are left take the third's share over after a while");
    }
    long loopback = all.stream().filter(m -> Addresses.isLoopback(hostOf(m))).count();
    if (loopback > 0 && loopback < all.size()) {
      say(
          "cluster.join.static.members",
          "loopback addresses beside others: no machine reaches another's loopback");
    }
  }

  private void admin(AdminConfig admin) {
    int length = admin.key().map(String::length).orElse(ADMIN_KEY_MIN);
    if (length < ADMIN_KEY_MIN) {
      say(
          "admin.key",
          length
              + " characters can be guessed (expected: at least "
              + ADMIN_KEY_MIN
              + " random ones, such as openssl rand -hex 32 prints)");
    }
  }

  private static String hostOf(String hostAndPort) {
    return hostAndPort.substring(0, hostAndPort.lastIndexOf(':'));
  }

  private void ingress(NodeConfig config) {
    IngressConfig ingress = config.ingress();
    if (!config.roles().contains(Role.INGRESS)) {
      return;
    }
    if (ingress.tls().isEmpty() && !Addresses.isLoopback(ingress.host())) {
      say(
          "ingress.tls",
          "off, and node.host is "
              + ingress.host()
              + ": prompts, answers and keys travel in clear unless something in front ends TLS");
    }
    IngressConfig.Deadlines deadlines = ingress.deadlines();
    if (config.cluster().isPresent() && ingress.drain().compareTo(deadlines.total()) < 0) {
      say(
          "ingress.drain_seconds",
          ingress.drain().toSeconds()
              + " s is shorter than deadlines.total_ms, "
              + deadlines.total().toMillis()
              + " ms: a rolling restart cuts the longest streams");
    }
    within("first_token_ms", deadlines.firstToken(), deadlines.total());
    within("idle_ms", deadlines.idle(), deadlines.total());
    within("connect_ms", deadlines.connect(), deadlines.total());
    if (ingress.pingAfter().compareTo(deadlines.firstToken()) >= 0) {
      say(
          "ingress.ping_after_ms",
          ingress.pingAfter().toMillis()
              + " is not before deadlines.first_token_ms: a slow request is never pinged, and"
              + " proxies in between may close it");
    }
  }

  private void tenants(NodeConfig config) {
    TenancyConfig tenants = config.tenants();
    if (!config.roles().contains(Role.INGRESS) || tenants.auth() != TenancyConfig.Auth.NONE) {
      return;
    }
    if (config.isOpenToOthers()) {
      say(
          "tenants.auth",
          "none, and node.host is "
              + config.ingress().host()
              + ": whoever reaches the node may use it");
    }
    if (!tenants.keys().isEmpty()) {
      say("tenants.auth", "none: the keys of tenants.list are not looked at");
    }
  }

  private void within(String key, Duration part, Duration total) {
    if (part.compareTo(total) > 0) {
      say(
          "ingress.deadlines." + key,
          part.toMillis() + " is more than total_ms, " + total.toMillis() + ": it never acts");
    }
  }

  private void fleet(Fleet fleet, IngressConfig ingress) {
    if (fleet.pools().stream().noneMatch(Advisor::canServe)) {
      say("fleet.pools", "no model server: no pool can have a replica");
    }
    for (int i = 0; i < fleet.pools().size(); i++) {
      pool("fleet.pools[" + i + "]", fleet.pools().get(i), ingress);
    }
    fallback(fleet);
    shared(fleet);
    fleet.tiers().flatMap(TierPolicy::estimator).ifPresent(of -> estimator(of, fleet.pools()));
  }

  private static boolean canServe(Pool pool) {
    return !(pool.replicas() instanceof ReplicaSource.Listed list && list.replicas().isEmpty());
  }

  private void pool(String path, Pool pool, IngressConfig ingress) {
    if (pool.replicas() instanceof ReplicaSource.Listed list) {
      listed(path, pool, list.replicas());
    } else if (pool.replicas() instanceof ReplicaSource.Simulated simulated) {
      count(path + ".replicas", simulated.count());
      slots(path, pool, (long) simulated.count() * pool.maxConcurrent());
    }
    for (Priority priority : Priority.values()) {
      Duration wait = pool.queue().waitOf(priority);
      if (wait.compareTo(ingress.deadlines().total()) > 0) {
        say(
            path + ".queue.queue_ms." + priority.label(),
            wait.toMillis()
                + " is more than ingress.deadlines.total_ms, "
                + ingress.deadlines().total().toMillis()
                + ": it never acts");
      }
    }
    if (pool.batching().completions() && pool.maxConcurrent() > 1) {
      say(
          path + ".max_concurrent",
          pool.maxConcurrent()
              + ", and batching is gateway: calls beyond the first wait inside an engine that takes"
              + " one after the other, where nobody can join them (expected: 1)");
    }
    if (pool.health().checkTimeout().compareTo(pool.health().checkInterval()) > 0) {
      say(
          path + ".health.health_check_timeout_seconds",
          pool.health().checkTimeout().toSeconds()
              + " is more than health_check_interval_seconds: checks of a hanging replica come"
              + " later than the interval says");
    }
  }

  private void listed(String path, Pool pool, List<ReplicaSpec> replicas) {
    if (replicas.isEmpty()) {
      say(path + ".replicas", "no model server: the pool " + pool.name() + " has no replica");
      return;
    }
    count(path + ".replicas", replicas.size());
    slots(path, pool, replicas.stream().mapToLong(ReplicaSpec::maxConcurrent).sum());
    zones(path, pool, replicas);
    for (int i = 0; i < replicas.size(); i++) {
      String url = replicas.get(i).url();
      if (pool.engineApiKey().isPresent()
          && url.startsWith("http://")
          && !Addresses.isLoopback(Addresses.hostOf(url))) {
        say(path + ".replicas[" + i + "].url", "http: engine_api_key travels in clear");
      }
    }
  }

  private void zones(String path, Pool pool, List<ReplicaSpec> replicas) {
    Set<String> zones = replicas.stream().map(ReplicaSpec::zone).collect(Collectors.toSet());
    boolean onThisMachine =
        replicas.stream().allMatch(r -> Addresses.isLoopback(Addresses.hostOf(r.url())));
    boolean spreads = pool.failover().spreadAcrossZones();
    if (replicas.size() < 2) {
      return;
    }
    if (zones.size() == 1 && !zones.contains("")) {
      say(
          path + ".replicas",
          "all in zone "
              + zones.iterator().next()
              + ": it takes the pool down"
              + (spreads ? ", and spread_across_zones has nothing to spread over" : ""));
    } else if (zones.size() == 1 && spreads && !onThisMachine) {
      say(
          path + ".failover.spread_across_zones",
          "true, but no replica has a zone: all may be in one, which takes the pool down");
    } else if (zones.size() > 1 && zones.contains("") && spreads) {
      for (int i = 0; i < replicas.size(); i++) {
        if (replicas.get(i).zone().isEmpty()) {
          say(
              path + ".replicas[" + i + "].zone",
              "missing, and others have one: what fails in one zone may be tried again in the same");
        }
      }
    }
  }

  private void count(String path, int count) {
    if (count == 1) {
      say(path, "one replica: its failure or restart stops the pool");
    }
  }

  private void slots(String path, Pool pool, long slots) {
    if (slots > pool.queue().maxRequests()) {
      say(
          path + ".queue.max_requests",
          pool.queue().maxRequests()
              + " is less than the "
              + slots
              + " requests that may run at a time: when the replicas fail, not all of their requests"
              + " fit into the queue for another try");
    }
  }

  private void fallback(Fleet fleet) {
    Map<ModelName, Long> pools =
        fleet.pools().stream()
            .collect(Collectors.groupingBy(Pool::model, LinkedHashMap::new, Collectors.counting()));
    if (pools.size() < 2) {
      return;
    }
    if (!fleet.enableFallback()) {
      say("fleet.enable_fallback", "false: a model without a usable replica answers 503");
    } else if (fleet.fallbackModel().isEmpty()) {
      say(
          "fleet.fallback_model_id",
          "missing, so enable_fallback does nothing: a model without a usable replica answers 503");
    }
  }

  /** Whether an estimator that was trained with embeddings gets them, and of the same model. */
  private void estimator(ComplexityEstimator of, List<Pool> pools) {
    String path = "fleet.tiers.estimator_embeddings";
    if (of.model().embedded().isEmpty()) {
      of.embedder()
          .ifPresent(
              has -> say(path, "it does nothing: estimator_file was trained without embeddings"));
      return;
    }
    ComplexityModel.Embedded trained = of.model().embedded().get();
    String with = trained.model() + " (" + trained.dimension() + " numbers)";
    if (of.embedder().isEmpty()) {
      say(
          path,
          "missing, and estimator_file was trained with embeddings of "
              + with
              + ": complexity is estimated by its other weights, which go by a prompt's surface"
              + " alone");
      return;
    }
    ModelName model = of.embedder().get().model();
    List<Pool> serving = pools.stream().filter(pool -> pool.model().equals(model)).toList();
    if (serving.stream().noneMatch(pool -> isNamed(pool, trained.model()))) {
      say(
          path + ".model_id",
          model
              + " is not what estimator_file was trained with, "
              + with
              + ": embeddings of another model mean nothing to it, and those of another dimension are"
              + " not used");
    }
  }

  private static boolean isNamed(Pool pool, String name) {
    return pool.model().value().equals(name)
        || pool.aliases().stream().anyMatch(alias -> alias.value().equals(name))
        || pool.engineModel().filter(model -> model.value().equals(name)).isPresent();
  }

  /** An engine in several pools gets as much as all of them send. */
  private void shared(Fleet fleet) {
    Map<String, List<Integer>> byUrl = new LinkedHashMap<>();
    Map<String, Long> slots = new HashMap<>();
    for (int i = 0; i < fleet.pools().size(); i++) {
      if (fleet.pools().get(i).replicas() instanceof ReplicaSource.Listed list) {
        for (ReplicaSpec replica : list.replicas()) {
          byUrl.computeIfAbsent(replica.url(), u -> new ArrayList<>()).add(i);
          slots.merge(replica.url(), (long) replica.maxConcurrent(), Long::sum);
        }
      }
    }
    byUrl.forEach(
        (url, pools) -> {
          if (pools.size() > 1) {
            say(
                "fleet.pools[" + pools.get(pools.size() - 1) + "].replicas",
                url
                    + " is in "
                    + pools.size()
                    + " pools: it may get "
                    + slots.get(url)
                    + " requests at a time, the sum of their max_concurrent");
          }
        });
  }

  private void together(List<NodeConfig> nodes) {
    same(nodes, "fleet", n -> n.fleet().hash(), "not the same on all nodes; nodes will complain");
    same(
        nodes,
        "cluster.name",
        n -> n.cluster().map(ClusterConfig::name).orElse("(alone)"),
        "not the same on all nodes; they do not join");
    same(nodes, "node.region", NodeConfig::region, "not the same on all nodes of a cluster");
    unique(nodes, "node.name", NodeConfig::name);
    long ingress = nodes.stream().filter(n -> n.roles().contains(Role.INGRESS)).count();
    if (ingress < 2) {
      say(
          "node.roles",
          "no load balancer: "
              + (ingress == 0 ? "no node has" : "only one node has")
              + " the role ingress");
    }
    for (Role role : Role.values()) {
      if (role != Role.INGRESS && nodes.stream().noneMatch(n -> n.roles().contains(role))) {
        say("node.roles", "no node has the role " + role);
      }
    }
  }

  private void same(
      List<NodeConfig> nodes, String path, Function<NodeConfig, String> value, String text) {
    Set<String> values = nodes.stream().map(value).collect(Collectors.toSet());
    if (values.size() > 1) {
      say(path, text);
    }
  }

  private void unique(List<NodeConfig> nodes, String path, Function<NodeConfig, String> value) {
    Set<String> seen = new HashSet<>();
    for (NodeConfig node : nodes) {
      if (!seen.add(value.apply(node))) {
        say(path, value.apply(node) + " is the name of several nodes");
      }
    }
  }
}
