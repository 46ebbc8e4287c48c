package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.EngineKind;
import io.penstock.inference.KvEventSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the schema of a fleet can not say. Tolerant of values of the wrong type, as {@link
 * NodeRules} is.
 */
final class FleetRules {
  private final Section fleet;
  private final LocalFiles files;
  private final long maxBodyBytes;

  private final Map<String, KeyPath> poolNames = new HashMap<>();
  private final Map<String, KeyPath> replicaIds = new HashMap<>();

  /** Each name that a client may ask for, with the model that has it. */
  private final Map<String, String> modelByName = new HashMap<>();

  /**
   * Rules for a fleet behind an ingress.
   *
   * @param maxBodyBytes what the ingress accepts; 0 when that is not known
   */
  FleetRules(Section fleet, LocalFiles files, long maxBodyBytes) {
    this.fleet = fleet;
    this.files = files;
    this.maxBodyBytes = maxBodyBytes;
  }

  void check() {
    Section pools = fleet.sub("pools");
    for (JsonNode pool : pools.tree()) {
      String model = pool.path("model_id").asText();
      modelByName.put(model, model);
    }
    for (int i = 0; i < pools.tree().size(); i++) {
      Section pool = pools.sub(i);
      if (pool.tree().isObject()) {
        boolean named = name(pool);
        aliases(pool);
        replicas(pool, named);
        queue(pool.sub("queue"));
        batching(pool);
        kvEvents(pool);
      }
    }
    fallback(fleet.sub("fallback_model_id"));
  }

  /** The pool's name, or the model's where it has none. */
  static String nameOf(JsonNode pool) {
    return pool.path("name").asText(pool.path("model_id").asText());
  }

  /** Whether the pool has a name of its own, from which ids of replicas can be made. */
  private boolean name(Section pool) {
    String text = nameOf(pool.tree());
    if (text.isEmpty()) {
      return false;
    }
    KeyPath first = poolNames.putIfAbsent(text, pool.at());
    Section name = pool.sub("name");
    if (first != null && name.tree().isMissingNode()) {
      name.expected("a name of its own, because " + first + " has the name " + text);
    } else if (first != null) {
      name.expected("a name of its own; " + first + " has this one");
    }
    return first == null;
  }

  private void aliases(Section pool) {
    String model = pool.tree().path("model_id").asText();
    Section aliases = pool.sub("aliases");
    for (int i = 0; i < aliases.tree().size(); i++) {
      Section alias = aliases.sub(i);
      String owner = modelByName.putIfAbsent(alias.tree().asText(), model);
      if (owner != null && !owner.equals(model)) {
        alias.expected("a name that no other model has; it means model " + owner);
      }
    }
  }

  private void replicas(Section pool, boolean named) {
    Section replicas = pool.sub("replicas");
    if (replicas.tree().isArray()) {
      Map<String, Integer> urls = new HashMap<>();
      for (int i = 0; i < replicas.tree().size(); i++) {
        Section replica = replicas.sub(i);
        if (replica.tree().isObject()) {
          url(replica.sub("url"), i, urls);
          id(replica, named ? nameOf(pool.tree()) + "-" + i : "");
        }
      }
    } else if (replicas.tree().isObject()) {
      dns(replicas.sub("dns"));
      files.check(replicas.sub("file"));
    }
  }

  private static void url(Section url, int index, Map<String, Integer> seen) {
    if (!url.tree().isTextual()) {
      return;
    }
    String text = url.tree().textValue();
    String plain = Addresses.engineUrl(text).orElse("");
    if (plain.isEmpty()) {
      url.expected(Addresses.ENGINE_URL);
      return;
    }
    Integer first = seen.putIfAbsent(plain, index);
    if (first != null) {
      url.expected("each engine once in a pool; replicas[" + first + "] has the same url");
    }
  }

  private void id(Section replica, String fallback) {
    Section id = replica.sub("id");
    String text = id.tree().asText(fallback);
    if (text.isEmpty()) {
      return;
    }
    KeyPath first = replicaIds.putIfAbsent(text, replica.at());
    if (first != null) {
      id.expected("an id of its own; " + first + " has the id " + text);
    }
  }

  private static void dns(Section dns) {
    if (!dns.tree().isObject()) {
      return;
    }
    Section port = dns.sub("port");
    boolean srv = dns.tree().path("type").asText().equals("SRV");
    if (srv && !port.tree().isMissingNode()) {
      port.expected("nothing: SRV records have their own ports");
    } else if (!srv && port.tree().isMissingNode()) {
      port.expected("the replicas' port: A records have none");
    }
    Section server = dns.sub("name_server");
    if (server.tree().isTextual() && !Addresses.isHostAndPort(server.tree().textValue())) {
      server.expected("host:port, such as 10.0.0.10:53");
    }
  }

  private void queue(Section queue) {
    Section bytes = queue.sub("max_bytes");
    if (bytes.tree().isIntegralNumber() && bytes.tree().longValue() < maxBodyBytes) {
      bytes.expected("at least ingress.max_body_bytes, " + maxBodyBytes);
    }
  }

  private static void batching(Section pool) {
    Section batching = pool.sub("batching");
    if (!batching.tree().asText().equals("gateway")) {
      return;
    }
    String engine = pool.tree().path("engine").asText();
    if (!pool.tree().path("enable_dynamic_batching").asBoolean(true)) {
      batching.expected("engine, because enable_dynamic_batching is false");
    }
    switch (EngineKind.of(engine).orElse(EngineKind.OPENAI)) {
      case VLLM, SGLANG, TGI, TENSORRT_LLM ->
          batching.expected(
              "engine, because "
                  + engine
                  + " batches by itself; gateway is for engines of the kinds openai and llama_cpp");
      case LLAMA_CPP, OPENAI -> {}
    }
    Section size = pool.sub("max_batch_size");
    if (size.tree().isIntegralNumber() && size.tree().intValue() == 1) {
      size.expected("at least 2, because batching is gateway");
    }
  }

  private static void kvEvents(Section pool) {
    Section events = pool.sub("kv_events");
    if (!events.tree().isObject()) {
      return;
    }
    switch (EngineKind.of(pool.tree().path("engine").asText()).orElse(EngineKind.VLLM)) {
      case VLLM, SGLANG -> {}
      case TGI, TENSORRT_LLM, LLAMA_CPP, OPENAI ->
          events.expected(
              "left out, because only engines of the kinds vllm and sglang publish them");
    }
    JsonNode replicas = pool.tree().path("replicas");
    if (replicas.has("simulated")) {
      events.expected("left out, because simulated engines of the node's own publish none");
    }
    Map<String, String> seen = new HashMap<>();
    for (int i = 0; replicas.isArray() && i < replicas.size(); i++) {
      String who = pool.sub("replicas").at() + "[" + i + "].url";
      Addresses.engineUrl(replicas.path(i).path("url").asText())
          .flatMap(url -> KvEventSource.address("tcp://{host}:{port}", url, 0))
          .ifPresent(address -> seen.putIfAbsent(address, who));
    }
    for (String key : List.of("endpoint", "replay_endpoint")) {
      Section endpoint = events.sub(key);
      if (!endpoint.tree().isTextual()) {
        continue;
      }
      String text = endpoint.tree().textValue();
      if (!KvEventSource.isTemplate(text)) {
        endpoint.expected(KvEventSource.FORM);
      } else if (replicas.isArray()) {
        addresses(
            endpoint, text, replicas, events.tree().path("data_parallel_size").asInt(1), seen);
      } else if (!text.contains("{host}")) {
        endpoint.expected(
            "an endpoint with {host}, because the pool's replicas are not listed here");
      }
    }
  }

  /** Each replica's, and each rank's, must be its own. */
  private static void addresses(
      Section endpoint, String text, JsonNode replicas, int ranks, Map<String, String> seen) {
    for (int i = 0; i < replicas.size(); i++) {
      Optional<String> url = Addresses.engineUrl(replicas.path(i).path("url").asText());
      for (int rank = 0;
          url.isPresent() && rank < Math.min(ranks, KvEventSource.RANKS_MAX);
          rank++) {
        String who =
            endpoint.at() + " of replicas[" + i + "]" + (ranks == 1 ? "" : ", rank " + rank);
        Optional<String> address = KvEventSource.address(text, url.get(), rank);
        if (address.isEmpty()) {
          endpoint.expected("a port of 1..65535 for each replica; replicas[" + i + "] has none");
          return;
        }
        String other = seen.putIfAbsent(address.get(), who);
        if (other != null) {
          endpoint.expected(
              "an address of its own for each replica ({host}, {port+N}); "
                  + other
                  + " is "
                  + address.get()
                  + " too");
          return;
        }
      }
    }
  }

  private void fallback(Section fallback) {
    Set<String> names = new HashSet<>(modelByName.keySet());
    names.remove("");
    if (fallback.tree().isTextual() && !names.contains(fallback.tree().textValue())) {
      String known = String.join(", ", names.stream().sorted().toList());
      fallback.expected("a model that a pool serves: " + known);
    }
  }

  /** The model that a client's name for it means. */
  static String modelOf(JsonNode fleet, String name) {
    for (JsonNode pool : fleet.path("pools")) {
      for (JsonNode alias : pool.path("aliases")) {
        if (alias.asText().equals(name)) {
          return pool.path("model_id").asText();
        }
      }
    }
    return name;
  }
}
