package io.penstock.app;

import io.penstock.admin.AdminConfig;
import io.penstock.bus.ClusterConfig;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Role;
import io.penstock.ingress.IngressConfig;
import io.penstock.prefix.PrefixConfig;
import io.penstock.tenancy.TenancyConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What becomes of a configuration that was read again while its node runs. Pure. Each line names a
 * key, what it was and what it is; keys and secrets are never shown.
 */
final class Changes {
  private final List<String> applied = new ArrayList<>();
  private final List<String> needsRestart = new ArrayList<>();
  private final NodeConfig next;

  /**
   * @param started as the node was started
   * @param before as it runs
   * @param read as its file is now
   */
  private Changes(NodeConfig started, NodeConfig before, NodeConfig read) {
    fixed("node.name", before.name(), read.name());
    fixed("node.zone", before.zone(), read.zone());
    fixed("node.region", before.region(), read.region());
    fixed("node.roles", labels(before.roles()), labels(read.roles()));
    fixed("node.event_loops", before.eventLoops(), read.eventLoops());
    cluster(before.cluster(), read.cluster());
    IngressConfig ingress = ingress(started.ingress().quietMax(), before.ingress(), read.ingress());
    Optional<AdminConfig> admin = admin(before.admin(), read.admin());
    TenancyConfig tenants =
        TenantChanges.of(before.tenants(), read.tenants(), applied, needsRestart);
    if (before.name().equals(read.name())) { // by which the file is named where it says no other
      fixed("prefixes.file", path(before.prefixes()), path(read.prefixes()));
    }
    if (!before.prefixes().redisUrl().equals(read.prefixes().redisUrl())) {
      needsRestart.add("prefixes.redis_url: another"); // it may hold a password
    }
    applied.addAll(FleetChanges.of(before.fleet(), read.fleet()));
    this.next =
        new NodeConfig(
            before.name(),
            before.zone(),
            before.region(),
            before.roles(),
            before.eventLoops(),
            before.cluster(),
            ingress,
            admin,
            tenants,
            before.prefixes(),
            read.fleet());
  }

  static Changes of(NodeConfig started, NodeConfig before, NodeConfig read) {
    return new Changes(started, before, read);
  }

  /** What the node is to go by: as read, but for what needs a restart. */
  NodeConfig next() {
    return next;
  }

  List<String> applied() {
    return List.copyOf(applied);
  }

  List<String> needsRestart() {
    return List.copyOf(needsRestart);
  }

  private IngressConfig ingress(Duration quietMax, IngressConfig before, IngressConfig read) {
    fixed("node.host", before.host(), read.host());
    fixed("node.ports.http", before.port(), read.port());
    return new IngressConfig(
        before.host(),
        before.port(),
        live("ingress.max_body_bytes", before.maxBodyBytes(), read.maxBodyBytes()),
        deadlines(quietMax, before.deadlines(), read.deadlines()),
        new IngressConfig.Retries(
            live(
                "ingress.retries.max_attempts",
                before.retries().maxAttempts(),
                read.retries().maxAttempts()),
            live(
                "ingress.retries.budget_percent",
                before.retries().budgetPercent(),
                read.retries().budgetPercent()),
            live(
                "ingress.retries.budget_min",
                before.retries().budgetMin(),
                read.retries().budgetMin()),
            millis(
                "ingress.retries.backoff_ms",
                before.retries().backoff(),
                read.retries().backoff())),
        millis("ingress.ping_after_ms", before.pingAfter(), read.pingAfter()),
        Duration.ofSeconds(
            live("ingress.drain_seconds", before.drain().toSeconds(), read.drain().toSeconds())),
        tls(before.tls(), read.tls()),
        cors(before.cors(), read.cors()));
  }

  private IngressConfig.Deadlines deadlines(
      Duration quietMax, IngressConfig.Deadlines before, IngressConfig.Deadlines read) {
    Duration total = before.total();
    if (read.total().compareTo(quietMax) > 0) {
      fixed(
          "ingress.deadlines.total_ms (over " + quietMax.toMillis() + ")",
          before.total().toMillis(),
          read.total().toMillis());
    } else {
      total = millis("ingress.deadlines.total_ms", before.total(), read.total());
    }
    return new IngressConfig.Deadlines(
        millis("ingress.deadlines.connect_ms", before.connect(), read.connect()),
        millis("ingress.deadlines.first_token_ms", before.firstToken(), read.firstToken()),
        millis("ingress.deadlines.idle_ms", before.idle(), read.idle()),
        total);
  }

  private Optional<IngressConfig.Tls> tls(
      Optional<IngressConfig.Tls> before, Optional<IngressConfig.Tls> read) {
    if (before.isEmpty() || read.isEmpty()) {
      fixed("ingress.tls", onOrOff(before), onOrOff(read));
      return before;
    }
    return Optional.of(
        new IngressConfig.Tls(
            live(
                "ingress.tls.certificate_file",
                before.get().certificate(),
                read.get().certificate()),
            live("ingress.tls.key_file", before.get().key(), read.get().key())));
  }

  private Optional<IngressConfig.Cors> cors(
      Optional<IngressConfig.Cors> before, Optional<IngressConfig.Cors> read) {
    live(
        "ingress.cors",
        before.map(Changes::text).orElse("none"),
        read.map(Changes::text).orElse("none"));
    return read;
  }

  private static String text(IngressConfig.Cors cors) {
    return String.join(" ", cors.origins()) + (cors.credentials() ? " with credentials" : "");
  }

  private Optional<AdminConfig> admin(Optional<AdminConfig> before, Optional<AdminConfig> read) {
    if (before.isEmpty() || read.isEmpty()) {
      fixed("node.ports.admin", port(before), port(read));
      return before;
    }
    AdminConfig was = before.get();
    AdminConfig is = read.get();
    fixed("node.ports.admin", was.port(), is.port());
    fixed("admin.host", was.host(), is.host());
    if (is.key().isEmpty() && was.key().isPresent() && !is.host().equals(was.host())) {
      // The file may do without a key on its new address; the old one stays open until a restart.
      needsRestart.add("admin.key: removed");
      return before;
    }
    if (!was.key().equals(is.key())) {
      applied.add(
          "admin.key: "
              + (was.key().isEmpty() ? "added" : is.key().isEmpty() ? "removed" : "another"));
    }
    return Optional.of(new AdminConfig(was.host(), was.port(), is.key()));
  }

  private static String port(Optional<AdminConfig> admin) {
    return admin.map(a -> Integer.toString(a.port())).orElse("none");
  }

  private void cluster(Optional<ClusterConfig> before, Optional<ClusterConfig> read) {
    if (before.isEmpty() || read.isEmpty()) {
      fixed("cluster", onOrOff(before), onOrOff(read));
      return;
    }
    ClusterConfig was = before.get();
    ClusterConfig is = read.get();
    fixed("node.ports.cluster", was.port(), is.port());
    fixed("node.ports.bus", was.busPort(), is.busPort());
    fixed("cluster.name", was.name(), is.name());
    fixed("cluster.host", was.host(), is.host());
    fixed("cluster.join", text(was.join()), text(is.join()));
    fixed(
        "cluster.heartbeat_interval_seconds",
        was.heartbeatInterval().toSeconds(),
        is.heartbeatInterval().toSeconds());
    fixed(
        "cluster.max_no_heartbeat_seconds",
        was.maxNoHeartbeat().toSeconds(),
        is.maxNoHeartbeat().toSeconds());
    fixed("cluster.census_ms", was.census().toMillis(), is.census().toMillis());
    fixed(
        "cluster.forget_missing_after_seconds",
        was.forgetMissing().toSeconds(),
        is.forgetMissing().toSeconds());
    fixed("cluster.hazelcast_file", path(was.hazelcastFile()), path(is.hazelcastFile()));
  }

  private static String text(ClusterConfig.Join join) {
    if (join instanceof ClusterConfig.Join.Static members) {
      return "static " + String.join(" ", members.members());
    }
    if (join instanceof ClusterConfig.Join.Kubernetes kubernetes) {
      return "kubernetes " + kubernetes.namespace() + "/" + kubernetes.service();
    }
    return join instanceof ClusterConfig.Join.Dns dns ? "dns " + dns.service() : "another";
  }

  private static String path(Optional<?> file) {
    return file.map(Object::toString).orElse("none");
  }

  private static String onOrOff(Optional<?> section) {
    return section.isPresent() ? "on" : "off";
  }

  private static String labels(Set<Role> roles) {
    return roles.stream().map(Role::label).sorted().collect(Collectors.joining(" "));
  }

  private Duration millis(String key, Duration before, Duration read) {
    return Duration.ofMillis(live(key, before.toMillis(), read.toMillis()));
  }

  private <T> T live(String key, T before, T read) {
    note(applied, key, before, read);
    return read;
  }

  private static String path(PrefixConfig prefixes) {
    return prefixes.file().map(Objects::toString).orElse("");
  }

  private void fixed(String key, Object before, Object read) {
    note(needsRestart, key, before, read);
  }

  private static void note(List<String> lines, String key, Object before, Object read) {
    if (!Objects.equals(before, read)) {
      lines.add(key + ": " + word(before) + " -> " + word(read));
    }
  }

  private static String word(Object value) {
    String text = value.toString();
    return text.isEmpty() ? "none" : text;
  }
}
