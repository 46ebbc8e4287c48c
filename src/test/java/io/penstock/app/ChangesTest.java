package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import io.penstock.tiers.PromptFeatures;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChangesTest {
  private static final String NODE =
      """
      {"node": {"name": "a", "zone": "z", "host": "127.0.0.1",
                "ports": {"http": 1, "cluster": 2, "bus": 3, "admin": 4}},
       "cluster": {"host": "127.0.0.1", "join": {"static": {"members": ["127.0.0.1:2"]}}},
       "admin": {"key": "sk-1"},
       "fleet": {"pools": [
         {"name": "p", "model_id": "m", "engine": "openai",
          "replicas": [{"id": "x", "url": "http://10.0.0.1:8000"},
                       {"id": "y", "url": "http://10.0.0.2:8000"}]}]}}
      """;

  @TempDir private Path folder;

  private NodeConfig load(JsonObject tree) throws IOException {
    Path file = Files.writeString(folder.resolve("node.json"), tree.encode());
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(ok -> ok.config(), no -> Assertions.fail(no.mistakes().toString()));
  }

  private static JsonObject node() {
    return new JsonObject(NODE);
  }

  private static JsonObject pool(JsonObject node) {
    return node.getJsonObject("fleet").getJsonArray("pools").getJsonObject(0);
  }

  private Changes changes(JsonObject before, JsonObject read) throws IOException {
    NodeConfig started = load(before);
    return Changes.of(started, started, load(read));
  }

  /** Sets a key by its path; a value that is no JSON is a text. */
  private static void set(JsonObject in, String path, String value) {
    JsonObject at = in;
    List<String> keys = List.of(path.split("\\.", -1));
    String last = keys.get(keys.size() - 1);
    for (String key : keys.subList(0, keys.size() - 1)) {
      if (!at.containsKey(key)) {
        at.put(key, new JsonObject());
      }
      at = at.getJsonObject(key);
    }
    if (value.matches("-?[0-9]+(\\.[0-9]+)?")) {
      at.put(last, value.contains(".") ? (Number) Double.valueOf(value) : Integer.valueOf(value));
    } else if (value.equals("true") || value.equals("false")) {
      at.put(last, Boolean.valueOf(value));
    } else if (value.startsWith("[")) {
      at.put(last, new JsonArray(value.replace('\'', '"')));
    } else if (value.startsWith("{")) {
      at.put(last, new JsonObject(value.replace('\'', '"')));
    } else {
      at.put(last, value);
    }
  }

  private static final String POOL_KEYS =
      """
      model_id; n; model_id m -> n
      aliases; ['q']; aliases none -> q
      engine; sglang; engine openai -> sglang
      engine_model_id; M; engine_model_id none -> M
      engine_api_key; sk-secret; engine_api_key is another
      routing_strategy; random; routing_strategy least_loaded -> random
      max_concurrent; 7; max_concurrent 100 -> 7
      capabilities; ['tools']; capabilities none -> tools
      context_tokens; 4096; context_tokens 0 -> 4096
      resume; off; resume auto -> off
      batching; gateway; batching engine -> gateway
      prefix_index_bytes; 16777216; prefix_index_bytes 2097152 -> 16777216
      kv_events.endpoint; tcp://{host}:{port+7}; \
      kv_events.endpoint none -> tcp://{host}:{port+7}, kv_events.data_parallel_size none -> 1
      kv_events.topic; t; kv_events.endpoint none -> tcp://{host}:5557, \
      kv_events.topic none -> t, kv_events.data_parallel_size none -> 1
      enable_dynamic_batching; false; enable_dynamic_batching true -> false
      max_batch_size; 7; max_batch_size 64 -> 7
      batch_timeout_ms; 7; batch_timeout_ms 50 -> 7
      queue.max_requests; 7; queue.max_requests 5000 -> 7
      queue.max_bytes; 16777216; queue.max_bytes 1073741824 -> 16777216
      queue.queue_ms.interactive; 7; queue.queue_ms.interactive 30000 -> 7
      queue.queue_ms.default; 7; queue.queue_ms.default 60000 -> 7
      queue.queue_ms.bulk; 7; queue.queue_ms.bulk 300000 -> 7
      health.health_check_interval_seconds; 7; health.health_check_interval_seconds 10 -> 7
      health.health_check_timeout_seconds; 7; health.health_check_timeout_seconds 5 -> 7
      health.consecutive_failures_for_unhealthy; 7; \
      health.consecutive_failures_for_unhealthy 3 -> 7
      health.recovery_probe_interval_seconds; 7; health.recovery_probe_interval_seconds 5 -> 7
      health.signal_interval_ms; 700; health.signal_interval_ms 1000 -> 700
      failover.strategy; n_plus_one; failover.strategy active_active -> n_plus_one
      failover.min_healthy_replicas; 2; failover.min_healthy_replicas 1 -> 2
      failover.spread_across_zones; false; failover.spread_across_zones true -> false
      failover.failback_seconds; 7; failover.failback_seconds 60 -> 7
      circuit_breaker.circuit_breaker_enabled; false; \
      circuit_breaker.circuit_breaker_enabled true -> false
      circuit_breaker.circuit_breaker_threshold; 0.25; \
      circuit_breaker.circuit_breaker_threshold 0.5 -> 0.25
      circuit_breaker.window_seconds; 7; circuit_breaker.window_seconds 60 -> 7
      circuit_breaker.min_requests; 7; circuit_breaker.min_requests 10 -> 7
      circuit_breaker.circuit_breaker_recovery_seconds; 7; \
      circuit_breaker.circuit_breaker_recovery_seconds 60 -> 7
      circuit_breaker.slow_start_seconds; 7; circuit_breaker.slow_start_seconds 30 -> 7
      replicas; {'dns': {'name': 'e.f', 'port': 1}}; replicas a list of 2 -> A records of e.f
      replicas; [{'id': 'x', 'url': 'http://10.0.0.9:8000'}, {'id': 'w', 'url': 'http://h:1'}]; \
      replicas added: w, replicas removed: y, replicas changed: x
      """;

  @Test
  void everyKeyOfAPoolIsToldAndTaken() throws Exception {
    Set<String> told = new HashSet<>();
    for (String row : POOL_KEYS.lines().toList()) {
      String[] cells = row.split("; ", 3);
      JsonObject before = node();
      JsonObject read = node();
      if (cells[0].startsWith("kv_events")) {
        pool(before).put("engine", "vllm");
        pool(read).put("engine", "vllm");
      }
      set(pool(read), cells[0], cells[1]);
      Changes changes = changes(before, read);
      assertThat(changes.applied()).containsExactly("pool p: " + cells[2]);
      assertThat(changes.needsRestart()).isEmpty();
      assertThat(changes.next()).isEqualTo(load(read));
      assertThat(changes.applied().toString()).doesNotContain("sk-");
      told.add(cells[0].replaceAll("\\..*", ""));
    }
    Set<String> keys =
        new HashSet<>(
            new JsonObject(ConfigLoader.fleetSchema())
                .getJsonObject("$defs")
                .getJsonObject("pool")
                .getJsonObject("properties")
                .fieldNames());
    keys.remove("name");
    assertThat(told).as("all of the schema's").isEqualTo(keys);
  }

  private static final String TIERS =
      "{'list': [{'level': 'fast', 'model_id': 'm', 'latency_target_ms': 500,"
          + " 'cost_per_1k_tokens': 0.5, 'quality_score': 0.7},"
          + " {'level': 'quality', 'model_id': 'm', 'latency_target_ms': 5000,"
          + " 'cost_per_1k_tokens': 2.5, 'quality_score': 1}],"
          + " 'cascade': {'hook': {'url': 'http://h'}, 'llm': {'model_id': 'm', 'prompt': 'x'}}}";

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "auto_model_id; any; fleet.tiers.auto_model_id: auto -> any",
        "aliases; ['a']; fleet.tiers.aliases: none -> a",
        "default_tier; quality; fleet.tiers.default_tier: fast -> quality",
        "strategy; cost_optimized; fleet.tiers.strategy: select_tier -> cost_optimized",
        "quality_threshold; 0.5; fleet.tiers.quality_threshold: 0.8 -> 0.5",
        "latency_budget_ms; 7; fleet.tiers.latency_budget_ms: 5000 -> 7",
        "min_quality; 0.5; fleet.tiers.min_quality: 0.7 -> 0.5",
        "list.0.model_id; n; tier fast: model_id m -> n",
        "list.0.latency_target_ms; 7; tier fast: latency_target_ms 500 -> 7",
        "list.0.cost_per_1k_tokens; 1.5; tier fast: cost_per_1k_tokens 0.5 -> 1.5, "
            + "cost_per_1k_input_tokens 0.5 -> 1.5, cost_per_1k_output_tokens 0.5 -> 1.5",
        "list.0.cost_per_1k_input_tokens; 0.25; tier fast: cost_per_1k_input_tokens 0.5 -> 0.25",
        "list.0.cost_per_1k_output_tokens; 0.25; tier fast: cost_per_1k_output_tokens 0.5 -> 0.25",
        "list.0.quality_score; 0.5; tier fast: quality_score 0.7 -> 0.5",
        "list.0.fallback_tier; quality; tier fast: fallback_tier none -> quality",
        "cascade.max_cascades; 1; fleet.tiers.cascade.max_cascades: 2 -> 1",
        "cascade.max_draft_bytes; 2048; fleet.tiers.cascade.max_draft_bytes: 262144 -> 2048",
        "cascade.min_mean_logprob; -1.5; fleet.tiers.cascade.min_mean_logprob: 0.0 -> -1.5",
        "cascade.on_judge_failure; reject; fleet.tiers.cascade.on_judge_failure: accept -> reject",
        "cascade.max_held_bytes; 524288; fleet.tiers.cascade.max_held_bytes: 67108864 -> 524288",
        "cascade.on_failed_escalation; error;"
            + " fleet.tiers.cascade.on_failed_escalation: serve_draft -> error",
        "cascade.hook.url; http://i; fleet.tiers.cascade.hook.url: http://h -> http://i",
        "cascade.hook.timeout_ms; 7; fleet.tiers.cascade.hook.timeout_ms: 1000 -> 7",
        "cascade.llm.model_id; n; fleet.tiers.cascade.llm.model_id: m -> n",
        "cascade.llm.timeout_ms; 7; fleet.tiers.cascade.llm.timeout_ms: 5000 -> 7",
        "cascade.llm.prompt; y; fleet.tiers.cascade.llm.prompt is another",
      })
  void everyKeyOfTheTiersIsToldAndTaken(String key, String value, String line) throws Exception {
    JsonObject before = node();
    JsonObject fleet = before.getJsonObject("fleet");
    fleet.getJsonArray("pools").add(pool(node()).put("name", "q").put("model_id", "n"));
    fleet.getJsonArray("pools").getJsonObject(1).remove("replicas");
    fleet
        .getJsonArray("pools")
        .getJsonObject(1)
        .put("replicas", new JsonArray("[{\"url\": \"http://i:1\"}]"));
    fleet.put("tiers", new JsonObject(TIERS.replace('\'', '"')));
    JsonObject read = before.copy();
    JsonObject tiers = read.getJsonObject("fleet").getJsonObject("tiers");
    if (key.startsWith("list.0.")) {
      set(tiers.getJsonArray("list").getJsonObject(0), key.substring(7), value);
    } else {
      set(tiers, key, value);
    }
    Changes changes = changes(before, read);
    assertThat(changes.applied()).containsExactly(line);
    assertThat(changes.needsRestart()).isEmpty();
    assertThat(changes.next()).isEqualTo(load(read));
  }

  /** A model of the features that there are, with a bias. */
  private Path estimator(double bias) throws IOException {
    JsonArray ones = new JsonArray();
    JsonArray names = new JsonArray();
    for (String name : PromptFeatures.NAMES) {
      names.add(name);
      ones.add(1.0);
    }
    JsonObject model =
        new JsonObject()
            .put("format", "penstock-complexity")
            .put("version", 1)
            .put("features", names)
            .put("means", ones)
            .put("scales", ones)
            .put("weights", ones)
            .put("bias", bias)
            .put("hashed_weights", new JsonArray())
            .put("quantiles", new JsonArray().add(0).add(1));
    return Files.writeString(folder.resolve("estimator.json"), model.encode());
  }

  @Test
  void anotherModelInTheSameFileIsTaken() throws Exception {
    JsonObject tree = node();
    JsonObject tiers =
        new JsonObject(TIERS.replace('\'', '"')).put("estimator_file", "estimator.json");
    tree.getJsonObject("fleet").put("tiers", tiers);
    estimator(0);
    NodeConfig before = load(tree);
    estimator(0.5);
    NodeConfig read = load(tree);
    assertThat(Changes.of(before, before, read).applied())
        .singleElement(org.assertj.core.api.InstanceOfAssertFactories.STRING)
        .matches("fleet\\.tiers\\.estimator_file: model [0-9a-f]{32} -> model [0-9a-f]{32}");
    assertThat(read.fleet().hash())
        .as("nodes see that they differ")
        .isNotEqualTo(before.fleet().hash());
    assertThat(Changes.of(read, read, load(tree)).applied()).isEmpty();
  }

  /** A model with weights for embeddings of two numbers, in the file of {@link #estimator}. */
  private JsonObject embeddedEstimator() throws IOException {
    JsonObject model = new JsonObject(Files.readString(estimator(0)));
    JsonObject embeddings =
        new JsonObject()
            .put("model", "m")
            .put("dimension", 2)
            .put("prompt_chars", 100)
            .put("vector_weights", new JsonArray().add(1).add(-1));
    for (String same : List.of("weights", "bias", "hashed_weights", "quantiles")) {
      embeddings.put(same, model.getValue(same));
    }
    return model.put("embeddings", embeddings);
  }

  private JsonObject embedding(JsonObject model) throws IOException {
    Files.writeString(folder.resolve("estimator.json"), model.encode());
    JsonObject tree = node();
    tree.getJsonObject("fleet")
        .put(
            "tiers",
            new JsonObject(TIERS.replace('\'', '"'))
                .put("estimator_file", "estimator.json")
                .put(
                    "estimator_embeddings",
                    new JsonObject().put("model_id", "m").put("timeout_ms", 40)));
    JsonArray pools = tree.getJsonObject("fleet").getJsonArray("pools");
    pools.add(
        pool(node())
            .put("name", "q")
            .put("model_id", "n")
            .put("replicas", new JsonArray("[{\"url\": \"http://i:1\"}]")));
    return tree;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "model_id; n; fleet.tiers.estimator_embeddings.model_id: m -> n",
        "timeout_ms; 7; fleet.tiers.estimator_embeddings.timeout_ms: 40 -> 7",
        "cache_bytes; 0; fleet.tiers.estimator_embeddings.cache_bytes: 4194304 -> 0",
      })
  void everyKeyOfItsEmbeddingsIsToldAndTaken(String key, String value, String line)
      throws Exception {
    JsonObject before = embedding(embeddedEstimator());
    JsonObject read = before.copy();
    set(read, "fleet.tiers.estimator_embeddings." + key, value);
    assertThat(changes(before, read).applied()).containsExactly(line);
    JsonObject without = before.copy();
    without.getJsonObject("fleet").getJsonObject("tiers").remove("estimator_embeddings");
    assertThat(changes(before, without).applied())
        .containsExactly("fleet.tiers.estimator_embeddings: on -> off");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "dimension; 3; vector_weights: 2 numbers (expected: 3, the dimension)",
        "model; ''; model: \"\" (expected: a name)",
        "prompt_chars; 0; prompt_chars: 0 (expected: 1..16384)",
        "weights; [1]; embeddings: weights: 1 numbers (expected: 21, one for each feature)",
        "vector_weights; ['x', 1]; vector_weights[0]: \"x\" (expected: a number)",
      })
  void aFileWhoseEmbeddingsAreWrongIsAMistake(String key, String value, String mistake)
      throws Exception {
    JsonObject model = embeddedEstimator();
    if (key.equals("model")) {
      model.getJsonObject("embeddings").put("model", "");
    } else {
      set(model, "embeddings." + key, value);
    }
    Path file = Files.writeString(folder.resolve("node.json"), embedding(model).encode());
    String said =
        ConfigLoader.load(file, name -> Optional.empty())
            .fold(ok -> "", no -> no.mistakes().get(0).toString());
    assertThat(said).contains("fleet.tiers.estimator_file: \"estimator.json\": " + mistake);
  }

  @Test
  void embeddingsThatAreWantedAndNotThereAreAdvice() throws Exception {
    JsonObject model = embeddedEstimator();
    JsonObject tree = embedding(model);
    assertThat(advice(tree)).isEmpty();
    tree.getJsonObject("fleet")
        .getJsonObject("tiers")
        .getJsonObject("estimator_embeddings")
        .put("model_id", "n");
    assertThat(advice(tree))
        .containsExactly(
            "fleet.tiers.estimator_embeddings.model_id: n is not what estimator_file was trained"
                + " with, m (2 numbers): embeddings of another model mean nothing to it, and those of"
                + " another dimension are not used");
    tree.getJsonObject("fleet").getJsonObject("tiers").remove("estimator_embeddings");
    assertThat(advice(tree))
        .containsExactly(
            "fleet.tiers.estimator_embeddings: missing, and estimator_file was trained with"
                + " embeddings of m (2 numbers): complexity is estimated by its other weights, which"
                + " go by a prompt's surface alone");
    model.remove("embeddings");
    assertThat(advice(embedding(model)))
        .containsExactly(
            "fleet.tiers.estimator_embeddings: it does nothing: estimator_file was trained without"
                + " embeddings");
  }

  private List<String> advice(JsonObject tree) throws Exception {
    Path file = Files.writeString(folder.resolve("node.json"), tree.encode());
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(
            ok ->
                ok.advice().stream()
                    .map(Object::toString)
                    .filter(each -> each.contains("estimator"))
                    .toList(),
            no -> {
              throw new AssertionError(no.mistakes());
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "version; 2; version 2 (expected: version 1; train it again with this release's penstock"
            + " calibrate)",
        "bias; [1]; bias: [1] (expected: a number)",
        "scales; [1]; scales: 1 numbers (expected: 21, one for each feature)",
        "quantiles; [2,1]; quantiles[1]: 1.0 (expected: at least the one before)",
        "features; ['x']; means: 21 numbers (expected: 1, one for each feature)",
      })
  void aFileThatIsNoModelOfOursIsAMistake(String key, String value, String mistake)
      throws Exception {
    JsonObject model = new JsonObject(Files.readString(estimator(0)));
    set(model, key, value);
    Files.writeString(folder.resolve("estimator.json"), model.encode());
    JsonObject tree = node();
    tree.getJsonObject("fleet")
        .put(
            "tiers",
            new JsonObject(TIERS.replace('\'', '"')).put("estimator_file", "estimator.json"));
    Path file = Files.writeString(folder.resolve("node.json"), tree.encode());
    String said =
        ConfigLoader.load(file, name -> Optional.empty())
            .fold(ok -> "", no -> no.mistakes().get(0).toString());
    assertThat(said)
        .contains("fleet.tiers.estimator_file: \"estimator.json\"")
        .contains(mistake.substring(0, 12));
  }

  @Test
  void tiersComeAndGo() throws Exception {
    JsonObject read = node();
    JsonObject tiers = new JsonObject(TIERS.replace('\'', '"'));
    read.getJsonObject("fleet").put("tiers", tiers);
    assertThat(changes(node(), read).applied()).containsExactly("fleet.tiers: off -> on");
    JsonObject fewer = read.copy();
    fewer.getJsonObject("fleet").getJsonObject("tiers").getJsonArray("list").remove(0);
    fewer.getJsonObject("fleet").getJsonObject("tiers").remove("cascade");
    assertThat(changes(read, fewer).applied())
        .containsExactly(
            "fleet.tiers.default_tier: fast -> quality",
            "tier fast: removed",
            "fleet.tiers.cascade: on -> off");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "ingress.max_body_bytes; 2048; 16777216 -> 2048",
        "ingress.deadlines.connect_ms; 7; 3000 -> 7",
        "ingress.deadlines.first_token_ms; 7; 120000 -> 7",
        "ingress.deadlines.idle_ms; 7; 30000 -> 7",
        "ingress.deadlines.total_ms; 3600000; 600000 -> 3600000",
        "ingress.retries.max_attempts; 7; 3 -> 7",
        "ingress.retries.budget_percent; 7; 20 -> 7",
        "ingress.retries.budget_min; 7; 10 -> 7",
        "ingress.retries.backoff_ms; 7; 50 -> 7",
        "ingress.ping_after_ms; 7; 10000 -> 7",
        "ingress.drain_seconds; 7; 30 -> 7",
        "ingress.cors; {'origins': ['https://a.b']}; none -> https://a.b",
        "admin.key; sk-2; another",
        "fleet.enable_fallback; false; true -> false",
        "fleet.fallback_model_id; m; none -> m",
      })
  void whatCanChangeLiveDoes(String key, String value, String line) throws Exception {
    JsonObject read = node();
    set(read, key, value);
    Changes changes = changes(node(), read);
    assertThat(changes.applied()).containsExactly(key + ": " + line);
    assertThat(changes.needsRestart()).isEmpty();
    assertThat(changes.next()).isEqualTo(load(read));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "node.name; b; a -> b",
        "node.zone; y; z -> y",
        "node.region; r; local -> r",
        "node.event_loops; 7; 0 -> 7",
        "node.roles; ['router']; batcher health-prober ingress router -> router",
        "node.ports.http; 7; 1 -> 7",
        "node.ports.cluster; 7; 2 -> 7",
        "node.ports.bus; 7; 3 -> 7",
        "node.ports.admin; 7; 4 -> 7",
        "admin.host; 127.0.0.2; 127.0.0.1 -> 127.0.0.2",
        "cluster.name; other; penstock -> other",
        "cluster.host; 127.0.0.2; 127.0.0.1 -> 127.0.0.2",
        "cluster.join; {'dns': {'service': 'x'}}; static 127.0.0.1:2 -> dns x",
        "cluster.heartbeat_interval_seconds; 2; 1 -> 2",
        "cluster.max_no_heartbeat_seconds; 9; 5 -> 9",
        "cluster.census_ms; 70; 5000 -> 70",
      })
  void whatNeedsARestartStaysAndIsNamed(String key, String value, String line) throws Exception {
    JsonObject read = node();
    set(read, key, value);
    Changes changes = changes(node(), read);
    assertThat(changes.needsRestart()).containsExactly(key + ": " + line);
    assertThat(changes.applied()).isEmpty();
    assertThat(changes.next()).isEqualTo(load(node()));
  }

  @Test
  void sectionsThatComeOrGoNeedARestart() throws Exception {
    JsonObject alone = node();
    alone.remove("cluster");
    alone.getJsonObject("node").getJsonObject("ports").remove("admin");
    assertThat(changes(node(), alone).needsRestart())
        .containsExactly("cluster: on -> off", "node.ports.admin: 4 -> none");
    assertThat(changes(alone, node()).needsRestart())
        .containsExactly("cluster: off -> on", "node.ports.admin: none -> 4");
    assertThat(changes(alone, node()).next()).isEqualTo(load(alone));
  }

  @Test
  void aKeyIsNotTakenAwayFromAnAddressThatStaysOpen() throws Exception {
    JsonObject open = node();
    set(open, "admin.host", "0.0.0.0");
    JsonObject read = node();
    read.getJsonObject("admin").remove("key");
    Changes changes = changes(open, read);
    assertThat(changes.needsRestart())
        .containsExactly("admin.host: 0.0.0.0 -> 127.0.0.1", "admin.key: removed");
    assertThat(changes.next().admin()).isEqualTo(load(open).admin());
  }

  @Test
  void aTotalDeadlineOverWhatConnectionsBearNeedsARestart() throws Exception {
    JsonObject read = node();
    set(read, "ingress.deadlines.total_ms", "3600001");
    assertThat(changes(node(), read).needsRestart())
        .containsExactly("ingress.deadlines.total_ms (over 3600000): 600000 -> 3600001");
    JsonObject began = node();
    set(began, "ingress.deadlines.total_ms", "7200000");
    assertThat(changes(began, read).applied())
        .containsExactly("ingress.deadlines.total_ms: 7200000 -> 3600001");
  }

  @Test
  void whatFollowsFromThePoolsLimitIsNoChangeOfItsReplicas() throws Exception {
    JsonObject read = node();
    set(pool(read), "max_concurrent", "7");
    set(pool(read), "capabilities", "['tools']");
    assertThat(changes(node(), read).applied())
        .containsExactly("pool p: max_concurrent 100 -> 7, capabilities none -> tools");
  }

  @Test
  void poolsThatComeGoOrMoveAreTold() throws Exception {
    JsonObject second = pool(node()).put("name", "s");
    second.put("replicas", new JsonArray().add(new JsonObject().put("url", "http://h:2")));
    JsonObject two = node();
    two.getJsonObject("fleet").getJsonArray("pools").add(second);
    JsonObject turned = node();
    turned.getJsonObject("fleet").put("pools", new JsonArray(List.of(second, pool(node()))));
    assertThat(changes(node(), two).applied()).containsExactly("pool s: added");
    assertThat(changes(two, node()).applied()).containsExactly("pool s: removed");
    assertThat(changes(two, turned).applied())
        .containsExactly(
            "fleet.pools: in another order, which is the order in which a model's are tried");
    assertThat(changes(two, two).applied()).isEmpty();
  }
}
