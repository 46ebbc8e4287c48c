package io.penstock.cli;

import io.penstock.config.NodeConfig;
import io.penstock.inference.Capability;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.Role;
import io.penstock.ingress.IngressConfig;
import io.penstock.tenancy.TenancyConfig;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a node that has just started says to the person who started it. */
final class Banner {
  private static final int REPLICAS_SHOWN = 4;

  private Banner() {}

  /** Several lines, ended by a line feed. */
  static String of(NodeConfig config, String version) {
    StringBuilder out = new StringBuilder();
    out.append("Penstock ").append(version).append(", node ").append(config.name());
    out.append(": ").append(roles(config)).append('\n');
    config
        .cluster()
        .ifPresent(
            cluster ->
                out.append("cluster ")
                    .append(cluster.name())
                    .append(" on ")
                    .append(cluster.host())
                    .append(", ports ")
                    .append(cluster.port())
                    .append(" (members) and ")
                    .append(cluster.busPort())
                    .append(" (bus)\n"));
    out.append('\n');
    row(out, config.roles().contains(Role.INGRESS) ? "API" : "", apiUrl(config));
    row(out, config.roles().contains(Role.INGRESS) ? "auth" : "", auth(config));
    row(out, "health", url(config) + "/health/ready");
    row(out, "metrics", url(config) + "/metrics");
    for (Pool pool : config.fleet().pools()) {
      row(out, "pool", pool(pool));
    }
    warning(config).ifPresent(line -> out.append("\nWARNING  ").append(line).append('\n'));
    curl(config).ifPresent(line -> out.append("\nTry it:\n\n  ").append(line).append("\n\n"));
    return out.append("Ctrl-C lets live streams finish for up to ")
        .append(config.ingress().drain().toSeconds())
        .append(" s; a second one ends at once.\n")
        .toString();
  }

  /** That everybody may use the node who reaches it, where others than this machine do. */
  static Optional<String> warning(NodeConfig config) {
    return config.isOpenToOthers()
        ? Optional.of(
            "whoever reaches "
                + config.ingress().host()
                + " may use this node: set tenants.auth in its file, or serve on 127.0.0.1")
        : Optional.empty();
  }

  private static String auth(NodeConfig config) {
    TenancyConfig tenants = config.tenants();
    String issuer = tenants.jwt().map(TenancyConfig.Jwt::issuer).orElse("");
    String keys =
        "API keys of "
            + (tenants.tenants().size() == 1 ? "1 tenant" : tenants.tenants().size() + " tenants")
            + " in the file"
            + (config.admin().isPresent() ? ", and those that the admin API makes" : "");
    return tenants.auth()
        + ": "
        + switch (tenants.auth()) {
          case NONE -> "no key is asked for";
          case KEYS -> keys;
          case JWT -> "tokens of " + issuer;
          case KEYS_OR_JWT -> keys + "; tokens of " + issuer;
        };
  }

  /** A request that the node will answer; none without the role {@code ingress}. */
  static Optional<String> curl(NodeConfig config) {
    if (!config.roles().contains(Role.INGRESS) || config.fleet().pools().isEmpty()) {
      return Optional.empty();
    }
    Optional<Pool> chat =
        config.fleet().pools().stream()
            .filter(pool -> !pool.capabilities().equals(Set.of(Capability.EMBEDDINGS)))
            .findFirst();
    String options = config.ingress().tls().isPresent() ? "curl -k " : "curl ";
    return Optional.of(
        chat.map(
                pool ->
                    options
                        + "-N "
                        + post(config, "/v1/chat/completions")
                        + body(
                            pool,
                            "\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"))
            .orElseGet(
                () ->
                    options
                        + post(config, "/v1/embeddings")
                        + body(config.fleet().pools().get(0), "\"input\":\"Hello\"")));
  }

  private static String post(NodeConfig config, String path) {
    String key =
        config.tenants().auth() == TenancyConfig.Auth.NONE
            ? ""
            : " -H \"authorization: Bearer $KEY\"";
    return url(config) + path + key + " -H 'content-type: application/json' -d ";
  }

  private static String body(Pool pool, String rest) {
    String model = pool.model().value().replace("\\", "\\\\").replace("\"", "\\\"");
    return "'" + ("{\"model\":\"" + model + "\"," + rest + "}").replace("'", "'\\''") + "'";
  }

  private static String apiUrl(NodeConfig config) {
    return config.roles().contains(Role.INGRESS) ? url(config) + "/v1" : "";
  }

  /** An address at which this machine reaches the node. */
  private static String url(NodeConfig config) {
    IngressConfig ingress = config.ingress();
    String host =
        switch (ingress.host()) {
          case "0.0.0.0" -> "127.0.0.1";
          case "::", "[::]", "0:0:0:0:0:0:0:0" -> "[::1]";
          default ->
              ingress.host().contains(":") && !ingress.host().startsWith("[")
                  ? "[" + ingress.host() + "]"
                  : ingress.host();
        };
    return (ingress.tls().isPresent() ? "https" : "http") + "://" + host + ":" + ingress.port();
  }

  private static String roles(NodeConfig config) {
    return config.roles().stream().sorted().map(Role::label).collect(Collectors.joining(", "));
  }

  private static void row(StringBuilder out, String name, String value) {
    if (!name.isEmpty()) {
      out.append(String.format("  %-9s%s%n", name, value));
    }
  }

  private static String pool(Pool pool) {
    String model =
        pool.model().value().equals(pool.name().value()) ? "" : " serves " + pool.model().value();
    return pool.name() + model + " on " + replicas(pool.replicas());
  }

  private static String replicas(ReplicaSource source) {
    if (source instanceof ReplicaSource.Listed listed) {
      List<ReplicaSpec> all = listed.replicas();
      String shown =
          all.stream()
              .limit(REPLICAS_SHOWN)
              .map(replica -> replica.id() + " " + replica.url())
              .collect(Collectors.joining(", "));
      int more = all.size() - REPLICAS_SHOWN;
      return shown + (more > 0 ? " and " + more + " more" : "");
    }
    if (source instanceof ReplicaSource.Dns dns) {
      return "the " + dns.type() + " records of " + dns.name();
    }
    if (source instanceof ReplicaSource.Watched watched) {
      return "what " + watched.file() + " lists";
    }
    if (source instanceof ReplicaSource.Simulated simulated) {
      return simulated.count() + " simulated engines";
    }
    throw new IllegalArgumentException("replicas: " + source + " (expected: a known source)");
  }
}
