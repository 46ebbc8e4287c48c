package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each configuration with the exact text that its author sees. JSON is written with ' for ". */
class BadConfigurationTest {
  private static final String POOL = "'model_id': 'm', 'replicas': [{'url': 'http://h:1'}]";
  private static final Map<String, String> ENVIRONMENT = Map.of("WORD", "abc", "EMPTY", "");

  private static final String URL =
      "(expected: http:// or https://, a host and perhaps a port, without a path: http://10.0.0.7:8000)";
  private static final String ORIGIN =
      "(expected: * or scheme://host[:port] without a path: https://chat.example.com)";
  private static final String LABEL =
      "(expected: 1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit)";
  private static final String NAME =
      "(expected: 1 to 128 letters, digits, or any of . _ : / @ -, beginning with a letter or digit)";
  private static final String PLACEHOLDER =
      "(expected: ${NAME} or ${NAME:-default}, or $${ for a literal ${)";
  private static final String REPLICAS =
      "(expected: array, or object with exactly one of dns, file, simulated)";
  private static final String HOST_PORT = "(expected: host:port, such as 10.0.0.7:5701)";

  @TempDir Path directory;

  private record Case(String name, String json, List<String> mistakes) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case bad(String name, String json, String... mistakes) {
    return new Case(name, json, List.of(mistakes));
  }

  private static String node(String body) {
    return "{'node': {" + body + "}, 'fleet': {'pools': [{" + POOL + "}]}}";
  }

  private static String cluster(String body) {
    return "{'node': {'name': 'n'}, 'cluster': {"
        + body
        + "}, 'fleet': {'pools': [{"
        + POOL
        + "}]}}";
  }

  private static String ingress(String body) {
    return "{'ingress': {" + body + "}, 'fleet': {'pools': [{" + POOL + "}]}}";
  }

  private static String fleet(String body) {
    return "{'fleet': {'pools': [{" + POOL + "}], " + body + "}}";
  }

  private static String pools(String... bodies) {
    return "{'fleet': {'pools': [{" + String.join("}, {", bodies) + "}]}}";
  }

  private static String pool(String body) {
    return pools(POOL + ", " + body);
  }

  private static String replicas(String body) {
    return pools("'model_id': 'm', 'replicas': " + body);
  }

  static Stream<Case> configurations() {
    return Stream.of(
            documents(),
            nodes(),
            clusters(),
            ingresses(),
            fleets(),
            replicaLists(),
            placeholders(),
            tierLists(),
            tenants())
        .flatMap(cases -> cases);
  }

  private static String tiers(String tier, String more) {
    return fleet(
        "'tiers': {'list': [{'level': 'fast', 'model_id': 'm', 'latency_target_ms': 500,"
            + " 'cost_per_1k_tokens': 0.001, 'quality_score': 0.7"
            + tier
            + "}]"
            + more
            + "}");
  }

  private static Stream<Case> tierLists() {
    return Stream.of(
        bad(
            "no tier",
            fleet("'tiers': {'list': []}"),
            "fleet.tiers.list: [] (expected: array of 1 to 16)"),
        bad(
            "half a tier",
            fleet("'tiers': {'list': [{'level': 'fast', 'model_id': 'm'}]}"),
            "fleet.tiers.list[0].latency_target_ms: missing (expected: integer from 1 to 86400000)",
            "fleet.tiers.list[0].cost_per_1k_tokens: missing (expected: number from 0 to 1000000)",
            "fleet.tiers.list[0].quality_score: missing (expected: number from 0 to 1)"),
        bad(
            "tier of an unknown model",
            tiers(
                "}, {'level': 'fast', 'model_id': 'n', 'latency_target_ms': 0,"
                    + " 'cost_per_1k_tokens': -1, 'quality_score': 7",
                ""),
            "fleet.tiers.list[1].level: \"fast\" "
                + "(expected: a name of its own; fleet.tiers.list[0] has this one)",
            "fleet.tiers.list[1].model_id: \"n\" (expected: a model that a pool serves: m)",
            "fleet.tiers.list[1].latency_target_ms: 0 (expected: integer from 1 to 86400000)",
            "fleet.tiers.list[1].cost_per_1k_tokens: -1 (expected: number from 0 to 1000000)",
            "fleet.tiers.list[1].quality_score: 7 (expected: number from 0 to 1)"),
        bad(
            "tiers that are not there",
            tiers(", 'fallback_tier': 'best'", ", 'default_tier': 'standard'"),
            "fleet.tiers.list[0].fallback_tier: \"best\" (expected: a tier of the list: fast)",
            "fleet.tiers.default_tier: \"standard\" (expected: a tier of the list: fast)"),
        bad(
            "a chain without an end",
            tiers(", 'fallback_tier': 'fast'", ""),
            "fleet.tiers.list[0].fallback_tier: \"fast\" "
                + "(expected: a tier above; from this one the chain comes back here)"),
        bad(
            "a choice that is a model",
            tiers("", ", 'auto_model_id': 'm'"),
            "fleet.tiers.auto_model_id: \"m\" "
                + "(expected: a name that no model has; it means model m)"),
        bad(
            "cascade",
            tiers(
                "",
                ", 'cascade': {'max_cascades': 99, 'on_judge_failure': 'panic',"
                    + " 'max_held_bytes': 2048, 'max_draft_bytes': 4096,"
                    + " 'on_failed_escalation': 'pray',"
                    + " 'hook': {'url': 'judge'}, 'llm': {'model_id': 'j'}}"),
            "fleet.tiers.cascade.max_cascades: 99 (expected: integer from 0 to 15)",
            "fleet.tiers.cascade.on_judge_failure: \"panic\" (expected: one of accept, reject)",
            "fleet.tiers.cascade.max_held_bytes: 2048"
                + " (expected: max_draft_bytes or more, which is 4096)",
            "fleet.tiers.cascade.on_failed_escalation: \"pray\""
                + " (expected: one of serve_draft, error)",
            "fleet.tiers.cascade.hook.url: \"judge\" (expected: http:// or https:// URL)",
            "fleet.tiers.cascade.llm.model_id: \"j\" (expected: a model that a pool serves: m)"),
        bad(
            "estimator is missing",
            tiers("", ", 'estimator_file': 'model.json'"),
            "fleet.tiers.estimator_file: \"model.json\" (expected: a readable file)"),
        bad(
            "embeddings for no estimator, of no model",
            tiers("", ", 'estimator_embeddings': {'model_id': 'e', 'timeout_ms': 0}"),
            "fleet.tiers.estimator_file: missing "
                + "(expected: the model file that estimator_embeddings has embeddings for)",
            "fleet.tiers.estimator_embeddings.model_id: \"e\" "
                + "(expected: a model that a pool serves: m)",
            "fleet.tiers.estimator_embeddings.timeout_ms: 0 (expected: integer from 1 to 10000)"),
        bad(
            "estimator is something else",
            tiers("", ", 'estimator_file': 'node.json'"),
            "fleet.tiers.estimator_file: \"node.json\": format  "
                + "(expected: \"penstock-complexity\")"));
  }

  private static Stream<Case> documents() {
    return Stream.of(
        bad("empty", "", "node.json: an empty file (expected: a JSON object)"),
        bad(
            "brace",
            "{'fleet': {'pools': []}",
            "node.json: line 1, column 24: Unexpected end-of-input: expected close marker for Object "
                + "(expected: JSON)"),
        bad(
            "comma",
            "{\n  'node': {\n    'name': 'a',\n  }\n}",
            "node.json: line 4, column 3: Unexpected character ('}'): was expecting double-quote to start field name "
                + "(expected: JSON)"),
        bad(
            "comment",
            "{ // hello\n}",
            "node.json: line 1, column 3: Unexpected character ('/'): maybe a (non-standard) comment? "
                + "(expected: JSON)"),
        bad(
            "same key twice",
            "{'node': {}, 'node': {}}",
            "node.json: line 1, column 20: Duplicate field 'node' (expected: JSON)"),
        bad(
            "two documents",
            "{} {}",
            "node.json: line 1, column 4: text after the end of the object (expected: JSON)"),
        bad("an array", "[]", "node.json: array (expected: a JSON object)"),
        bad("nothing", "{}", "fleet: missing (expected: object)"),
        bad(
            "unknown section",
            fleet("'$schema': 'x'").replace("{'fleet'", "{'pipes': {}, 'fleet'"),
            "pipes: unknown key (expected: one of node, cluster, ingress, admin, prefixes, tenants, fleet)"),
        bad(
            "misspelt section",
            "{'Fleet': {}}",
            "Fleet: unknown key (did you mean fleet?)",
            "fleet: missing (expected: object)"),
        bad(
            "key of another section",
            node("'max_body_bytes': 1"),
            "node.max_body_bytes: unknown key (did you mean ingress.max_body_bytes?)"));
  }

  private static Stream<Case> nodes() {
    return Stream.of(
        bad(
            "no roles",
            node("'roles': []"),
            "node.roles: [] (expected: array of at least 1 without repetition)"),
        bad(
            "unknown role",
            node("'roles': ['ingres', 'router', 'batcher', 'health-prober']"),
            "node.roles[0]: \"ingres\" "
                + "(expected: one of ingress, router, batcher, health-prober)"),
        bad(
            "role twice",
            node("'roles': ['router', 'batcher', 'health-prober', 'router']"),
            "node.roles: [\"router\",\"batcher\",\"health-prober\",\"router\"] "
                + "(expected: array of at least 1 without repetition)"),
        bad(
            "role missing",
            node("'roles': ['ingress', 'health-prober']"),
            "node.roles: [\"ingress\",\"health-prober\"] "
                + "(expected: router, batcher too, because without a cluster no other node has it)"),
        bad(
            "port below",
            node("'ports': {'http': -1}"),
            "node.ports.http: -1 (expected: integer from 0 to 65535)"),
        bad(
            "port above",
            node("'ports': {'http': 65536}"),
            "node.ports.http: 65536 (expected: integer from 0 to 65535)"),
        bad(
            "port as text",
            node("'ports': {'http': '8080'}"),
            "node.ports.http: \"8080\" (expected: integer from 0 to 65535)"),
        bad(
            "port with fraction",
            node("'ports': {'http': 80.5}"),
            "node.ports.http: 80.5 (expected: integer from 0 to 65535)"),
        bad(
            "port beyond int",
            node("'ports': {'http': 99999999999999999999}"),
            "node.ports.http: 99999999999999999999 (expected: integer from 0 to 65535)"),
        bad(
            "admin without a key",
            node("'ports': {'admin': 9080}")
                .replace("{'node'", "{'admin': {'host': '10.0.0.1'}, 'node'"),
            "admin.key: missing (expected: a key from the environment, such as \"${ADMIN_KEY}\","
                + " because admin.host, 10.0.0.1, can be reached from other machines)"),
        bad(
            "admin key",
            node("'name': 'n'").replace("{'node'", "{'admin': {'key': 'two words'}, 'node'"),
            "admin.key: *** (expected: printable ASCII characters without spaces)"),
        bad(
            "admin port taken",
            node("'ports': {'http': 9080, 'admin': 9080}"),
            "node.ports.admin: 9080 (expected: another port than ports.http)"),
        bad("port key", node("'port': 8080"), "node.port: unknown key (did you mean ports?)"),
        bad("name with space", node("'name': 'my node'"), "node.name: \"my node\" " + LABEL),
        bad("null", node("'name': null"), "node.name: null " + LABEL),
        bad(
            "host with port",
            node("'host': '0.0.0.0:8080'"),
            "node.host: \"0.0.0.0:8080\" "
                + "(expected: a host name or an IP address, without a port)"),
        bad(
            "loops",
            node("'event_loops': true"),
            "node.event_loops: true (expected: integer from 0 to 1024)"));
  }

  private static Stream<Case> clusters() {
    String join = "'join': {'static': {'members': ['10.0.0.1:5701', '10.0.0.2:5701']}}";
    return Stream.of(
        bad(
            "no host",
            cluster(join),
            "cluster.host: missing (expected: a host name or an IP address, without a port)"),
        bad(
            "wildcard host",
            cluster("'host': '0.0.0.0', " + join),
            "cluster.host: \"0.0.0.0\" "
                + "(expected: an address at which the other nodes reach this one)"),
        bad(
            "no name",
            cluster("'host': '10.0.0.1', " + join).replace("'name': 'n'", ""),
            "node.name: missing (expected: a name of its own for each node of a cluster)"),
        bad(
            "no join",
            cluster("'host': '10.0.0.1'"),
            "cluster.join: missing "
                + "(expected: static, dns or kubernetes, or a hazelcast_file beside it)"),
        bad(
            "join of no kind",
            cluster("'host': '10.0.0.1', 'join': {}"),
            "cluster.join: {} (expected: exactly one of static, dns, kubernetes)"),
        bad(
            "join of two kinds",
            cluster(
                "'host': 'a', 'join': {'dns': {'service': 'b'}, 'kubernetes': {'service': 'c'}}"),
            "cluster.join: dns, kubernetes "
                + "(expected: exactly one of static, dns, kubernetes)"),
        bad(
            "members",
            cluster("'host': 'a', 'join': {'static': {'members': ['a', 'a:0', 'a:1', 'a:1', 7]}}"),
            "cluster.join.static.members[0]: \"a\" " + HOST_PORT,
            "cluster.join.static.members[1]: \"a:0\" " + HOST_PORT,
            "cluster.join.static.members[3]: \"a:1\" "
                + "(expected: each member once; members[2] is the same)",
            "cluster.join.static.members[4]: 7 (expected: string)"),
        bad(
            "no members",
            cluster("'host': 'a', 'join': {'static': {'members': []}}"),
            "cluster.join.static.members: [] (expected: array of 1 to 1000)"),
        bad(
            "silence too short",
            cluster(
                "'host': 'a', 'heartbeat_interval_seconds': 5, 'max_no_heartbeat_seconds': 5, "
                    + join),
            "cluster.max_no_heartbeat_seconds: 5 "
                + "(expected: more than heartbeat_interval_seconds, 5)"),
        bad(
            "same ports",
            cluster("'host': 'a', " + join)
                .replace("'name': 'n'", "'name': 'n', 'ports': {'bus': 5701}"),
            "node.ports.bus: 5701 (expected: another port than ports.cluster)"),
        bad(
            "file and join",
            cluster("'host': 'a', 'hazelcast_file': 'nowhere.yaml', " + join),
            "cluster.hazelcast_file: \"nowhere.yaml\" "
                + "(expected: nothing beside join: the file would replace it)"),
        bad(
            "file missing",
            cluster("'host': 'a', 'hazelcast_file': 'nowhere.yaml'"),
            "cluster.hazelcast_file: \"nowhere.yaml\" (expected: a readable file)"),
        bad(
            "not an object",
            "{'cluster': 'none', 'fleet': {'pools': [{" + POOL + "}]}}",
            "cluster: \"none\" (expected: object)"));
  }

  private static Stream<Case> ingresses() {
    return Stream.of(
        bad(
            "body",
            ingress("'max_body_bytes': 0"),
            "ingress.max_body_bytes: 0 (expected: integer from 1024 to 1073741824)"),
        bad(
            "deadline",
            ingress("'deadlines': {'total_ms': 0, 'connect_ms': '3s'}"),
            "ingress.deadlines.total_ms: 0 (expected: integer from 1 to 86400000)",
            "ingress.deadlines.connect_ms: \"3s\" (expected: integer from 1 to 86400000)"),
        bad(
            "retries out of bounds",
            ingress(
                "'retries': {'max_attempts': 0, 'budget_percent': 101, 'budget_min': -1,"
                    + " 'backoff_ms': '50'}"),
            "ingress.retries.max_attempts: 0 (expected: integer from 1 to 10)",
            "ingress.retries.budget_percent: 101 (expected: integer from 0 to 100)",
            "ingress.retries.budget_min: -1 (expected: integer from 0 to 1000000)",
            "ingress.retries.backoff_ms: \"50\" (expected: integer from 0 to 10000)"),
        bad(
            "deadline key",
            ingress("'deadlines': {'first_token_seconds': 3}"),
            "ingress.deadlines.first_token_seconds: unknown key "
                + "(expected: one of connect_ms, first_token_ms, idle_ms, total_ms)"),
        bad(
            "drain",
            ingress("'drain_seconds': -1"),
            "ingress.drain_seconds: -1 (expected: integer from 0 to 86400)"),
        bad(
            "half of tls",
            ingress("'tls': {'certificate_file': 'node.json'}"),
            "ingress.tls.key_file: missing (expected: path of a file)",
            "ingress.tls.certificate_file: \"node.json\" "
                + "(expected: a readable PEM file with a CERTIFICATE)"),
        bad(
            "tls files",
            ingress("'tls': {'certificate_file': 'a.pem', 'key_file': 'b.pem'}"),
            "ingress.tls.certificate_file: \"a.pem\" "
                + "(expected: a readable PEM file with a CERTIFICATE)",
            "ingress.tls.key_file: \"b.pem\" "
                + "(expected: a readable PEM file with a PRIVATE KEY)"),
        bad(
            "cors without origins",
            ingress("'cors': {}"),
            "ingress.cors.origins: missing " + "(expected: array of 1 to 1000 without repetition)"),
        bad(
            "origins",
            ingress("'cors': {'origins': ['https://a.com/', 'a.com', 'https://b.com']}"),
            "ingress.cors.origins[0]: \"https://a.com/\" " + ORIGIN,
            "ingress.cors.origins[1]: \"a.com\" " + ORIGIN),
        bad(
            "credentials",
            ingress("'cors': {'origins': ['*'], 'credentials': true}"),
            "ingress.cors.credentials: true "
                + "(expected: false with origin *: browsers refuse the pair)"));
  }

  private static Stream<Case> fleets() {
    return Stream.of(
        bad("no pools", "{'fleet': {}}", "fleet.pools: missing (expected: array of 1 to 1000)"),
        bad(
            "no pool",
            "{'fleet': {'pools': []}}",
            "fleet.pools: [] (expected: array of 1 to 1000)"),
        bad(
            "empty pool",
            pools(""),
            "fleet.pools[0].model_id: missing "
                + "(expected: 1 to 256 printable ASCII characters without spaces)",
            "fleet.pools[0].replicas: missing " + REPLICAS),
        bad(
            "misspelt key",
            pool("'max_concurent': 5"),
            "fleet.pools[0].max_concurent: unknown key (did you mean max_concurrent?)"),
        bad(
            "camel case",
            pool("'maxConcurrent': 5"),
            "fleet.pools[0].maxConcurrent: unknown key (did you mean max_concurrent?)"),
        bad(
            "strange key",
            pool("'strange key': 5"),
            "fleet.pools[0][\"strange key\"]: unknown key "
                + "(expected: one of name, model_id, aliases, engine, engine_model_id, "
                + "engine_api_key, routing_strategy, prefix_index_bytes, kv_events, replicas, max_concurrent, "
                + "capabilities, context_tokens, queue, health, failover, circuit_breaker, resume, batching,"
                + " enable_dynamic_batching, max_batch_size, batch_timeout_ms)"),
        bad(
            "batching by whom",
            pool("'engine': 'openai', 'batching': 'chat'"),
            "fleet.pools[0].batching: \"chat\" (expected: one of engine, gateway)"),
        bad(
            "batching before an engine that batches",
            pool("'engine': 'vllm', 'batching': 'gateway', 'max_batch_size': 1"),
            "fleet.pools[0].batching: \"gateway\" (expected: engine, because vllm batches by itself;"
                + " gateway is for engines of the kinds openai and llama_cpp)",
            "fleet.pools[0].max_batch_size: 1 (expected: at least 2, because batching is gateway)"),
        bad(
            "batching that is off",
            pool("'engine': 'llama_cpp', 'batching': 'gateway', 'enable_dynamic_batching': false"),
            "fleet.pools[0].batching: \"gateway\" (expected: engine, because"
                + " enable_dynamic_batching is false)"),
        bad(
            "events of an engine that publishes none",
            pool("'engine': 'tgi', 'kv_events': {}"),
            "fleet.pools[0].kv_events: an object (expected: left out, because only engines of the kinds"
                + " vllm and sglang publish them)"),
        bad(
            "events of simulated engines",
            pools(
                "'model_id': 'm', 'engine': 'vllm', 'kv_events': {'topic': 't'},"
                    + " 'replicas': {'simulated': {'count': 2}}"),
            "fleet.pools[0].kv_events: an object (expected: left out, because simulated engines of"
                + " the node's own publish none)"),
        bad(
            "endpoints that are none",
            pool(
                "'engine': 'vllm', 'kv_events': {'endpoint': 'http://h:1', 'replay_endpoint':"
                    + " 'tcp://*:5558', 'data_parallel_size': 0}"),
            "fleet.pools[0].kv_events.endpoint: \"http://h:1\" (expected: tcp://HOST:PORT, where HOST"
                + " may be {host} and PORT {port}, {port+N} or {port-N}, of the replica's url)",
            "fleet.pools[0].kv_events.replay_endpoint: \"tcp://*:5558\" (expected: tcp://HOST:PORT,"
                + " where HOST may be {host} and PORT {port}, {port+N} or {port-N}, of the replica's"
                + " url)",
            "fleet.pools[0].kv_events.data_parallel_size: 0 (expected: integer from 1 to 64)"),
        bad(
            "one endpoint for two replicas",
            pools(
                "'model_id': 'm', 'engine': 'vllm', 'kv_events': {'endpoint': 'tcp://{host}:5557'},"
                    + " 'replicas': [{'url': 'http://h:1'}, {'url': 'http://h:2'}]"),
            "fleet.pools[0].kv_events.endpoint: \"tcp://{host}:5557\" (expected: an address of its"
                + " own for each replica ({host}, {port+N});"
                + " fleet.pools[0].kv_events.endpoint of replicas[0] is tcp://h:5557 too)"),
        bad(
            "events where the API is",
            pool("'engine': 'vllm', 'kv_events': {'endpoint': 'tcp://{host}:{port}'}"),
            "fleet.pools[0].kv_events.endpoint: \"tcp://{host}:{port}\" (expected: an address of its"
                + " own for each replica ({host}, {port+N});"
                + " fleet.pools[0].replicas[0].url is tcp://h:1 too)"),
        bad(
            "events and replays of ranks on one port",
            pool(
                "'engine': 'vllm', 'kv_events': {'endpoint': 'tcp://{host}:{port+1}',"
                    + " 'replay_endpoint': 'tcp://{host}:{port+2}', 'data_parallel_size': 2}"),
            "fleet.pools[0].kv_events.replay_endpoint: \"tcp://{host}:{port+2}\" (expected: an"
                + " address of its own for each replica ({host}, {port+N});"
                + " fleet.pools[0].kv_events.endpoint of replicas[0], rank 1 is tcp://h:3 too)"),
        bad(
            "a port that is none",
            pool("'engine': 'vllm', 'kv_events': {'endpoint': 'tcp://{host}:{port-7}'}"),
            "fleet.pools[0].kv_events.endpoint: \"tcp://{host}:{port-7}\" (expected: a port of"
                + " 1..65535 for each replica; replicas[0] has none)"),
        bad(
            "one endpoint for replicas of a file",
            pools(
                "'model_id': 'm', 'engine': 'vllm', 'kv_events': {'endpoint': 'tcp://h:5557'},"
                    + " 'replicas': {'dns': {'name': 'e.f', 'port': 1}}"),
            "fleet.pools[0].kv_events.endpoint: \"tcp://h:5557\" (expected: an endpoint with {host},"
                + " because the pool's replicas are not listed here)"),
        bad(
            "max_concurrent",
            pool("'max_concurrent': -1"),
            "fleet.pools[0].max_concurrent: -1 (expected: integer from 1 to 1000000)"),
        bad(
            "strategy",
            pool("'routing_strategy': 'fastest'"),
            "fleet.pools[0].routing_strategy: \"fastest\" "
                + "(expected: one of round_robin, least_loaded, random, hash_based, "
                + "capability_based, power_of_two, prefix_cache, predicted_latency)"),
        bad(
            "engine",
            pool("'engine': 'VLLM'"),
            "fleet.pools[0].engine: \"VLLM\" "
                + "(expected: one of vllm, sglang, tgi, tensorrt_llm, llama_cpp, openai)"),
        bad(
            "capability",
            pool("'capabilities': ['tools', 'toolz']"),
            "fleet.pools[0].capabilities[1]: \"toolz\" "
                + "(expected: one of tools, vision, audio, json_schema, logprobs, embeddings)"),
        bad(
            "key with space",
            pool("'engine_api_key': 'sk secret'"),
            "fleet.pools[0].engine_api_key: *** "
                + "(expected: printable ASCII characters without spaces)"),
        bad(
            "pool names",
            pools("'name': 'p', " + POOL, "'name': 'p', " + POOL),
            "fleet.pools[1].name: \"p\" "
                + "(expected: a name of its own; fleet.pools[0] has this one)"),
        bad(
            "pool without name",
            pools(POOL, POOL),
            "fleet.pools[1].name: missing "
                + "(expected: a name of its own, because fleet.pools[0] has the name m)"),
        bad("pool name with space", pool("'name': 'a b'"), "fleet.pools[0].name: \"a b\" " + NAME),
        bad(
            "alias of two",
            pools(
                "'aliases': ['x'], " + POOL,
                "'aliases': ['x', 'm'], " + POOL.replace("'m'", "'o'")),
            "fleet.pools[1].aliases[0]: \"x\" "
                + "(expected: a name that no other model has; it means model m)",
            "fleet.pools[1].aliases[1]: \"m\" "
                + "(expected: a name that no other model has; it means model m)"),
        bad(
            "fallback",
            fleet("'fallback_model_id': 'n'"),
            "fleet.fallback_model_id: \"n\" (expected: a model that a pool serves: m)"),
        bad(
            "fallback flag",
            fleet("'enable_fallback': 'yes'"),
            "fleet.enable_fallback: \"yes\" (expected: true or false)"),
        bad(
            "queue smaller than a body",
            pool("'queue': {'max_bytes': 1048576}"),
            "fleet.pools[0].queue.max_bytes: 1048576 "
                + "(expected: at least ingress.max_body_bytes, 16777216)"),
        bad(
            "queue wait",
            pool("'queue': {'queue_ms': {'interactiv': 1, 'bulk': 0}}"),
            "fleet.pools[0].queue.queue_ms.interactiv: unknown key "
                + "(did you mean interactive?)",
            "fleet.pools[0].queue.queue_ms.bulk: 0 (expected: integer from 1 to 86400000)"),
        bad(
            "health",
            pool("'health': {'consecutive_failures_for_unhealthy': 0}"),
            "fleet.pools[0].health.consecutive_failures_for_unhealthy: 0 "
                + "(expected: integer from 1 to 100)"),
        bad(
            "file is missing",
            "{'fleet': {'file': 'fleet.json'}}",
            "fleet.json: no such file (expected: a JSON file)"),
        bad(
            "file and pools",
            "{'fleet': {'file': 'node.json', 'pools': []}}",
            "fleet.pools: unknown key (expected: only file)",
            "node.json: pools: missing (expected: array of 1 to 1000)",
            "node.json: fleet: unknown key "
                + "(expected: one of enable_fallback, fallback_model_id, tiers, pools)"),
        bad(
            "file is a number",
            "{'fleet': {'file': 7}}",
            "fleet.file: 7 (expected: path of a file)"),
        bad(
            "file is a directory",
            "{'fleet': {'file': '.'}}",
            ".: a directory (expected: a JSON file)"));
  }

  private static Stream<Case> replicaLists() {
    return Stream.of(
        bad(
            "text",
            replicas("'http://h:1'"),
            "fleet.pools[0].replicas: \"http://h:1\" " + REPLICAS),
        bad(
            "replica as text",
            replicas("['http://h:1']"),
            "fleet.pools[0].replicas[0]: \"http://h:1\" (expected: object)"),
        bad("no url", replicas("[{}]"), "fleet.pools[0].replicas[0].url: missing " + URL),
        bad(
            "urls",
            replicas(
                "[{'url': 'h:1'}, {'url': 'http://h:1/v1'}, {'url': 'http:///x'},"
                    + " {'url': 'ftp://h'}, {'url': 'http://h:0'}, {'url': 'http://u:p@h'},"
                    + " {'url': 'http://h ost'}]"),
            "fleet.pools[0].replicas[0].url: \"h:1\" " + URL,
            "fleet.pools[0].replicas[1].url: \"http://h:1/v1\" " + URL,
            "fleet.pools[0].replicas[2].url: \"http:///x\" " + URL,
            "fleet.pools[0].replicas[3].url: \"ftp://h\" " + URL,
            "fleet.pools[0].replicas[4].url: \"http://h:0\" " + URL,
            "fleet.pools[0].replicas[5].url: \"http://u:p@h\" " + URL,
            "fleet.pools[0].replicas[6].url: \"http://h ost\" " + URL),
        bad(
            "url twice",
            replicas("[{'url': 'http://h:1'}, {'url': 'http://h:1/'}]"),
            "fleet.pools[0].replicas[1].url: \"http://h:1/\" "
                + "(expected: each engine once in a pool; replicas[0] has the same url)"),
        bad(
            "ids",
            replicas("[{'url': 'http://h:1', 'id': 'm-1'}, {'url': 'http://h:2'}]"),
            "fleet.pools[0].replicas[1].id: missing "
                + "(expected: an id of its own; fleet.pools[0].replicas[0] has the id m-1)"),
        bad(
            "weight",
            replicas("[{'url': 'http://h:1', 'weight': 0}]"),
            "fleet.pools[0].replicas[0].weight: 0 (expected: number from 0.001 to 1000000)"),
        bad(
            "neither",
            replicas("{}"),
            "fleet.pools[0].replicas: {} (expected: exactly one of dns, file, simulated)"),
        bad(
            "two sources",
            replicas("{'file': 'node.json', 'simulated': {'count': 2}}"),
            "fleet.pools[0].replicas: file, simulated "
                + "(expected: exactly one of dns, file, simulated)"),
        bad(
            "unknown source",
            replicas("{'consul': {}}"),
            "fleet.pools[0].replicas.consul: unknown key "
                + "(expected: one of dns, file, simulated)"),
        bad(
            "dns without port",
            replicas("{'dns': {'name': 'vllm.svc'}}"),
            "fleet.pools[0].replicas.dns.port: missing "
                + "(expected: the replicas' port: A records have none)"),
        bad(
            "srv with port",
            replicas("{'dns': {'name': 'a', 'type': 'SRV', 'port': 1, 'name_server': '10.0.0.1'}}"),
            "fleet.pools[0].replicas.dns.port: 1 "
                + "(expected: nothing: SRV records have their own ports)",
            "fleet.pools[0].replicas.dns.name_server: \"10.0.0.1\" "
                + "(expected: host:port, such as 10.0.0.10:53)"),
        bad(
            "simulated",
            replicas("{'simulated': {'count': 0, 'profile': 'h100'}}"),
            "fleet.pools[0].replicas.simulated.count: 0 (expected: integer from 1 to 1000)",
            "fleet.pools[0].replicas.simulated.profile: \"h100\" "
                + "(expected: one of h100-llama-3.1-8b, a100-llama-3.1-8b, h100x8-llama-3.3-70b, "
                + "a100-40g-llama-2-7b, l4-llama-3.1-8b, l4-bge-m3, "
                + "h100-llama-3.1-8b-static, instant)"),
        bad(
            "watched file",
            replicas("{'file': 'replicas.json'}"),
            "fleet.pools[0].replicas.file: \"replicas.json\" (expected: a readable file)"));
  }

  private static String tenants(String body) {
    return pool("'aliases': ['a']").replace("{'fleet'", "{'tenants': {" + body + "}, 'fleet'");
  }

  private static String tenant(String body) {
    return tenants("'list': [{'id': 'acme', " + body + "}]");
  }

  private static Stream<Case> tenants() {
    return Stream.of(
        bad(
            "no such auth",
            tenants("'auth': 'basic'"),
            "tenants.auth: \"basic\" (expected: one of none, keys, jwt, keys+jwt)"),
        bad(
            "tokens of nobody",
            tenants("'auth': 'jwt'"),
            "tenants.jwt: missing (expected: the issuer of the tokens, because auth is \"jwt\")"),
        bad(
            "keys of an issuer that are no URL",
            tenants("'auth': 'jwt', 'jwt': {'issuer': 'me', 'jwks_url': 'keys.json'}"),
            "tenants.jwt.jwks_url: \"keys.json\" (expected: an http:// or https:// URL)"),
        bad(
            "limit of zero",
            tenant("'limits': {'requests_per_minute': 0}"),
            "tenants.list[0].limits.requests_per_minute: 0 (expected: integer from 1 to"
                + " 1000000000000)"),
        bad(
            "negative weight",
            tenant("'weight': -1"),
            "tenants.list[0].weight: -1 (expected: number from 0.001 to 1000)"),
        bad(
            "no such class",
            tenant("'max_priority': 'urgent'"),
            "tenants.list[0].max_priority: \"urgent\" (expected: one of interactive, default,"
                + " bulk)"),
        bad(
            "model that nobody serves",
            tenant("'models': ['n']"),
            "tenants.list[0].models[0]: \"n\" (expected: a model or an alias of the fleet: a, m)"),
        bad(
            "limit for an alias",
            tenant("'model_limits': [{'model': 'a', 'max_concurrent': 1}]"),
            "tenants.list[0].model_limits[0].model: \"a\" (expected: a model of the fleet, by its"
                + " model_id: m)"),
        bad(
            "a key's name with a blank at its end",
            tenant("'keys': [{'name': 'ci ', 'secret': 'sk-0123456789abcdef0123'}]"),
            "tenants.list[0].keys[0].name: \"ci \" (expected: a text of at most 200 characters, none"
                + " of them a control character, without blanks at its ends)"),
        bad(
            "one id twice",
            tenants("'list': [{'id': 'a'}, {'id': 'a'}]"),
            "tenants.list[1].id: \"a\" (expected: an id of its own; tenants.list[0] has this one)"),
        bad(
            "one key twice",
            tenant(
                "'keys': [{'secret': 'sk-01234567890123456789'}, {'secret':"
                    + " 'sk-01234567890123456789'}]"),
            "tenants.list[0].keys[1].secret: *** (expected: a key of its own;"
                + " tenants.list[0].keys[0] has this one)"),
        bad(
            "neither secret nor hash",
            tenant("'keys': [{'name': 'ci'}]"),
            "tenants.list[0].keys[0]: neither (expected: exactly one of sha256 and secret)"),
        bad(
            "no hash",
            tenant("'keys': [{'sha256': 'abc'}]"),
            "tenants.list[0].keys[0].sha256: \"abc\" (expected: 64 hexadecimal digits)"),
        bad(
            "short secret",
            tenant("'keys': [{'secret': '${WORD}'}]"),
            "tenants.list[0].keys[0].secret: *** from \"${WORD}\" (expected: 20 to 4096 printable"
                + " ASCII characters without spaces)"),
        bad(
            "no Redis",
            tenants("'limits': {'redis_url': 'http://h:6379'}"),
            "tenants.limits.redis_url: *** (expected: a redis:// or rediss:// URL)"),
        bad(
            "keys in two places",
            tenants("'key_file': 'keys.json', 'key_redis_url': 'redis://h:6379'"),
            "tenants.key_file: \"keys.json\" (expected: left out, because key_redis_url is given)"));
  }

  private static Stream<Case> placeholders() {
    return Stream.of(
        bad(
            "prefixes in two places",
            pools(POOL)
                .replace(
                    "{'fleet'",
                    "{'prefixes': {'file': 'p.json', 'redis_url': 'redis://h:6379'}, 'fleet'"),
            "prefixes.file: \"p.json\" (expected: left out, because redis_url is given)"),
        bad(
            "no Redis for prefixes",
            pools(POOL).replace("{'fleet'", "{'prefixes': {'redis_url': 'h:6379'}, 'fleet'"),
            "prefixes.redis_url: *** (expected: a redis:// or rediss:// URL)"),
        bad(
            "unset",
            node("'name': '${NODE_NAME}'"),
            "node.name: \"${NODE_NAME}\" "
                + "(expected: NODE_NAME in the environment, or a default: ${NODE_NAME:-default})"),
        bad(
            "not a number",
            node("'ports': {'http': '${WORD}'}"),
            "node.ports.http: \"abc\" from \"${WORD}\" (expected: integer from 0 to 65535)"),
        bad("empty", node("'name': '${EMPTY}'"), "node.name: \"\" from \"${EMPTY}\" " + LABEL),
        bad(
            "out of range",
            node("'ports': {'http': '${PORT:-70000}'}"),
            "node.ports.http: 70000 from \"${PORT:-70000}\" "
                + "(expected: integer from 0 to 65535)"),
        bad("not closed", node("'name': 'a${WORD'"), "node.name: \"a${WORD\" " + PLACEHOLDER),
        bad("not a name", node("'name': '${1A}'"), "node.name: \"${1A}\" " + PLACEHOLDER),
        bad(
            "in a default",
            node("'name': '${A:-${WORD}}'"),
            "node.name: \"${A:-${WORD}}\" " + PLACEHOLDER),
        bad(
            "secret",
            pool("'engine_api_key': '${WORD} '"),
            "fleet.pools[0].engine_api_key: *** from \"${WORD} \" "
                + "(expected: printable ASCII characters without spaces)"),
        bad(
            "unset in a url",
            replicas("[{'url': 'http://${HOST}:1'}]"),
            "fleet.pools[0].replicas[0].url: \"http://${HOST}:1\" "
                + "(expected: HOST in the environment, or a default: ${HOST:-default})"));
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void isRefusedWithExactlyTheseMistakes(Case bad) throws IOException {
    assertThat(mistakes(bad.json())).isEqualTo(bad.mistakes());
  }

  private List<String> mistakes(String json) throws IOException {
    Path file = directory.resolve("node.json");
    Files.writeString(file, json.replace('\'', '"'));
    Loaded loaded = ConfigLoader.load(file, n -> Optional.ofNullable(ENVIRONMENT.get(n)));
    return loaded.fold(
        ok -> List.of(),
        failed ->
            failed.mistakes().stream()
                .map(m -> m.toString().replace(directory + "/", ""))
                .toList());
  }
}
