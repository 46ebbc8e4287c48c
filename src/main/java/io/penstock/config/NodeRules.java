package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.Role;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the schema of a node can not say. Runs on whatever the file holds, so that all mistakes come
 * at once: a value of the wrong type is passed over, the schema has reported it.
 */
final class NodeRules {
  private final Section root;
  private final LocalFiles files;

  NodeRules(Section root, LocalFiles files) {
    this.root = root;
    this.files = files;
  }

  void check() {
    roles();
    ports();
    if (root.tree().path("cluster").isObject()) {
      cluster(root.sub("cluster"));
    }
    admin(root.sub("admin"));
    prefixes(root.sub("prefixes"));
    tls(root.sub("ingress").sub("tls"));
    cors(root.sub("ingress").sub("cors"));
  }

  private boolean isAlone() {
    return root.tree().path("cluster").isMissingNode();
  }

  private void roles() {
    Section roles = root.sub("node").sub("roles");
    if (!isAlone() || !roles.tree().isArray() || roles.tree().isEmpty()) {
      return;
    }
    List<String> missing = new ArrayList<>();
    for (Role role : Role.values()) {
      if (role != Role.INGRESS && !holds(roles.tree(), role.label())) {
        missing.add(role.label());
      }
    }
    if (!missing.isEmpty()) {
      roles.expected(
          String.join(", ", missing) + " too, because without a cluster no other node has it");
    }
  }

  private static boolean holds(JsonNode array, String text) {
    for (JsonNode each : array) {
      if (each.asText().equals(text)) {
        return true;
      }
    }
    return false;
  }

  private void ports() {
    List<String> opened =
        isAlone() ? List.of("http", "admin") : List.of("http", "cluster", "bus", "admin");
    Section ports = root.sub("node").sub("ports");
    Map<Integer, String> owners = new HashMap<>();
    for (String name : opened) {
      Section port = ports.sub(name);
      if (port.tree().isInt() && port.tree().intValue() != 0) {
        String owner = owners.putIfAbsent(port.tree().intValue(), name);
        if (owner != null) {
          port.expected("another port than ports." + owner);
        }
      }
    }
  }

  private void admin(Section admin) {
    Section key = admin.sub("key");
    String host = admin.tree().path("host").asText();
    boolean isOpen = !root.tree().path("node").path("ports").path("admin").isMissingNode();
    if (isOpen && key.tree().isMissingNode() && !Addresses.isLoopback(host)) {
      key.expected(
          "a key from the environment, such as \"${ADMIN_KEY}\", because admin.host, "
              + host
              + ", can be reached from other machines");
    }
  }

  private static void prefixes(Section prefixes) {
    Section redis = prefixes.sub("redis_url");
    Addresses.checkUrl(redis, Set.of("redis", "rediss"), "a redis:// or rediss:// URL");
    if (!redis.tree().isMissingNode() && prefixes.tree().has("file")) {
      prefixes.sub("file").expected("left out, because redis_url is given");
    }
  }

  private void cluster(Section cluster) {
    Section name = root.sub("node").sub("name");
    if (name.tree().isMissingNode()) {
      name.expected("a name of its own for each node of a cluster");
    }
    Section host = cluster.sub("host");
    if (Addresses.isWildcard(host.tree().asText())) {
      host.expected("an address at which the other nodes reach this one");
    }
    Section silence = cluster.sub("max_no_heartbeat_seconds");
    int interval = cluster.tree().path("heartbeat_interval_seconds").asInt();
    if (silence.tree().isInt() && silence.tree().intValue() <= interval) {
      silence.expected("more than heartbeat_interval_seconds, " + interval);
    }
    join(cluster);
  }

  private void join(Section cluster) {
    Section join = cluster.sub("join");
    Section own = cluster.sub("hazelcast_file");
    if (own.tree().isMissingNode() && join.tree().isMissingNode()) {
      join.expected("static, dns or kubernetes, or a hazelcast_file beside it");
    } else if (!own.tree().isMissingNode() && !join.tree().isMissingNode()) {
      own.expected("nothing beside join: the file would replace it");
    }
    files.check(own);
    Section members = join.sub("static").sub("members");
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < members.tree().size(); i++) {
      member(members.sub(i), i, seen);
    }
  }

  private static void member(Section member, int index, Map<String, Integer> seen) {
    if (!member.tree().isTextual()) {
      return;
    }
    String text = member.tree().textValue();
    if (!Addresses.isHostAndPort(text)) {
      member.expected(Addresses.HOST_PORT);
      return;
    }
    Integer first = seen.putIfAbsent(text, index);
    if (first != null) {
      member.expected("each member once; members[" + first + "] is the same");
    }
  }

  private void tls(Section tls) {
    files.checkPem(tls.sub("certificate_file"), "CERTIFICATE");
    files.checkPem(tls.sub("key_file"), "PRIVATE KEY");
  }

  private static void cors(Section cors) {
    Section origins = cors.sub("origins");
    for (int i = 0; i < origins.tree().size(); i++) {
      Section origin = origins.sub(i);
      if (origin.tree().isTextual() && !Addresses.isOrigin(origin.tree().textValue())) {
        origin.expected(Addresses.ORIGIN);
      }
    }
    Section credentials = cors.sub("credentials");
    if (credentials.tree().asBoolean() && holds(origins.tree(), "*")) {
      credentials.expected("false with origin *: browsers refuse the pair");
    }
  }
}
